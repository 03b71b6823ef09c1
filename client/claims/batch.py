"""One batch of a source as checked claims, still with the rows that will be refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from client.claims.encounter import Days, Stays, read_age, read_stay
from client.claims.mapping import REFERRALS, ClaimMapping
from client.claims.money import Money, read_money, read_total
from client.claims.parsing.code_lists import CodeListReader, CodeLists
from client.claims.parsing.codes import CodeReader, Indices, check_code, check_key, check_sex, check_text, compact
from client.claims.parsing.keys import Keys, hash_keys, parse_keys
from client.claims.parsing.parsed import Rows
from client.claims.reasons import Mask, Reason, Verdicts
from common.columns import ATTRIBUTES, CodeColumn

_TEXT = "dscr_text"
_KEYS = frozenset({"fixmedins_code", "insu_admdvs", *REFERRALS})
_MAY_IDENTIFY = frozenset({"refl_old_mdtrt_id"})  # an encounter's key: it may look like any number


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Who is who in a batch.

    Attributes:
        claim: The claims' own keys.
        original: The keys of the claims that refunds refer to; None if refunds repeat them.
        refund: The rows that are refunds: flag set, and a negative total.
        flagged: The rows whose flag is set.
    """

    claim: Keys
    original: Keys | None
    refund: Mask
    flagged: Mask

    def hashes(self) -> npt.NDArray[np.int64]:
        """The claims' own keys as 64 bits a row."""
        return hash_keys(self.claim.text)

    def originals(self) -> npt.NDArray[np.int64]:
        """The key of the claim that a refund refers to, as 64 bits a row; the own key of a row that is no refund."""
        if self.original is None:
            return self.hashes()
        return np.where(self.refund, hash_keys(self.original.text), self.hashes())


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedBatch:
    """Everything a claim table needs, for all rows of a batch, and the verdict over them."""

    names: Names
    person: Keys
    diagnoses: CodeLists
    operations: CodeLists | None
    codes: Mapping[str, tuple[Indices, list[str]]]
    money: Money
    stays: Stays
    age_days: Days
    verdicts: Verdicts

    def code_column(self, field: str, rows: Rows) -> CodeColumn:
        """One field of some rows."""
        indices, values = self.codes[field]
        return compact(indices[rows], values)


class BatchReader:
    """Reads and checks batches under one mapping, as far as its columns are in the file."""

    def __init__(self, mapping: ClaimMapping, schema_names: tuple[str, ...]) -> None:
        """Prepare to read batches that have columns of these names."""
        self._mapping = mapping
        present = frozenset(schema_names)
        self._diagnoses = CodeListReader(mapping.diagnoses, present, CodeReader(check_code))
        named = mapping.operations
        self._operations = CodeListReader(named, present, CodeReader(check_code)) if named else None
        self._fields = {
            field: mapping.fields[field]
            for field in (*ATTRIBUTES, *REFERRALS, _TEXT)
            if mapping.fields.get(field) in present
        }
        self._readers = {field: _code_reader(field, mapping) for field in self._fields}
        self._flag = mapping.refund.column if mapping.refund and mapping.refund.column in present else None
        self._flag_reader = _flag_reader(mapping)

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The columns that ``names`` needs."""
        mapping = self._mapping
        if self._flag is None or mapping.refund is None:
            return mapping.claim_key
        named = (*mapping.claim_key, *(mapping.refund.original or ()), self._flag, mapping.fields["medfee_sumamt"])
        return tuple(dict.fromkeys(named))

    @property
    def has_refunds(self) -> bool:
        """Whether the file has a refund flag."""
        return self._flag is not None

    def unique_rows(self, names: Names) -> Mask:
        """The rows whose key must not repeat: all that have one, but for refunds that repeat their claim's key."""
        own_keys = self._mapping.refund is not None and self._mapping.refund.original is not None
        return ~names.claim.missing if own_keys else ~(names.claim.missing | names.refund)

    def names(self, batch: pa.RecordBatch, verdicts: Verdicts) -> Names:
        """Keys and refunds of a batch that has at least ``key_columns``."""
        mapping = self._mapping
        claim = parse_keys([batch.column(name) for name in mapping.claim_key])
        original = None
        flagged = refund = np.zeros(batch.num_rows, np.bool_)
        if self._flag is not None and mapping.refund is not None:
            flagged = self._flags(batch.column(self._flag), verdicts)
            refund = flagged & (read_total(batch, mapping).values < 0)
            if mapping.refund.original is not None:
                original = parse_keys([batch.column(name) for name in mapping.refund.original])
        return Names(claim=claim, original=original, refund=refund, flagged=flagged)

    def read(self, batch: pa.RecordBatch) -> CheckedBatch:
        """Read all columns of a batch and check every row on its own."""
        verdicts = Verdicts(batch.num_rows)
        names = self.names(batch, verdicts)
        person = self._persons(batch, names.claim)
        for keys in (names.claim, person):
            keys.report(verdicts)
        diagnoses = self._diagnoses.read(batch, verdicts)
        # a refund only takes an amount back: its diagnoses stand in the claim it belongs to
        verdicts.blame(Reason.MAIN_DIAGNOSIS, ~(diagnoses.has_main | names.refund))
        return CheckedBatch(
            names=names,
            person=person,
            diagnoses=diagnoses,
            operations=self._operations.read(batch, verdicts) if self._operations else None,
            codes={field: self._codes(field, batch, verdicts) for field in self._fields},
            money=read_money(batch, self._mapping, names.flagged, verdicts),
            stays=read_stay(batch, self._mapping, verdicts),
            age_days=read_age(batch, self._mapping, verdicts),
            verdicts=verdicts,
        )

    def _persons(self, batch: pa.RecordBatch, claim: Keys) -> Keys:
        named = self._mapping.person_key
        return claim if named == "each_claim" else parse_keys([batch.column(name) for name in named])

    def _codes(self, field: str, batch: pa.RecordBatch, verdicts: Verdicts) -> tuple[Indices, list[str]]:
        reader = self._readers[field]
        reader.start_batch()
        codes = reader.read(self._fields[field], batch.column(self._fields[field]))
        for reason, rows in codes.faults:
            verdicts.blame(reason, rows)
        return codes.indices, reader.values

    def _flags(self, column: pa.Array, verdicts: Verdicts) -> Mask:
        """Where the refund flag is set; its reader turns every accepted value into 1 or 0."""
        codes = self._flag_reader.read("", column)
        for reason, rows in codes.faults:
            verdicts.blame(reason, rows)
        yes = [place for place, value in enumerate(self._flag_reader.values) if value == "1"]
        return np.isin(codes.indices, yes)


def _code_reader(field: str, mapping: ClaimMapping) -> CodeReader:
    check = check_code
    if field in _KEYS:
        check = check_key
    elif field == "gend":
        check = check_sex
    elif field == _TEXT:
        check = check_text
    return CodeReader(check, translation=mapping.values.get(field), may_identify=field in _MAY_IDENTIFY)


def _flag_reader(mapping: ClaimMapping) -> CodeReader:
    refund = mapping.refund
    values = {**dict.fromkeys(refund.unset, "0"), **dict.fromkeys(refund.set, "1")} if refund else {}
    return CodeReader(lambda value: None if value in {"0", "1"} else Reason.UNKNOWN_VALUE, translation=values)
