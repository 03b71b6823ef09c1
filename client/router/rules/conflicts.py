"""Diagnoses that do not fit the sex or the age of the insured person."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from client.router.rules.bearable import FEMALE, MALE, bearer_of
from client.router.rules.finding import RuleText, Severity, quoted
from client.router.rules.rule import Hits, Rule, Seen, hits_where
from common.claim import MAX_AGE_YEARS
from common.columns import DAYS_A_YEAR, MISSING, CodeColumn

Mask = npt.NDArray[np.bool_]

_UNKNOWN, _MALE, _FEMALE = 0, 1, 2
_SEXES = {MALE: _MALE, FEMALE: _FEMALE}
_ANYBODY = (_UNKNOWN, 0, MAX_AGE_YEARS)


class DiagnosisConflict(Rule):
    """A main or other diagnosis (ICD-10) that the person cannot have, by ``client.router.rules.bearable``.

    Where sex or age is not known, nothing is held against it.
    """

    text: ClassVar[RuleText] = RuleText(
        rule_id="R05",
        severity=Severity.HIGH,
        name="诊断与性别或年龄不符",
        english_name="diagnosis against sex or age",
        content="诊断编码与参保人的性别或年龄不符",
        english_content="a diagnosis code does not fit the sex or the age of the insured person",
        behaviour="诊断不实",
        english_behaviour="untrue diagnosis",
    )

    kind: Literal["diagnosis_conflict"] = "diagnosis_conflict"

    def find(self, seen: Seen) -> Hits:
        """Claims with at least one such diagnosis; the evidence names the first one."""
        table = seen.claims.table
        sexes = _sexes(table.attributes.get("gend"), len(table))
        years = np.where(table.age_days == MISSING, MISSING, table.age_days // DAYS_A_YEAR)
        culprit = np.full(len(table), MISSING, np.int64)
        for place in reversed(range(len(table.diagnoses))):
            culprit[_conflicts(table.diagnoses[place], sexes, years)] = place
        rows = np.flatnonzero(culprit != MISSING)
        named = [_code(table.diagnoses[culprit[row]], row) for row in rows.tolist()]
        return hits_where(seen, culprit != MISSING, [f"diag_code={quoted(code)}" for code in named])


def _conflicts(column: CodeColumn, sexes: npt.NDArray[np.int64], years: npt.NDArray[np.int64]) -> Mask:
    limits = np.array([*map(_limits, column.values), _ANYBODY], np.int64)  # MISSING is -1 and so reads the last row
    sex, youngest, oldest = limits[column.indices].T
    wrong_sex = (sex != _UNKNOWN) & (sexes != _UNKNOWN) & (sex != sexes)
    wrong_age = (years != MISSING) & ((years < youngest) | (years > oldest))
    conflicts: Mask = wrong_sex | wrong_age
    return conflicts


def _limits(code: str) -> tuple[int, int, int]:
    bearer = bearer_of(code)
    if bearer is None:
        return _ANYBODY
    return _SEXES.get(bearer.sex or "", _UNKNOWN), bearer.youngest, bearer.oldest


def _sexes(column: CodeColumn | None, n_claims: int) -> npt.NDArray[np.int64]:
    if column is None:
        return np.full(n_claims, _UNKNOWN, np.int64)
    return np.array([*(_SEXES.get(value, _UNKNOWN) for value in column.values), _UNKNOWN], np.int64)[column.indices]


def _code(column: CodeColumn, row: int) -> str:
    return column.values[int(column.indices[row])]
