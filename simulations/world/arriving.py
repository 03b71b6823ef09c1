"""A world in which claims arrive: the generated world by the second, with what happens in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
import pyarrow as pa

from common.errors import SourceError
from simulations.world.arriving_block import HOUR, ArrivingBlock
from simulations.world.arriving_hours import ArrivingHours
from simulations.world.columns import Column
from simulations.world.groups import Group, load_groups
from simulations.world.happenings import Happening, Outage, check_happenings
from simulations.world.local import localise
from simulations.world.regions import Region
from simulations.world.rhythm import Rhythm, rhythm_from
from simulations.world.world import World, within

HOURS_A_YEAR = 8_760
MOST_HOURS = 10 * HOURS_A_YEAR
MOST_AN_HOUR = 100_000
MOST_CLAIMS = 10**9


@dataclass(frozen=True, kw_only=True)
class ArrivingWorld:
    """Claims of several bureaus by the second in which each bureau receives them.

    Guarantees:
        * The same arguments make the same claims, however time is cut into windows and whichever is asked for first.
        * What happens leaves all other claims as they are: they are those of a world without happenings.
        * A longer world begins with the claims of a shorter one.
        * A claim arrives the second it is settled. ``drg_code`` holds the group that it was drawn from: the truth.

    Attributes:
        seed: Not negative.
        start: Its first day, on the claims' own clock.
        hours: How long it lasts, from midnight on.
        claims_per_hour: Of all bureaus together, as usual, on the mean over a week.
        n_bureaus: One a region.
        heterogeneity: As in ``World``.
        happenings: What happens. Append to them: a surge is drawn by its place among them.
        groups: What claims there are.
    """

    seed: int = 0
    start: date = date(2025, 1, 6)
    hours: int = 48
    claims_per_hour: float = 20_000.0
    n_bureaus: int = 8
    heterogeneity: float = 1.0
    happenings: tuple[Happening, ...] = ()
    groups: tuple[Group, ...] = field(default_factory=load_groups)

    def __post_init__(self) -> None:
        """Refuse what makes no world.

        Raises:
            ValueError: With the quantity and its limits.
        """
        within("hours", self.hours, 1, MOST_HOURS)
        within("claims_per_hour", self.claims_per_hour, 1, MOST_AN_HOUR)
        within("claims in all", self.hours * self.claims_per_hour, 1, MOST_CLAIMS)
        check_happenings(self.happenings, self.groups, self.n_bureaus)
        _ = self.year

    @cached_property
    def year(self) -> World:
        """Bureaus and insured persons: those of a year of claims, however long this world lasts."""
        return World(
            n_bureaus=self.n_bureaus,
            n_claims=max(self.n_bureaus, round(self.claims_per_hour * HOURS_A_YEAR)),
            seed=self.seed,
            heterogeneity=self.heterogeneity,
            start=self.start,
            groups=self.groups,
        )

    @property
    def opens(self) -> int:
        """The first second, since 1970."""
        return self.year.shared.calendar.start

    @property
    def closes(self) -> int:
        """The second after the last."""
        return self.opens + self.hours * HOUR

    @cached_property
    def rhythm(self) -> Rhythm:
        """When claims arrive."""
        return rhythm_from(self.start)

    @cached_property
    def bureaus(self) -> tuple[ArrivingBureau, ...]:
        """Largest first."""
        return tuple(ArrivingBureau(world=self, region=region) for region in self.year.regions)


@dataclass(frozen=True, kw_only=True)
class ArrivingBureau:
    """One bureau of an arriving world.

    Attributes:
        world: Where it is.
        region: Whose claims it receives.
    """

    world: ArrivingWorld
    region: Region

    @property
    def name(self) -> str:
        """The region's code."""
        return self.region.code

    def reachable(self, second: int) -> bool:
        """Whether it answers at that second."""
        hour = (second - self.world.opens) / HOUR
        outages = [one for one in self.world.happenings if isinstance(one, Outage) and one.bureau == self.region.index]
        return not any(one.begins <= hour < one.ends for one in outages)

    def received(self, opens: int, closes: int) -> ReceivedClaims:
        """The claims that it receives from one second on and before another.

        Raises:
            ValueError: If that is no time of this world.
        """
        within("opens", opens, self.world.opens, self.world.closes)
        within("closes", closes, opens, self.world.closes)
        return ReceivedClaims(bureau=self, opens=opens, closes=closes)

    @cached_property
    def hours(self) -> ArrivingHours:
        """What it receives, hour for hour."""
        share = self.region.n_claims / self.world.year.n_claims
        return ArrivingHours(
            local=localise(self.world.year.shared, self.region),
            rhythm=self.world.rhythm,
            opens=self.world.opens,
            expected=self.world.claims_per_hour * share * self.world.rhythm.hourly(self.world.hours),
            happenings=self.world.happenings,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedClaims:
    """What one bureau receives in a window: a source that ingest can read, in the order of arrival.

    Attributes:
        bureau: Whose.
        opens: First second.
        closes: The second after the last.
    """

    bureau: ArrivingBureau
    opens: int
    closes: int

    @property
    def schema_names(self) -> tuple[str, ...]:
        """Names of all columns, those of ``nhsa_4101_wide``."""
        return self.bureau.world.year.schema_names

    def batches(
        self,
        columns: Sequence[str] | None = None,
        *,
        codes: Collection[str] = (),  # noqa: ARG002 - codes are coded
    ) -> Iterator[pa.RecordBatch]:
        """Draw claims: a batch for each hour in which some arrive.

        Args:
            columns: Names out of ``schema_names``; all if None.
            codes: Ignored. Columns of codes are always dictionary-encoded.

        Raises:
            SourceError: If a column does not exist.
        """
        names = self.schema_names if columns is None else tuple(columns)
        if not set(names) <= set(self.schema_names):
            msg = f"a generated world has no column {sorted(set(names) - set(self.schema_names))}"
            raise SourceError(msg)
        made = {name: self.bureau.world.year.columns[name] for name in names}
        first, end = ((second - self.bureau.world.opens) for second in (self.opens, self.closes))
        hours = (self._hour(hour, made) for hour in range(first // HOUR, -(-end // HOUR)))
        return (batch for batch in hours if batch is not None)

    def _hour(self, hour: int, made: Mapping[str, Column]) -> pa.RecordBatch | None:
        blocks = [(block, rows) for block in self.bureau.hours.blocks(hour) if len(rows := self._rows(block))]
        if not blocks:
            return None
        schema = pa.schema([(name, column.type) for name, column in made.items()])
        drawn = [
            pa.RecordBatch.from_arrays([column.make(block) for column in made.values()], schema=schema).take(rows)
            for block, rows in blocks
        ]
        arrived = np.concatenate([block.arrived[rows] for block, rows in blocks])
        return pa.concat_batches(drawn).take(pa.array(np.argsort(arrived, kind="stable")))

    def _rows(self, block: ArrivingBlock) -> pa.Array:
        """Places of the claims of this window."""
        return pa.array(np.flatnonzero(block.alive & (block.arrived >= self.opens) & (block.arrived < self.closes)))
