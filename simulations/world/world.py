"""A world of bureaus with generated claims of known groups, streamed and never held."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from functools import cached_property

import numpy as np
import pyarrow as pa

from common.errors import SourceError
from simulations.world.block import BLOCK, Block
from simulations.world.columns import Column, columns
from simulations.world.groups import Group, check_groups, load_groups
from simulations.world.local import Shared, localise
from simulations.world.pictures import vocabulary
from simulations.world.refunds import with_refunds
from simulations.world.regions import MAX_REGIONS, Region, build_regions
from simulations.world.settlement import calendar
from simulations.world.streams import Topic, generator
from simulations.world.tables import compile_groups, person_counts


@dataclass(frozen=True, kw_only=True)
class World:
    """Generated claims of several bureaus; a source of all of them, and of each bureau's.

    Guarantees:
        * The same arguments make the same claims, byte for byte, on every pass and whichever columns are asked for
          (with the same versions of numpy and its vector instructions; elsewhere amounts may differ by fen).
        * Batches are blocks of at most 16,384 consecutive claims of one region, followed by the refunds of these.
          There is no batch size to choose: slice or combine batches, claims do not change.
        * Within a region claims are in the order of their settlement. All batches have one schema and one
          dictionary per column.
        * Memory does not grow with ``n_claims``.
        * ``drg_code`` holds the id of the group that a claim was drawn from: the truth.

    Attributes:
        n_bureaus: One per region.
        n_claims: Of all bureaus together; refunds come on top.
        seed: Not negative.
        heterogeneity: How much regions differ in case mix, prices, fees, coding, insurance and use of hospitals:
            0 not at all (only in size), 1 as regions do.
        refunds: Share of claims that are taken back by a further row: same ``setl_id``, flag set, negative amounts.
        start: First day on which claims are settled.
        days: Length of the period.
        groups: What claims there are.
    """

    n_bureaus: int = 8
    n_claims: int = 200_000
    seed: int = 0
    heterogeneity: float = 1.0
    refunds: float = 0.0
    start: date = date(2025, 1, 1)
    days: int = 365
    groups: tuple[Group, ...] = field(default_factory=load_groups)

    def __post_init__(self) -> None:
        """Refuse what makes no world.

        Raises:
            ValueError: With the quantity and its limits.
        """
        check_groups(self.groups)
        within("n_bureaus", self.n_bureaus, 1, MAX_REGIONS)
        within("n_claims", self.n_claims, self.n_bureaus, 10**9)
        within("seed", self.seed, 0, 2**63 - 1)
        within("heterogeneity", self.heterogeneity, 0, 2)
        within("refunds", self.refunds, 0, 1)
        within("days", self.days, 1, 36_500)

    def __getstate__(self) -> dict[str, object]:
        """Pickle the arguments alone; a world is drawn again where it arrives."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @cached_property
    def regions(self) -> tuple[Region, ...]:
        """The regions, largest first."""
        return build_regions(
            self.groups,
            n_bureaus=self.n_bureaus,
            n_claims=self.n_claims,
            heterogeneity=self.heterogeneity,
            rng=generator(self.seed, Topic.REGIONS),
        )

    @cached_property
    def shared(self) -> Shared:
        """What all regions draw from."""
        return Shared(
            seed=self.seed,
            heterogeneity=self.heterogeneity,
            groups=self.groups,
            regions=self.regions,
            words=vocabulary(self.groups),
            tables=compile_groups(self.groups),
            persons=person_counts(self.groups, self.regions),
            employees=np.array([region.employees for region in self.regions], np.float32),
            calendar=calendar(self.start, self.days),
        )

    @cached_property
    def columns(self) -> dict[str, Column]:
        """How each column is made, by name."""
        return columns(self.shared)

    @property
    def schema_names(self) -> tuple[str, ...]:
        """Names of all columns, those of ``nhsa_4101_wide``."""
        return tuple(self.columns)

    @cached_property
    def bureaus(self) -> tuple[BureauClaims, ...]:
        """Each bureau's own claims, in the order of ``regions``."""
        return tuple(BureauClaims(world=self, region=region) for region in self.regions)

    def batches(self, columns: Sequence[str] | None = None, *, codes: Collection[str] = ()) -> Iterator[pa.RecordBatch]:
        """The claims of all bureaus, one bureau after another; see ``BureauClaims.batches``."""
        for bureau in self.bureaus:
            yield from bureau.batches(columns, codes=codes)


@dataclass(frozen=True, kw_only=True)
class BureauClaims:
    """The claims of one bureau, as a source that ingest can read; what ``World`` guarantees holds.

    Attributes:
        world: Where the bureau is.
        region: Whose claims these are.
    """

    world: World
    region: Region

    @property
    def schema_names(self) -> tuple[str, ...]:
        """Names of all columns, those of ``nhsa_4101_wide``."""
        return self.world.schema_names

    def batches(
        self,
        columns: Sequence[str] | None = None,
        *,
        codes: Collection[str] = (),  # noqa: ARG002 - codes are coded
    ) -> Iterator[pa.RecordBatch]:
        """Draw claims, column by column: what is not asked for is not drawn.

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
        return self._draw(names)

    def _draw(self, names: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        made = {name: self.world.columns[name] for name in names}
        schema = pa.schema([(name, column.type) for name, column in made.items()])
        local = localise(self.world.shared, self.region)
        for number in range(-(-self.region.n_claims // BLOCK)):
            block = Block(local=local, number=number)
            batch = pa.RecordBatch.from_arrays([column.make(block) for column in made.values()], schema=schema)
            yield with_refunds(batch, block, self.world.refunds) if self.world.refunds else batch


def within(name: str, value: float, low: float, high: float) -> None:
    """Refuse an argument that is out of range.

    Raises:
        ValueError: With the quantity and its limits.
    """
    if not low <= value <= high:
        msg = f"{name} must be between {low} and {high}, is {value}"
        raise ValueError(msg)
