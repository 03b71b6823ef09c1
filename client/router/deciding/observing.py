"""Observing habits: what is usual at this bureau, from its own earlier claims, whatever became of them.

Medians bear a few improper claims among many: one in a hundred hardly moves them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from client.router.deciding.habits import (
    EVERYONE,
    FEWEST_PEERS,
    Group,
    Habits,
    category_of,
    cluster_group,
    diagnosis_groups,
    operation_groups,
    pair_name,
)
from client.router.deciding.model import RoutingModel
from common.codes import CODE_SYSTEMS
from common.columns import ClaimTable, CodeColumn
from common.features.spec import CodesBlock, FeatureSpec

TO_DEVIATIONS = 1.4826
"""From the median distance to the median to a standard deviation, for normal numbers."""

DECIMALS = 9
MOST_GROUPS = 20_000
"""Larger groups go first; a bureau has far fewer that count."""

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


def observe(table: ClaimTable, nearest: Integers, model: RoutingModel, now: int) -> Habits:
    """The habits in some claims.

    Args:
        table: The bureau's own claims.
        nearest: Their clusters.
        model: Whose clusters.
        now: Unix seconds.
    """
    diagnosis_system, operation_system = code_systems(model.features)
    diagnoses = _codes(table.diagnoses[0])
    operations = _codes(table.operations[0]) if table.operations else [""] * len(table)
    system = CODE_SYSTEMS[diagnosis_system]
    categories = [category_of(system, code) if code else "" for code in diagnoses]
    measured = _Measured(table)
    return Habits(
        model_sha256=model.family,
        fitted_at=now,
        diagnosis_system=diagnosis_system,
        operation_system=operation_system,
        n_claims=len(table),
        groups={
            name: measured.group(rows)
            for name, rows in _groups(
                diagnoses, operations, model.numbers[nearest], (diagnosis_system, operation_system)
            )
        },
        diagnoses=dict(Counter(category for category in categories if category)),
        operations=dict(Counter(operations)),
        pairs=dict(Counter(pair_name(*pair) for pair in zip(categories, operations, strict=True) if pair[0])),
    )


def code_systems(features: FeatureSpec) -> tuple[str, str]:
    """Of diagnoses and operations, as the features read them."""
    for block in features.blocks:
        if isinstance(block, CodesBlock):
            return block.diagnosis_system, block.operation_system
    return "icd10", "icd9cm3"


def _codes(column: CodeColumn) -> list[str]:
    values = [*column.values, ""]
    return [values[index] for index in column.indices]


def _groups(
    diagnoses: list[str], operations: list[str], clusters: Integers, systems: tuple[str, str]
) -> Iterator[tuple[str, Rows]]:
    """Names and members of the groups with enough of them. Whoever has an operation is no peer by diagnosis."""
    diagnosis_system, operation_system = (CODE_SYSTEMS[name] for name in systems)
    members: dict[str, list[int]] = {EVERYONE: list(range(len(clusters)))}
    for row, (diagnosis, operation, cluster) in enumerate(zip(diagnoses, operations, clusters.tolist(), strict=True)):
        named = (
            operation_groups(operation_system, operation)
            if operation
            else diagnosis_groups(diagnosis_system, diagnosis)
        )
        for name in (*named, cluster_group(cluster)):
            members.setdefault(name, []).append(row)
    largest = sorted(members.items(), key=lambda one: (-len(one[1]), one[0]))[:MOST_GROUPS]
    return ((name, np.array(rows, np.intp)) for name, rows in largest if len(rows) >= FEWEST_PEERS)


class _Measured:
    """Logarithms and roots of all claims, and what is usual among some of them."""

    def __init__(self, table: ClaimTable) -> None:
        self._cost = np.log(np.maximum(table.total, 1).astype(np.float64))
        self._stay = np.log1p(np.maximum(table.stay_days, 0).astype(np.float64))
        fees = np.maximum(table.fees, 0).astype(np.float64)
        totals = fees.sum(axis=1, keepdims=True)
        self._roots = np.sqrt(np.divide(fees, totals, out=np.zeros_like(fees), where=totals > 0))

    def group(self, rows: Rows) -> Group:
        """What is usual among some claims."""
        roots = self._roots[rows]
        mean = roots.mean(axis=0)
        far = float(np.median(((roots - mean) ** 2).sum(axis=1)))
        stats = (*_centre(self._cost[rows]), *_centre(self._stay[rows]), far, *mean.tolist())
        return Group(n=len(rows), stats=tuple(round(value, DECIMALS) for value in stats))


def _centre(values: Floats) -> tuple[float, float]:
    """Median and spread."""
    median = float(np.median(values))
    return median, TO_DEVIATIONS * float(np.median(np.abs(values - median)))
