"""The bureaus of a simulation: claims read, dealt to bureaus, turned into rows, and put behind stations."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from client.claims.ingest import Ingest, Ingested, IngestReport
from client.claims.mapping import ClaimMapping, load_mapping
from client.claims.sources.several import SeveralFiles
from client.ledger.ledger import Ledger
from client.masked.desk import MaskedDesk
from client.masked.party import Party
from client.masked.terms import Consortium
from client.memory_share import MemoryShare
from client.releasing import Releases
from client.rowstore import RowStore
from client.station import Station
from common.columns import MISSING, ClaimTable
from common.errors import InputError, PlanError
from common.features.rows import Featuriser
from common.features.spec import FeatureSpec
from common.messages import is_bureau_name
from common.noise.randomness import RandomBytes
from common.plan import Plan, Protection
from simulations.consortium import simulated_consortium
from simulations.ledgers import granting_policy, passing_ledgers
from simulations.loopback import Answer
from simulations.tally import Tally, Vocabularies
from simulations.world import World

WORLD_MAPPING = "nhsa_4101_wide"
MAX_BUREAUS = 10_000

SIMULATED = "simulated"
"""The data version in a simulated bureau's ledger."""


class Claims(Protocol):
    """Where a simulation's claims come from, and how they are dealt to bureaus."""

    def mapping(self) -> ClaimMapping:
        """What the columns mean."""

    def dealt(self) -> Iterator[tuple[str, ClaimTable]]:
        """Batches of claims, each with the bureau it belongs to; bureaus without claims come as empty tables."""

    def report(self) -> IngestReport:
        """What became of the rows; valid after ``dealt`` has ended."""


@dataclass(kw_only=True)
class WorldClaims:
    """Generated claims; each region is a bureau."""

    world: World
    _report: IngestReport = field(default_factory=IngestReport)

    def mapping(self) -> ClaimMapping:
        """See ``Claims``."""
        return load_mapping(WORLD_MAPPING)

    def dealt(self) -> Iterator[tuple[str, ClaimTable]]:
        """See ``Claims``."""
        self._report = IngestReport()
        for bureau in self.world.bureaus:
            name = bureau.region.code
            ingest = Ingest(bureau, self.mapping(), pseudonym_key=pseudonym_key(name, self.world.seed))
            for found in ingest:
                yield name, found.table
            self._report = self._report.plus(ingest.report)

    def report(self) -> IngestReport:
        """See ``Claims``."""
        return self._report


@dataclass(kw_only=True)
class FileClaims:
    """Claims from files, dealt by a column's values or at random.

    Attributes:
        paths: Parquet or CSV files of one layout.
        mapping_name: A ready-made mapping's name or a file.
        bureau_column: Its values name the bureaus; None to deal at random.
        n_bureaus: Bureaus to deal to at random.
        seed: For dealing at random.
    """

    paths: Sequence[str]
    mapping_name: str
    bureau_column: str | None
    n_bureaus: int
    seed: int
    _report: IngestReport = field(default_factory=IngestReport)

    def mapping(self) -> ClaimMapping:
        """See ``Claims``."""
        return load_mapping(self.mapping_name)

    def dealt(self) -> Iterator[tuple[str, ClaimTable]]:
        """See ``Claims``."""
        self._report = IngestReport()
        rng = np.random.default_rng(self.seed)
        names = [f"bureau-{place + 1:0{len(str(self.n_bureaus))}d}" for place in range(self.n_bureaus)]
        key = pseudonym_key("all bureaus", self.seed)
        ingest = Ingest(
            SeveralFiles([Path(path) for path in self.paths]),
            self.mapping(),
            pseudonym_key=key,
            split=self.bureau_column,
        )
        seen: set[str] = set()
        for found in ingest:
            for name, table in self._deal(found, rng, names):
                seen.add(name)
                yield name, table
        if seen and self.bureau_column is None:
            yield from ((name, table.select(np.zeros(0, np.intp))) for name in names if name not in seen)
        self._report = ingest.report

    def report(self) -> IngestReport:
        """See ``Claims``."""
        return self._report

    def _deal(
        self, found: Ingested, rng: np.random.Generator, names: Sequence[str]
    ) -> Iterator[tuple[str, ClaimTable]]:
        if found.split is None:
            places = rng.integers(0, len(names), len(found.table), np.int32)
        else:
            places, names = found.split.indices, found.split.values
            if np.any(places == MISSING) or not all(map(is_bureau_name, names)):
                msg = (
                    f"column {self.bureau_column!r} names no bureau for some claims: "
                    "give each 1 to 64 characters without control characters, or deal at random"
                )
                raise InputError(msg)
        for place in np.unique(places):
            yield names[int(place)], found.table.select(np.flatnonzero(places == place))


@dataclass(kw_only=True)
class Bureau:
    """One bureau of a simulation: its rows and what is known of its claims."""

    name: str
    store: RowStore
    tally: Tally = field(default_factory=Tally)


