"""The privacy section of a plan: whom a run protects, how much, and how its budget is divided. Whole numbers only."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from common.accounting.guarantee import Guarantee, Unit
from common.grid import GRID_UNITS
from common.weighting import Weighting

PER_MILLE = 1000


class Division(BaseModel):
    """How a run's budget is divided over rounds, per mille.

    Attributes:
        seeding: For seeding, of the whole.
        measure: For the figures of the final clusters, of the whole; what is left is for polishing.
        outcomes: For counting how past claims of each cluster were decided, of the whole; 0 does not ask.
        bureaus: For evidence of how many bureaus are in each cell, of a window's round.
        coordinates: For squared distances along each coordinate, of a window's round; 0 does not ask.
        operations: For claims of each category of operations, of a window's round; 0 does not ask.
        histogram: Of the seeding's part, for the first radius.
        squares: Of a round's part, for squared distances.
        growth: Weight of a level of the seeding over the level before.
        passes_per_level: Rounds after each doubling of the cells.
        polish_rounds: Rounds that share the polishing's part evenly; 0 only where a run starts from given centroids.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    seeding: Annotated[int, Field(ge=1, le=900)] = 500
    measure: Annotated[int, Field(ge=1, le=500)] = 60
    outcomes: Annotated[int, Field(ge=0, le=900)] = 0
    bureaus: Annotated[int, Field(ge=1, le=500)] = 30
    coordinates: Annotated[int, Field(ge=0, le=900)] = 0
    operations: Annotated[int, Field(ge=0, le=900)] = 0
    histogram: Annotated[int, Field(ge=1, le=500)] = 40
    squares: Annotated[int, Field(ge=1, le=500)] = 50
    growth: Annotated[int, Field(ge=500, le=4000)] = 1700
    passes_per_level: Annotated[int, Field(ge=1, le=5)] = 2
    polish_rounds: Annotated[int, Field(ge=0, le=20)] = 6

    @model_validator(mode="after")
    def _leaves_something(self) -> Self:
        if self.seeding + self.measure + self.outcomes >= PER_MILLE:
            msg = "seeding, measure and outcomes leave nothing for polishing: together they must stay below 1000"
            raise ValueError(msg)
        if self.bureaus + self.coordinates + self.operations + self.squares >= PER_MILLE:
            msg = "bureaus, coordinates, operations and squares leave nothing for counts and sums: stay below 1000"
            raise ValueError(msg)
        return self

    @property
    def polish(self) -> int:
        """For polishing, of the whole."""
        return PER_MILLE - self.seeding - self.measure - self.outcomes if self.polish_rounds else 0


class Privacy(BaseModel):
    """What a run guarantees, to whom, and on which terms.

    Attributes:
        epsilon_thousandths: Epsilon of the whole run, in thousandths.
        delta_billionths: Delta of the whole run, in billionths.
        unit: Whom it protects.
        weighting: How the claims of one person are held to a bound.
        claims_per_person: How many claims of one person count, where weights are capped; else 1.
        bureaus_per_person: In how many bureaus one person may have claims. Bureaus cannot link persons, so each
            bounds a person on its own, and this number of bounds adds up.
        honest_floor: Bureaus whose noise is counted on, where the coordinator sees a masked sum alone.
        expected_units: Public estimate of what all bureaus hold together: of claims, or of insured persons where
            weights are shared. For the feasibility index alone.
        leaves_per_cluster: Seeding splits to so many leaves a cluster before it reduces them.
        reduction_restarts: Restarts of the reduction from leaves to clusters; it costs nothing but time.
        division: Of the budget.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    epsilon_thousandths: Annotated[int, Field(ge=10, le=100_000)] = 1000
    delta_billionths: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    unit: Annotated[Unit, Field(strict=False)] = Unit.PERSON
    weighting: Annotated[Weighting, Field(strict=False)] = Weighting.SHARED
    claims_per_person: Annotated[int, Field(ge=1, le=1000)] = 1
    bureaus_per_person: Annotated[int, Field(ge=1, le=100)] = 1
    honest_floor: Annotated[int, Field(ge=2, le=10_000)] = 2
    expected_units: Annotated[int, Field(ge=1, le=1 << 33)]
    leaves_per_cluster: Annotated[int, Field(ge=1, le=16)] = 3
    reduction_restarts: Annotated[int, Field(ge=1, le=1000)] = 100
    division: Division = Division()

    @model_validator(mode="after")
    def _bounds_its_unit(self) -> Self:
        if (self.unit is Unit.CLAIM) is not (self.weighting is Weighting.EACH_CLAIM):
            msg = "a claim is protected by the weighting each_claim, and a person by shared or capped"
            raise ValueError(msg)
        if self.claims_per_person > 1 and self.weighting is not Weighting.CAPPED:
            msg = "claims_per_person goes with the weighting capped"
            raise ValueError(msg)
        if self.bureaus_per_person > 1 and self.unit is Unit.CLAIM:
            msg = "a claim is in one bureau: bureaus_per_person goes with the unit person"
            raise ValueError(msg)
        return self

    @property
    def guarantee(self) -> Guarantee:
        """Of the whole run."""
        return Guarantee(epsilon=self.epsilon_thousandths / 1e3, delta=self.delta_billionths / 1e9, unit=self.unit)

    @property
    def contribution(self) -> int:
        """By how many weights of 1 one protected unit can change a sum, over all bureaus together."""
        return self.claims_per_person * self.bureaus_per_person

    @property
    def squared_sensitivity(self) -> int:
        """Squared L2 sensitivity of a block of sums that a weight of 1 changes by 1, squared grid units."""
        return (GRID_UNITS * self.contribution) ** 2
