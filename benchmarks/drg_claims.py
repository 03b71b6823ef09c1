"""Claims drawn from the CHS-DRG 1.1 membership tables: what a grouper sees, and the group it would say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from common.claim import FEE_CATEGORIES
from common.columns import ClaimTable, encode_codes

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adrg:
    """A group before severity.

    Attributes:
        diagnoses: Its own; those of its major category where it lists none, as surgical groups do.
        operations: Empty for a medical group.
    """

    diagnoses: Sequence[str]
    operations: Sequence[str]


def read_adrgs(path: Path) -> list[Adrg]:
    """All groups of the major categories that list diagnoses; the category is an ADRG's first letter."""
    held: dict[str, dict[str, list[str]]] = {"dx": defaultdict(list), "px": defaultdict(list)}
    of_category: dict[str, set[str]] = defaultdict(set)
    for row in pq.read_table(path).to_pylist():
        held["dx" if row["kind"] == "dx" else "px"][row["adrg"]].append(row["code"])
        if row["kind"] == "dx":
            of_category[row["adrg"][0]].add(row["code"])
    names = sorted(name for name in held["dx"].keys() | held["px"].keys() if name[0] in of_category)
    return [
        Adrg(diagnoses=held["dx"][name] or sorted(of_category[name[0]]), operations=held["px"][name]) for name in names
    ]


def draw_claims(
    adrgs: Sequence[Adrg], n_adrgs: int, n_claims: int, seed: int
) -> tuple[ClaimTable, npt.NDArray[np.int64]]:
    """Claims of some groups drawn at random; frequencies of groups, and of codes within one, follow Zipf's law.

    Returns:
        The claims, and the place of each one's group.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(len(adrgs))[:n_adrgs]
    truth = rng.choice(n_adrgs, n_claims, p=_zipf(n_adrgs))
    diagnoses, operations = np.full(n_claims, None, object), np.full(n_claims, None, object)
    for place, number in enumerate(drawn):
        rows = np.flatnonzero(truth == place)
        diagnoses[rows] = _draw(adrgs[number].diagnoses, len(rows), rng)
        if adrgs[number].operations:
            operations[rows] = _draw(adrgs[number].operations, len(rows), rng)
    return _table(list(diagnoses), list(operations)), truth


def _draw(codes: Sequence[str], n: int, rng: np.random.Generator) -> npt.NDArray[np.str_]:
    return rng.choice(rng.permutation(np.array(codes)), n, p=_zipf(len(codes)))


def _zipf(n: int) -> Floats:
    weights = 1.0 / np.arange(1, n + 1)
    return np.asarray(weights / weights.sum())


def _table(diagnoses: list[str | None], operations: list[str | None]) -> ClaimTable:
    n = len(diagnoses)
    return ClaimTable(
        diagnoses=(encode_codes(diagnoses),),
        operations=(encode_codes(operations),),
        attributes={},
        fees=np.zeros((n, len(FEE_CATEGORIES)), np.int64),
        total=np.zeros(n, np.int64),
        stay_days=np.zeros(n, np.int32),
        age_days=np.zeros(n, np.int32),
        person_id=np.zeros(n, np.uint64),
    )
