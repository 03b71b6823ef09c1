"""This bureau's claims under a plan: read when a plan is offered, at one data version, every row accounted for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy.engine import make_url

from client.claims.ingest import Ingest, IngestReport
from client.claims.mapping import ClaimMapping, load_mapping, ready_made
from client.claims.sources.several import SeveralFiles
from client.claims.sources.source import ClaimSource
from client.claims.sources.sql import Relation, SqlSource
from client.deployment.beginning import PSEUDONYM_KEY_BYTES
from client.deployment.configuration import CONTENT, SNAPSHOT, Configuration, SqlClaims
from client.deployment.logs import say
from client.deployment.place import Place
from client.ledger.durable import read_private
from client.ledger.errors import KeyFileError
from client.memory_share import MemoryShare
from client.rowstore import RowStore
from client.windows.account import Known
from client.windows.choosing import Candidates
from client.windows.digests import ClaimDigester, Digests
from client.windows.gathering import Gathered, seen_in
from common.accounting.guarantee import Unit
from common.errors import PlanError, SourceError
from common.features.rows import Featuriser
from common.plan import Plan

_PIECE = 1 << 20
REJECTED = "rejected.csv"
Seen = tuple[tuple[int, int, int, int], ...]
"""Device, inode, size and time of change of each file."""


class StationClaims:
    """The claims that a station's configuration names.

    Guarantees:
        * All rows that were ever given are of the data version that is charged: claims whose files, or whose rows in
          a database, have changed since are not read any more, until the station starts again.
        * A plan that protects persons gets no rows from a mapping that cannot tell persons apart.
        * Refused rows are written to one file, for its owner alone, which replaces the one before.
        * For a window of a stream, claims are read as they are then; what is charged is a window, no data version.
    """

    def __init__(
        self, place: Place, configuration: Configuration, on_read: Callable[[IngestReport], None] = lambda _: None
    ) -> None:
        """Look at files and key; claims are read when a plan asks for them.

        Args:
            place: The station's directory.
            configuration: Of the station.
            on_read: Is told what became of the rows.

        Raises:
            InputError: If a file, the mapping or the key needs mending.
        """
        self._place, self._configuration, self._on_read = place, configuration, on_read
        self._files = [place.within(path) for path in configuration.claims.files]
        self._mapping = mapping_of(place, configuration)
        self._key = pseudonym_key(place)
        self._seen = _seen(self._files)
        self._looked: Seen | None = None
        self.snapshot = ""
        self.data_version = self._version()
        self._kept: tuple[bytes, RowStore] | None = None

    def rows_for(self, plan: Plan) -> RowStore:
        """The rows under a plan; those of the last plan are kept, for plans that make the same rows.

        Raises:
            PlanError: If the plan protects persons and the mapping names none.
            InputError: If the claims cannot be read, or have changed since the station started.
        """
        self._insist_on_persons(plan)
        self._insist_unchanged()
        name = hashlib.sha256(f"{plan.cost_cap_yuan} {plan.features.model_dump_json()}".encode()).digest()
        if self._kept is None or self._kept[0] != name:
            self._kept = name, self._read(plan)
        return self._kept[1]

    def candidates(self, plan: Plan, known: Known) -> Candidates:
        """The claims that a window may be about, as the source has them now; see ``StreamClaims``.

        Raises:
            PlanError: If the plan protects persons and the mapping names none.
            InputError: If the claims cannot be read, or have changed meanwhile.
        """
        self._insist_on_persons(plan)
        gathered = Gathered(self._store(plan), Featuriser(plan.features), ClaimDigester(self._key), known)
        before = _seen(self._files)
        with _closed(open_claims(self._place, self._configuration, self._mapping)) as source:
            ingest = Ingest(source, self._mapping, pseudonym_key=self._key, particulars=True)
            for found in ingest:
                gathered.append(found)
        if _seen(self._files) != before:
            msg = "the files of claims have changed while they were read: ask again"
            raise SourceError(msg)
        self._on_read(ingest.report)
        return gathered.candidates()

    def look(self) -> Digests | None:
        """Digests of the keys of all claims, if the files have changed since the last look; of a database always.

        Raises:
            InputError: If the claims cannot be read.
        """
        now = _seen(self._files)
        if self._looked == now and self._files:
            return None
        with _closed(open_claims(self._place, self._configuration, self._mapping)) as source:
            found = seen_in(Ingest(source, self._mapping, pseudonym_key=self._key, particulars=True), self._key)
        self._looked = now
        return found

    def _insist_on_persons(self, plan: Plan) -> None:
        if plan.privacy is not None and plan.privacy.unit is Unit.PERSON and self._mapping.person_key == "each_claim":
            msg = "the plan protects persons, and the mapping cannot tell persons apart"
            raise PlanError(msg)

    def _store(self, plan: Plan) -> RowStore:
        resources = self._configuration.resources
        share = MemoryShare(int(psutil.virtual_memory().total * resources.memory_share))
        store = RowStore(plan.features.n_features, plan.cost_cap_yuan, share)
        store.n_threads = resources.threads
        return store

    def _read(self, plan: Plan) -> RowStore:
        store, featuriser = self._store(plan), Featuriser(plan.features)
        new = self._place.rejects / f".{REJECTED}.new"
        new.unlink(missing_ok=True)
        try:
            with _closed(open_claims(self._place, self._configuration, self._mapping)) as source:
                self._insist_same_rows(source)
                ingest = Ingest(source, self._mapping, pseudonym_key=self._key, rejects_path=new)
                for found in ingest:
                    store.append(featuriser.rows(found.table), found.table.total, found.table.person_id, found.table)
            self._insist_unchanged()
            new.replace(self._place.rejects / REJECTED)
        finally:
            new.unlink(missing_ok=True)
        self._on_read(ingest.report)
        return store

    def _insist_unchanged(self) -> None:
        if _seen(self._files) != self._seen:
            msg = (
                "the files of claims have changed since the station started: start it again, it is another data version"
            )
            raise SourceError(msg)

    def _insist_same_rows(self, source: ClaimSource) -> None:
        """Look at the rows once more, in the transaction that they will be read in."""
        if isinstance(source, SqlSource) and self._configuration.claims.data_version == SNAPSHOT:
            if source.digest() != self.data_version:
                msg = (
                    "the claims in the database have changed since the station started: start it again, it is another "
                    "data version"
                )
                raise SourceError(msg)
            self.snapshot = source.snapshot()
            say("the rows are those of the data version", snapshot=self.snapshot)

    def _version(self) -> str:
        named = self._configuration.claims.data_version
        if named == SNAPSHOT:
            with _closed(open_claims(self._place, self._configuration, self._mapping)) as source:
                self.snapshot = source.snapshot()
                return str(source.digest())
        if named != CONTENT:
            return named
        digests = [_digest(path) for path in self._files]
        self._insist_unchanged()
        return digests[0].hex() if len(digests) == 1 else hashlib.sha256(b"".join(digests)).hexdigest()


def mapping_of(place: Place, configuration: Configuration) -> ClaimMapping:
    """The mapping that a configuration names."""
    name = configuration.claims.mapping
    return load_mapping(name if name in ready_made() else place.within(Path(name)))


def pseudonym_key(place: Place) -> bytes:
    """The key of the pseudonyms.

    Raises:
        KeyFileError: If it is missing, open to others, or of another length.
    """
    held = read_private(place.pseudonym_key)
    if len(held) != PSEUDONYM_KEY_BYTES:
        msg = (
            f"{place.pseudonym_key} has {len(held)} bytes, not {PSEUDONYM_KEY_BYTES}: restore the one that `init` made"
        )
        raise KeyFileError(msg)
    return held


def open_claims(place: Place, configuration: Configuration, mapping: ClaimMapping) -> ClaimSource:
    """The source that a configuration names.

    Raises:
        SourceError: If it cannot be opened.
    """
    claims = configuration.claims
    if claims.sql is None:
        return SeveralFiles([place.within(path) for path in claims.files])
    order = tuple(name for name in mapping.claim_key if name in claims.sql.columns)
    relation = Relation(table=claims.sql.table, query=claims.sql.query, columns=claims.sql.columns, order=order)
    return SqlSource(_address(place, claims.sql), relation)


def _address(place: Place, sql: SqlClaims) -> Any:
    address = make_url(sql.url)
    if address.get_backend_name() == "sqlite" and address.database:
        return address.set(database=str(place.within(Path(address.database))))
    if sql.password_file is None:
        return address
    held = read_private(place.within(sql.password_file)).partition(b"\n")[0]
    return address.set(password=held.strip().decode("utf-8", "replace"))


def _closed(source: ClaimSource) -> Any:
    return closing(source) if isinstance(source, SqlSource) else nullcontext(source)


def _seen(paths: list[Path]) -> Seen:
    try:
        found = [path.stat() for path in paths]
    except OSError:
        msg = "a file of claims is not there, or this user may not read it"
        raise SourceError(msg) from None
    return tuple((one.st_dev, one.st_ino, one.st_size, one.st_mtime_ns) for one in found)


def _digest(path: Path) -> bytes:
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                found.update(piece)
    except OSError:
        msg = f"{path.name} cannot be read to its end"
        raise SourceError(msg) from None
    return found.digest()
