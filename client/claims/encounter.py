"""The stay and the age of a batch of claims, and whether stay and dates agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from client.claims.mapping import DATES, ClaimMapping
from client.claims.parsing.dates import MICROSECONDS_A_DAY, parse_dates
from client.claims.parsing.numbers import parse_age_days, parse_whole
from client.claims.parsing.parsed import Parsed
from client.claims.reasons import Reason, Verdicts
from common.claim import MAX_STAY_DAYS
from common.columns import DAYS_A_YEAR, MISSING

Days = npt.NDArray[np.int32]

_MOST_NEWBORN_DAYS = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class Stays:
    """The stays of a batch.

    Attributes:
        days: ``MISSING`` where nothing says it.
        dates: Each of ``DATES`` that the file has, in microseconds since 1970.
    """

    days: Days
    dates: Mapping[str, Parsed]


def read_stay(batch: pa.RecordBatch, mapping: ClaimMapping, verdicts: Verdicts) -> Stays:
    """The stated stay, else what the dates say, else ``MISSING``; faults go to the verdict."""
    read = {name: _dates(batch, mapping, name, verdicts) for name in DATES}
    dates = {name: found for name, found in read.items() if found is not None}
    admitted, discharged = dates.get("adm_time"), dates.get("dscg_time")
    stated = _whole(batch, mapping.fields.get("act_ipt_days"), MAX_STAY_DAYS, verdicts)
    days = np.full(batch.num_rows, MISSING, np.int64)
    if admitted is not None and discharged is not None:
        dated = ~(admitted.missing | discharged.missing)
        disordered = dated & (discharged.values < admitted.values)
        if disordered.any():
            verdicts.blame(Reason.DATES_DISORDERED, disordered)
        between = discharged.values // MICROSECONDS_A_DAY - admitted.values // MICROSECONDS_A_DAY
        days[dated] = between[dated]
        if stated is not None:
            contradicts = dated & ~stated.missing & (np.abs(stated.values - between) > 1)
            if contradicts.any():
                verdicts.blame(Reason.STAY_CONTRADICTS_DATES, contradicts)
    if stated is not None:
        days = np.where(stated.missing, days, stated.values)
    return Stays(days=days.astype(np.int32), dates=dates)


def read_age(batch: pa.RecordBatch, mapping: ClaimMapping, verdicts: Verdicts) -> Days:
    """The age in days; a newborn's own age in days goes before completed years. Faults go to the verdict."""
    age_days = np.full(batch.num_rows, MISSING, np.int64)
    column = mapping.fields.get("age")
    if column in batch.schema.names:
        age = parse_age_days(batch.column(column), mapping.age_unit)
        age.report(verdicts)
        age_days[~age.missing] = age.values[~age.missing]
    newborn = _whole(batch, mapping.fields.get("nwb_age"), _MOST_NEWBORN_DAYS, verdicts)
    if newborn is not None:
        age_days = np.where(~newborn.missing & (age_days < DAYS_A_YEAR), newborn.values, age_days)
    return age_days.astype(np.int32)


def _dates(batch: pa.RecordBatch, mapping: ClaimMapping, field: str, verdicts: Verdicts) -> Parsed | None:
    column = mapping.fields.get(field)
    if column not in batch.schema.names:
        return None
    parsed = parse_dates(batch.column(column))
    parsed.report(verdicts)
    return parsed


def _whole(batch: pa.RecordBatch, column: str | None, most: int, verdicts: Verdicts) -> Parsed | None:
    if column not in batch.schema.names:
        return None
    parsed = parse_whole(batch.column(column), most=most)
    parsed.report(verdicts)
    return parsed