@dataclass(kw_only=True)
class Bureaus:
    """All bureaus of a simulation under one feature specification.

    Attributes:
        by_name: The bureaus.
        vocabularies: Of their details.
        report: What became of the rows.
    """

    by_name: dict[str, Bureau]
    vocabularies: Vocabularies
    report: IngestReport

    @property
    def n_claims(self) -> int:
        """Accepted claims of all bureaus together."""
        return sum(len(bureau.store) for bureau in self.by_name.values())

    @property
    def n_persons(self) -> int:
        """Insured persons, as each bureau tells them apart."""
        return sum(bureau.store.n_persons for bureau in self.by_name.values())

    def largest_first(self) -> list[Bureau]:
        """The bureaus by falling number of claims, then by name."""
        return sorted(self.by_name.values(), key=lambda bureau: (-len(bureau.store), bureau.name))

    @contextmanager
    def stations(self, plan: Plan, n_threads: int, seed_bytes: RandomBytes = os.urandom) -> Iterator[dict[str, Answer]]:
        """A station for each bureau, by name, with a ledger of its own under a protected plan.

        Args:
            plan: Which the bureaus' policies grant.
            n_threads: Threads that all stations may use together.
            seed_bytes: Where noise comes from; tests give their own.
        """
        each = max(1, n_threads // max(1, len(self.by_name)))
        with passing_ledgers(self.by_name if plan.privacy else ()) as ledgers:
            yield {
                name: self._station(plan, bureau, each, ledgers.get(name), seed_bytes).answer
                for name, bureau in self.by_name.items()
            }

    def _station(
        self, plan: Plan, bureau: Bureau, n_threads: int, ledger: Ledger | None, seed_bytes: RandomBytes
    ) -> Station:
        policy, rows_for = granting_policy(plan), _rows_of(bureau.store, n_threads)
        if ledger is None:
            return Station(bureau.name, policy, rows_for)
        releases = Releases(ledger, policy, SIMULATED, seed_bytes)
        if plan.protection is not Protection.SECURE:
            return Station(bureau.name, policy, rows_for, releases)
        simulated = simulated_consortium(tuple(sorted(self.by_name)))
        party = Party(
            name=bureau.name,
            consortium=Consortium(identity=simulated.identity(bureau.name), roster=simulated.roster),
            policy=policy,
            ledger=ledger,
            releases=releases,
            random_bytes=os.urandom,
            clock=lambda: int(time.time()),
        )
        desk = MaskedDesk(party, rows_for)
        return Station(bureau.name, policy, rows_for, releases, desk)

    def close(self) -> None:
        """Give back memory and files."""
        for bureau in self.by_name.values():
            bureau.store.close()


def gather_bureaus(
    claims: Claims,
    spec: FeatureSpec,
    cost_cap_yuan: int,
    share: MemoryShare | None = None,
    on_claims: Callable[[int], None] = lambda _: None,
) -> Bureaus:
    """Read all claims and give every bureau its rows.

    Args:
        claims: Where they come from.
        spec: How a claim becomes a row.
        cost_cap_yuan: Of the plan.
        share: Memory that the rows of all bureaus together may take.
        on_claims: Called with the number of claims accepted so far, for progress.

    Raises:
        InputError: If there are no claims at all, or the source cannot be read.
        PlanError: If there are too many bureaus.
    """
    featuriser, vocabularies, share = Featuriser(spec), Vocabularies(), share or MemoryShare()
    bureaus: dict[str, Bureau] = {}
    n_claims = 0
    for name, table in claims.dealt():
        if name not in bureaus:
            bureaus[name] = Bureau(name=name, store=RowStore(spec.n_features, cost_cap_yuan, share))
        _insist_on_few(len(bureaus))
        bureaus[name].store.append(featuriser.rows(table), table.total, table.person_id, table)
        bureaus[name].tally.append(vocabularies.details(table))
        n_claims += len(table)
        on_claims(n_claims)
    if not n_claims:
        msg = f"no claim was accepted; rows were rejected for: {_reasons(claims.report()) or 'there are none'}"
        raise InputError(msg)
    return Bureaus(by_name=bureaus, vocabularies=vocabularies, report=claims.report())


def _rows_of(store: RowStore, n_threads: int) -> Callable[[Plan], RowStore]:
    """Rows for a station: the store was made for the run's plan; any other feature length is refused."""

    def rows_for(plan: Plan) -> RowStore:
        if plan.features.n_features != store.n_features:
            msg = "the rows were made for another plan"
            raise PlanError(msg)
        store.n_threads = n_threads
        return store

    return rows_for


def _insist_on_few(n_bureaus: int) -> None:
    if n_bureaus > MAX_BUREAUS:
        msg = f"more than {MAX_BUREAUS} bureaus: choose a column with fewer values"
        raise PlanError(msg)


def _reasons(report: IngestReport) -> str:
    return ", ".join(f"{reason} ({count})" for reason, count in sorted(report.rejected.items()))


def pseudonym_key(name: str, seed: int) -> bytes:
    """A key of a simulated bureau; a real bureau draws its own and keeps it."""
    return hashlib.sha256(f"fedclaims simulated pseudonym key {seed} {name}".encode()).digest()
