"""Strict ingest: a source and a mapping in, batches of checked claims out, every row accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from client.claims.batch import BatchReader, CheckedBatch
from client.claims.identifiers import refuse_named_identifiers
from client.claims.mapping import ClaimMapping
from client.claims.parsing.codes import compact, dictionary_encoded, row_places
from client.claims.parsing.parsed import Rows
from client.claims.particulars import Particulars, particulars_of
from client.claims.projection import code_columns, present_columns
from client.claims.pseudonym import Pseudonymiser
from client.claims.reasons import Mask, Reason
from client.claims.rejects import RejectFile
from client.claims.settling import DuplicateGuard, Settlement, blame_repeated, settle
from client.claims.sources.source import ClaimSource
from common.columns import ATTRIBUTES, MISSING, ClaimTable, CodeColumn
from common.errors import InputError, SourceError

_TEXT = "dscr_text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """One batch of accepted claims.

    Attributes:
        table: The claims.
        split: The values of the split column as they stand in the source, row by row; None without one.
        particulars: What a router needs besides; None unless asked for.
    """

    table: ClaimTable
    split: CodeColumn | None
    particulars: Particulars | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """What became of the rows.

    Guarantees:
        * ``seen == accepted + sum(rejected.values()) + netted``.

    Attributes:
        seen: Rows read.
        accepted: Rows that became claims.
        rejected: Rows that did not, by reason.
        netted: Refund rows that were taken off their claim, and claims of which nothing was left.
        refunded: Claims of which nothing was left; they are among ``netted``.
    """

    seen: int = 0
    accepted: int = 0
    rejected: Mapping[Reason, int] = field(default_factory=dict)
    netted: int = 0
    refunded: int = 0

    def plus(self, other: IngestReport) -> IngestReport:
        """The report on both."""
        return IngestReport(
            seen=self.seen + other.seen,
            accepted=self.accepted + other.accepted,
            rejected=dict(Counter(self.rejected) + Counter(other.rejected)),
            netted=self.netted + other.netted,
            refunded=self.refunded + other.refunded,
        )


class Ingest:
    """The claims of a source, batch by batch; iterate over it once or more often.

    Guarantees:
        * A row becomes a claim if and only if ``common.claim.Claim`` accepts it and it is not a repetition;
          the table holds what ``common.columns.tabulate`` makes of it.
        * ``report`` accounts for every row of the last complete pass.
        * Memory grows by 8 bytes a claim during the first pass, and otherwise not with the number of claims.
        * Only the columns that the mapping names, and the split column, are read.
    """

    def __init__(
        self,
        source: ClaimSource,
        mapping: ClaimMapping,
        *,
        pseudonym_key: bytes,
        split: str | None = None,
        rejects_path: Path | None = None,
        particulars: bool = False,
    ) -> None:
        """Check names and columns; nothing is read yet.

        Args:
            source: Where the rows come from; it is read twice (three times if it holds refunds).
            mapping: What the columns mean.
            pseudonym_key: The bureau's key for pseudonyms, 32 bytes.
            split: A column whose values are handed on as they are, next to each batch.
            rejects_path: Where refused rows are written; nowhere if None. Must not exist.
            particulars: Whether keys, dates and parts of the amount are handed on next to each batch.

        Raises:
            SourceError: If a column is missing or the source is damaged.
            IdentifierError: If the source has a column that identifies persons, or (while iterating) values that do.
        """
        refuse_named_identifiers(source.schema_names, mapping.ignored_identifiers)
        self._source, self._mapping, self._split = source, mapping, split
        self._pseudonymiser = Pseudonymiser(pseudonym_key)
        self._rejects_path, self._particulars = rejects_path, particulars
        self._mapped = present_columns(source, mapping)
        self._codes = tuple(name for name in code_columns(mapping) if name in self._mapped)
        self._report: IngestReport | None = None
        if split is not None and (split not in source.schema_names or split in mapping.ignored_identifiers):
            msg = f"there is no column {split!r} to split by"
            raise SourceError(msg)

    @property
    def report(self) -> IngestReport:
        """What became of the rows.

        Raises:
            InputError: If no pass is complete yet.
        """
        if self._report is None:
            msg = "the claims have not been read to their end yet"
            raise InputError(msg)
        return self._report

    def __iter__(self) -> Iterator[Ingested]:
        self._report = None
        reader = BatchReader(self._mapping, self._mapped)
        settlement = settle(self._source, reader, self._mapped, self._codes)
        guard = DuplicateGuard(settlement.repeated)
        columns = tuple(dict.fromkeys((*self._mapped, *([self._split] if self._split else []))))
        report = IngestReport()
        path = self._rejects_path
        with RejectFile(path, self._mapped) if path is not None else nullcontext() as rejects:
            for batch in self._source.batches(columns, codes=(*self._codes, *([self._split] if self._split else []))):
                checked = reader.read(batch)
                blame_repeated(guard, reader, checked)
                ingested, part = self._accept(batch, checked, settlement)
                report = report.plus(part)
                if rejects is not None and part.rejected:
                    rejects.write(batch, checked.verdicts)
                if len(ingested.table):
                    yield ingested
        self._report = report

    def _accept(
        self, batch: pa.RecordBatch, checked: CheckedBatch, settlement: Settlement
    ) -> tuple[Ingested, IngestReport]:
        """Net the refunds of a batch and keep its claims."""
        total, fees, touched = settlement.net(checked)
        verdicts, refund = checked.verdicts, checked.names.refund
        if refund.any():
            verdicts.blame(Reason.REFUND_WITHOUT_CLAIM, refund & ~settlement.has_claim(checked))
        if touched.any():
            verdicts.blame(Reason.REFUND_EXCEEDS_CLAIM, touched & (total < 0))
        accepted = verdicts.accepted
        refunded = accepted & touched & (total == 0)
        netted = (accepted & refund) | refunded
        rows = _chosen(accepted & ~netted)
        table = self._table(checked, total, fees, rows)
        split = raw_codes(batch.column(self._split), rows) if self._split else None
        details = particulars_of(checked, rows, netted=touched) if self._particulars else None
        report = IngestReport(
            seen=batch.num_rows,
            accepted=len(table),
            rejected=verdicts.counts(),
            netted=int(netted.sum()),
            refunded=int(refunded.sum()),
        )
        return Ingested(table=table, split=split, particulars=details), report

    def _table(
        self, checked: CheckedBatch, total: npt.NDArray[np.int64], fees: npt.NDArray[np.int64], rows: Rows
    ) -> ClaimTable:
        names = checked.person.text
        names = names if isinstance(rows, slice) else names.take(pa.array(rows))
        return ClaimTable(
            diagnoses=checked.diagnoses.columns(rows, at_least=1),
            operations=checked.operations.columns(rows, at_least=0) if checked.operations else (),
            attributes={name: checked.code_column(name, rows) for name in ATTRIBUTES if name in checked.codes},
            fees=fees[rows],
            total=total[rows],
            stay_days=checked.stays.days[rows],
            age_days=checked.age_days[rows],
            person_id=self._pseudonymiser.person_ids(names.cast(pa.large_binary()).to_numpy(zero_copy_only=False)),
            text=checked.code_column(_TEXT, rows) if _TEXT in checked.codes else None,
        )


def raw_codes(column: pa.Array, rows: Rows) -> CodeColumn:
    """Values as they stand in the source, as a code column of some rows."""
    encoded = dictionary_encoded(column)
    places = row_places(encoded).astype(np.int32)
    values = encoded.dictionary.to_pylist()
    places[places == len(values)] = MISSING
    return compact(places[rows], values)


def _chosen(rows: Mask) -> Rows:
    """The rows that are True; a slice if all are, so that nothing is copied."""
    return slice(None) if rows.all() else np.flatnonzero(rows)
