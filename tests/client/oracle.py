"""The slow way from a row to a claim, one row and one value at a time, through ``common.claim.Claim``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from pydantic import ValidationError

from client.claims.mapping import DATES, PAYMENTS, REFERRALS, ClaimMapping
from client.claims.reasons import REASONS, Reason
from common.claim import MAX_AGE_YEARS, Claim
from common.columns import ATTRIBUTES

_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")
_FORMS = {
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}": "%Y-%m-%d",
    r"[0-9]{4}/[0-9]{2}/[0-9]{2}": "%Y/%m/%d",
    r"[0-9]{8}": "%Y%m%d",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}": "%Y-%m-%d %H:%M:%S",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}": "%Y-%m-%dT%H:%M:%S",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\.([0-9]|[0-9]{3}|[0-9]{6})": "%Y-%m-%d %H:%M:%S.%f",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.([0-9]|[0-9]{3}|[0-9]{6})": "%Y-%m-%dT%H:%M:%S.%f",
    r"[0-9]{14}": "%Y%m%d%H%M%S",
}
_OF_ERROR = {
    "string_pattern_mismatch": Reason.ILL_FORMED_CODE,
    "literal_error": Reason.UNKNOWN_VALUE,
    "less_than_equal": Reason.NUMBER_OUT_OF_RANGE,
    "greater_than_equal": Reason.NUMBER_OUT_OF_RANGE,
    "too_long": Reason.TOO_MANY_CODES,
    "too_short": Reason.MAIN_DIAGNOSIS,
}


class _Row:
    """One row, and the reasons found against it so far."""

    def __init__(self, row: Mapping[str, object], mapping: ClaimMapping) -> None:
        self.row, self.mapping = row, mapping
        self.reasons: set[Reason] = set()

    def raw(self, column: str | None) -> object:
        value = self.row.get(column) if column is not None else None
        if isinstance(value, str):
            value = value.strip(" \t\n\r\v\f") or None
        return value

    def field(self, name: str) -> object:
        return self.raw(self.mapping.fields.get(name))

    def number(self, value: object) -> float | None:
        if value is None:
            return None
        if isinstance(value, str):
            if not _NUMBER.fullmatch(value):
                self.reasons.add(Reason.ILL_FORMED_NUMBER)
                return 0.0
            return float(value)
        assert isinstance(value, (int, float))
        if not math.isfinite(value):
            self.reasons.add(Reason.ILL_FORMED_NUMBER)
            return 0.0
        return float(value)

    def amount(self, value: object) -> Decimal | None:
        number = self.number(value)
        if number is None:
            return None
        if abs(number) > 1e12:
            self.reasons.add(Reason.NUMBER_OUT_OF_RANGE)
            return Decimal(0)
        return Decimal(round(number * 100)) / 100

    def whole(self, value: object) -> int | None:
        number = self.number(value)
        if number is not None and number != int(number):
            self.reasons.add(Reason.ILL_FORMED_NUMBER)
            return 0
        return None if number is None else int(number)

    def date(self, value: object) -> datetime | None:
        if value is None or isinstance(value, datetime):
            return value
        assert isinstance(value, str)
        for pattern, form in _FORMS.items():
            if re.fullmatch(pattern, value):
                try:
                    found = datetime.strptime(value, form)  # noqa: DTZ007 - claims carry local time
                except ValueError:
                    break
                if 1990 <= found.year <= 2100:
                    return found
                self.reasons.add(Reason.DATE_OUT_OF_RANGE)
                return None
        self.reasons.add(Reason.ILL_FORMED_DATE)
        return None

    def ages(self) -> dict[str, int | None]:
        years = self.number(self.field("age"))
        newborn = self.whole(self.field("nwb_age"))
        if years is not None and not 0 <= years < MAX_AGE_YEARS + 1:
            self.reasons.add(Reason.NUMBER_OUT_OF_RANGE)
            years = None
        if years is not None and 0 < years < 1 and newborn is None:
            newborn = round(years * 365)
        return {"age": None if years is None else int(years), "nwb_age": newborn}

    def diagnoses(self) -> list[dict[str, object]]:
        named = self.mapping.diagnoses
        main = self.raw(named.main)
        codes = [{"diag_code": main, "maindiag_flag": True}] if main is not None else []
        others = [self.raw(name) for name in named.others]
        return codes + [{"diag_code": code} for code in others if code is not None]

    def operations(self) -> list[dict[str, object]]:
        named = self.mapping.operations
        assert named is not None
        main = self.raw(named.main)
        codes = [{"oprn_oprt_code": main, "main_oprn_flag": True}] if main is not None else []
        others = [self.raw(name) for name in named.others]
        return codes + [{"oprn_oprt_code": code} for code in others if code is not None]

    def fees(self) -> list[dict[str, object]]:
        assert self.mapping.fees is not None
        amounts = [
            (category, self.amount(self.raw(column)))
            for category, columns in self.mapping.fees.parts.items()
            for column in columns
        ]
        return [{"med_chrgitm_type": category, "amt": amount} for category, amount in amounts if amount is not None]

    def flag(self) -> bool:
        assert self.mapping.refund is not None
        value = self.raw(self.mapping.refund.column)
        if value is not None and value not in {"0", "1", "true", "false"}:
            self.reasons.add(Reason.UNKNOWN_VALUE)
        return value in {"1", "true"}

    def keys(self) -> dict[str, object]:
        found = {"claim_key": self.raw(self.mapping.claim_key[0]), "psn_key": self.raw(self.mapping.person_key[0])}
        for name, value in found.items():
            if value is None:
                self.reasons.add(Reason.MISSING_KEY)
                found[name] = "-"
        return found


def claim_of(raw_row: Mapping[str, object], mapping: ClaimMapping) -> Claim | Reason:
    """The claim that a row makes under a mapping without lists, or the first reason against it."""
    row = _Row(raw_row, mapping)
    total = row.amount(row.field("medfee_sumamt"))
    if total is None:
        row.reasons.add(Reason.MISSING_AMOUNT)
    fields: dict[str, object] = {
        **row.keys(),
        **row.ages(),
        **{name: row.field(name) for name in (*ATTRIBUTES, *REFERRALS, "dscr_text")},
        **{name: row.date(row.field(name)) for name in DATES},
        **{name: row.amount(row.field(name)) for name in PAYMENTS},
        "act_ipt_days": row.whole(row.field("act_ipt_days")),
        "medfee_sumamt": Decimal(0) if total is None else total,
        "diseinfo": row.diagnoses(),
        "oprninfo": row.operations(),
        "iteminfo": row.fees(),
        "refd_setl_flag": row.flag(),
    }
    try:
        claim = Claim.model_validate(fields)
    except ValidationError as error:
        row.reasons |= {_reason(one["type"], str(one["loc"]), one["msg"]) for one in error.errors()}
        claim = None
    return min(row.reasons, key=REASONS.index) if row.reasons or claim is None else claim


def _reason(kind: str, place: str, message: str) -> Reason:
    if kind == "value_error":
        return Reason(message.removeprefix("Value error, ").partition(":")[0])
    if kind == "string_too_long":
        return Reason.TEXT_TOO_LONG if "dscr_text" in place else Reason.ILL_FORMED_KEY
    return _OF_ERROR[kind]
