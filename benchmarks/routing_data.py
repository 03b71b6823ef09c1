"""Claims with planted anomalies, bureau by bureau, and the model of a private run over them.

The run is a real one: stations, ledgers, masked sums and the noise of epsilon 1, over loopback. Its claims hold the
anomalies, as a bureau's would. Real claims are looked for in ``../shared/data``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.private_data import CLAIMS
from client.claims.ingest import Ingest, IngestReport
from client.claims.mapping import ClaimMapping, load_mapping
from client.router.claims import RoutedClaims
from common.accounting.guarantee import Unit
from common.columns import ClaimTable
from common.features.default import default_spec
from common.features.rows import Featuriser, Rows
from common.model import Model
from common.plan import Plan, Protection
from common.privacy import Privacy
from common.weighting import Weighting
from simulations.bureaus import gather_bureaus
from simulations.engines import loopback_engine
from simulations.planted import plant
from simulations.terms import fitted
from simulations.world import World

KEY = bytes(32)
"""Of pseudonyms; nobody is behind these claims."""

FAR: Mapping[str, Any] = {"later_days": (1, 30), "almost": 0.1}

Kinds = npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BureauData:
    """One bureau's claims.

    Attributes:
        name: Of the region.
        claims: In the order in which they were settled, as far as that is known.
        rows: Of the model's features.
        kinds: What was planted, claim by claim; empty for nothing.
        odd: What the source knows and no claim says, that a reviewer would stop at; see ``routing_reviews``.
    """

    name: str
    claims: RoutedClaims
    rows: Rows
    kinds: Kinds
    odd: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoutingData:
    """All bureaus and their common model.

    Attributes:
        name: Of the data.
        model: As released.
        bureaus: By name.
    """

    name: str
    model: Model
    bureaus: tuple[BureauData, ...]


@dataclass(frozen=True, slots=True)
class TableSource:
    """A table in memory, as ingest reads sources."""

    table: pa.Table

    @property
    def schema_names(self) -> tuple[str, ...]:
        """See ``ClaimSource``."""
        return tuple(self.table.schema.names)

    def batches(self, columns: Sequence[str], *, codes: Collection[str] = ()) -> Iterator[pa.RecordBatch]:  # noqa: ARG002
        """See ``ClaimSource``."""
        yield from self.table.select(list(columns)).combine_chunks().to_batches()


@dataclass(kw_only=True)
class TableClaims:
    """Tables of bureaus, as a simulation reads claims."""

    tables: dict[str, pa.Table]
    its_mapping: ClaimMapping
    _report: IngestReport = field(default_factory=IngestReport)

    def mapping(self) -> ClaimMapping:
        """See ``simulations.bureaus.Claims``."""
        return self.its_mapping

    def dealt(self) -> Iterator[tuple[str, ClaimTable]]:
        """See ``simulations.bureaus.Claims``."""
        for name, table in self.tables.items():
            ingest = Ingest(TableSource(table), self.its_mapping, pseudonym_key=KEY)
            for found in ingest:
                yield name, found.table
            self._report = self._report.plus(ingest.report)

    def report(self) -> IngestReport:
        """See ``simulations.bureaus.Claims``."""
        return self._report


def routing_data(name: str, seed: int, *, n_claims: int | None = None, far: bool = False) -> RoutingData:
    """Plant, run and read.

    Args:
        name: ``sih`` or ``world``.
        seed: Of what is planted, of the plan, and of the world.
        n_claims: At most so many, drawn at random from ``sih``.
        far: Hand claims in again up to ``FAR`` later and different, further than the rule as shipped looks.

    Raises:
        FileNotFoundError: If the real claims are not there.
    """
    table, mapping, region, n_clusters = {"sih": _sih, "world": partial(_world, seed=seed)}[name]()
    if n_claims is not None and n_claims < len(table):
        table = table.take(np.sort(np.random.default_rng(seed).permutation(len(table))[:n_claims]))
    planted = plant(table, mapping, seed=seed, **(FAR if far else {}))
    places = planted.claims[region].cast(pa.string()).to_numpy()
    order = np.argsort(_settled(planted.claims, planted.mapping), kind="stable")
    members = {str(place): order[places[order] == place] for place in sorted(set(places))}
    tables = {bureau.replace(" ", "-"): planted.claims.take(rows) for bureau, rows in members.items()}
    model = private_model(tables, planted.mapping, n_clusters, seed)
    featuriser = Featuriser(model.plan.features)
    return RoutingData(
        name=name,
        model=model,
        bureaus=tuple(
            _bureau(bureau, table, planted.mapping, featuriser, planted.kinds[rows])
            for (bureau, table), rows in zip(tables.items(), members.values(), strict=True)
        ),
    )


def private_model(
    tables: dict[str, pa.Table], mapping: ClaimMapping, n_clusters: int, seed: int, epsilon: float = 1.0
) -> Model:
    """The model of a run with secure sums that protects each claim with ``epsilon``."""
    operations = mapping.operations.system if mapping.operations else "icd9cm3"
    privacy = Privacy(
        epsilon_thousandths=round(epsilon * 1e3),
        delta_billionths=1_000,
        unit=Unit.CLAIM,
        weighting=Weighting.EACH_CLAIM,
        claims_per_person=1,
        expected_units=1,
    )
    plan = Plan(
        name="routing",
        features=default_spec(mapping.diagnoses.system, operations),
        n_clusters=n_clusters,
        protection=Protection.SECURE,
        privacy=privacy,
        seed=seed,
    )
    bureaus = gather_bureaus(TableClaims(tables=tables, its_mapping=mapping), plan.features, plan.cost_cap_yuan)
    try:
        plan = fitted(plan, len(bureaus.by_name), bureaus.n_claims, bureaus.n_persons)
        with bureaus.stations(plan, 1) as stations:
            return loopback_engine(1)(stations, plan, lambda _: None).model
    finally:
        bureaus.close()


def routed(table: pa.Table, mapping: ClaimMapping) -> RoutedClaims:
    """The claims of a table, as the router is asked about them; rows that are none are left out."""
    (found,) = Ingest(TableSource(table), mapping, pseudonym_key=KEY, particulars=True)
    assert found.particulars is not None
    details = found.particulars
    return RoutedClaims(
        table=found.table,
        claim_keys=details.claim_keys,
        admitted=details.admitted,
        discharged=details.discharged,
        settled=details.settled,
        fund_fen=details.fund_fen,
        person_fen=details.person_fen,
        hospital_fen=details.hospital_fen,
        referred=details.referred,
        refused_automation=np.zeros(len(found.table), np.bool_),
    )


def _bureau(name: str, table: pa.Table, mapping: ClaimMapping, featuriser: Featuriser, kinds: Kinds) -> BureauData:
    claims = routed(table, mapping)
    assert len(claims) == len(kinds)
    return BureauData(name=name, claims=claims, rows=featuriser.rows(claims.table), kinds=kinds, odd=_odd(table))


def _odd(table: pa.Table) -> npt.NDArray[np.bool_]:
    """Intensive care, high complexity, a bill that continues another, or days billed that were not stayed (SIH/SUS)."""
    if "icu_days" not in table.schema.names:
        return np.zeros(len(table), np.bool_)
    texts = {name: table[name].cast(pa.string()).to_numpy() for name in ("complexity", "aih_type")}
    odd = (table["icu_days"].to_numpy() > 0) | (texts["complexity"] == "03") | (texts["aih_type"] == "5")
    return np.asarray(odd, np.bool_)


def _settled(table: pa.Table, mapping: ClaimMapping) -> npt.NDArray[np.int64]:
    column = mapping.fields.get("setl_time", mapping.fields["dscg_time"])
    return table[column].to_numpy().astype("datetime64[s]").astype(np.int64)


def _sih() -> tuple[pa.Table, ClaimMapping, str, int]:
    path = CLAIMS / "sih_sus.parquet"
    if not path.is_file():
        raise FileNotFoundError(2, "no such file", str(path))
    return pq.read_table(path), load_mapping("sih_sus"), "region", 32


def _world(seed: int) -> tuple[pa.Table, ClaimMapping, str, int]:
    world = World(n_bureaus=8, n_claims=100_000, seed=seed)
    return pa.Table.from_batches(list(world.batches())), load_mapping("nhsa_4101_wide"), "insu_admdvs", 36
