"""``plan.toml``: what a coordinator asks its bureaus to agree to, in words; it becomes a ``common.plan.Plan``."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from common.accounting.guarantee import Unit
from common.errors import PlanError
from common.features.default import default_spec
from common.plan import Plan, Protection
from common.privacy import Division, Privacy
from common.weighting import Weighting
from server.deployment.configuration import Part, read_toml

PER_EPSILON, PER_DELTA = 1000, 10**9


def _in_units(per_one: int) -> BeforeValidator:
    """A decimal number as whole units; what is finer than a unit is refused."""

    def whole(given: object) -> int:
        try:
            value = Decimal(str(given)) * per_one
        except InvalidOperation:
            value = Decimal("nan")
        if isinstance(given, bool) or not value.is_finite() or value != int(value):
            msg = f"must be a number in whole parts of 1/{per_one}"
            raise ValueError(msg)
        return int(value)

    return BeforeValidator(whole)


class Tuning(Part):
    """What rarely needs a change; see ``common.privacy``.

    Attributes:
        leaves_per_cluster: Cells of the seeding a cluster.
        reduction_restarts: Of the reduction from cells to clusters.
        division: Of the budget over the rounds.
    """

    leaves_per_cluster: int = 3
    reduction_restarts: int = 100
    division: Division = Division()


class PlanFile(Part):
    """A plan as its file says it.

    Attributes:
        name: For people.
        diagnoses: Code system of the diagnoses.
        operations: Code system of the operations.
        clusters: How many.
        protection: What stands between a bureau's sums and the coordinator.
        epsilon: Of a whole run, in thousandths.
        delta: Of a whole run, in billionths.
        unit: Whom it protects.
        weighting: How the claims of one person are held to a bound.
        claims_per_person: How many count, where weights are capped.
        bureaus_per_person: In how many bureaus one person may have claims.
        expected_units: Public estimate of what all bureaus hold together.
        min_cohort: Bureaus without which no run starts.
        honest_floor: Bureaus whose noise is counted on.
        max_rounds: Upper limit.
        smallest_cluster: Claims or persons below which a cluster is not published.
        cost_cap_yuan: The declared trimming of costs.
        seed: For what is public.
        tuning: What rarely needs a change.
    """

    name: str = "clusters"
    diagnoses: str = "icd10"
    operations: str = "icd9cm3"
    clusters: int
    protection: Annotated[Protection, Field(strict=False)] = Protection.SECURE
    epsilon: Annotated[int, _in_units(PER_EPSILON)] = PER_EPSILON
    delta: Annotated[int, _in_units(PER_DELTA)] = 1000
    unit: Annotated[Unit, Field(strict=False)] = Unit.PERSON
    weighting: Annotated[Weighting, Field(strict=False)] = Weighting.SHARED
    claims_per_person: int = 1
    bureaus_per_person: int = 1
    expected_units: int
    min_cohort: int = 3
    honest_floor: int = 2
    max_rounds: int = 150
    smallest_cluster: int = 11
    cost_cap_yuan: int = 200_000
    seed: int = 0
    tuning: Tuning = Tuning()

    def plan(self) -> Plan:
        """The plan that this says.

        Raises:
            PlanError: If no plan can be so; the text says why.
        """
        try:
            return Plan(
                features=default_spec(self.diagnoses, self.operations),
                privacy=None if self.protection is Protection.NONE else Privacy(**self._privacy()),
                n_clusters=self.clusters,
                **{name: getattr(self, name) for name in _SHARED},
            )
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "it"
            msg = f"plan.toml makes no plan: {where}: {first['msg']}"
            raise PlanError(msg) from None

    def _privacy(self) -> Mapping[str, Any]:
        return {
            "epsilon_thousandths": self.epsilon,
            "delta_billionths": self.delta,
            "leaves_per_cluster": self.tuning.leaves_per_cluster,
            "reduction_restarts": self.tuning.reduction_restarts,
            "division": self.tuning.division,
            **{name: getattr(self, name) for name in _PRIVATE},
        }


_SHARED = ("name", "protection", "max_rounds", "smallest_cluster", "cost_cap_yuan", "min_cohort", "seed")
_PRIVATE = ("unit", "weighting", "claims_per_person", "bureaus_per_person", "expected_units", "honest_floor")


def load_plan(path: Path) -> Plan:
    """The plan that a file says.

    Raises:
        InputError: If the file cannot be used.
        PlanError: If no plan can be so.
    """
    return read_toml(path, PlanFile).plan()
