"""What is remembered of a claim: one row of integers, enough to notice it again."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from client.router.claims import SECONDS_A_DAY, RoutedClaims
from client.router.content import cares
from client.router.rules.digest import column_digests, digest, digests
from common.columns import MISSING, CodeColumn, normalise_code

Events = npt.NDArray[np.int64]
"""int64 ``(n, EVENT_WIDTH)``; one row a claim, one column per member of ``Field``. This is the durable form, too."""

NO_DAY = int(np.iinfo(np.int32).min)
"""Stands for a day that is not given."""

NOBODY = 0
"""Stands for an insured person who is not known: nothing is compared over such claims."""

UNKNOWN = 0
"""Stands for what a claim was about, where an earlier version of this program did not remember it."""

CATEGORY_CHARACTERS = 3


class Field(IntEnum):
    """The columns of an event. Codes and keys are digests, days count from 1970."""

    PERSON = 0
    """The 64 bits of the pseudonym, signed; ``NOBODY`` if not known."""
    CLAIM = 1
    ADMITTED = 2
    DISCHARGED = 3
    SETTLED = 4
    INSTITUTION = 5
    VISIT = 6
    """The kind of visit, ``med_type``."""
    DIAGNOSIS = 7
    """The main one."""
    CATEGORY = 8
    """The first three characters of the main diagnosis."""
    OPERATION = 9
    """The main one."""
    TOTAL = 10
    """Fen."""
    REMEMBERED = 11
    """The day on which the claim was decided."""
    CARE = 12
    """All that is in the claim but its key and whether the person refused automation; ``UNKNOWN`` of old claims."""


EVENT_WIDTH = len(Field)
FIRST_WIDTH = int(Field.CARE)
"""Of events that an earlier version of this program kept."""


def events_kept(held: bytes, width: int) -> Events:
    """Events as they were kept, whichever version of this program kept them; ``UNKNOWN`` for what it did not know.

    Raises:
        ValueError: If they are of no version.
    """
    found = np.frombuffer(held, "<i8").reshape(-1, width).astype(np.int64)
    if not FIRST_WIDTH <= width <= EVENT_WIDTH:
        msg = f"an event has {FIRST_WIDTH} to {EVENT_WIDTH} numbers"
        raise ValueError(msg)
    return np.pad(found, ((0, 0), (0, EVENT_WIDTH - width)), constant_values=UNKNOWN)


def events_of(claims: RoutedClaims, today: int) -> Events:
    """What to remember of some claims.

    Guarantees:
        * An event depends on its claim and ``today`` alone: not on the batch, its order or its code tables.

    Args:
        claims: Any number.
        today: Days since 1970, from the clock at the edge.
    """
    table, n_claims = claims.table, len(claims)
    events = np.empty((n_claims, EVENT_WIDTH), np.int64)
    events[:, Field.PERSON] = table.person_id.view(np.int64)
    events[:, Field.CLAIM] = digests(claims.claim_keys)
    events[:, Field.ADMITTED], events[:, Field.DISCHARGED] = _stays(claims)
    events[:, Field.SETTLED] = _days(claims.settled)
    events[:, Field.INSTITUTION] = column_digests(table.attributes.get("fixmedins_code"), n_claims)
    events[:, Field.VISIT] = column_digests(table.attributes.get("med_type"), n_claims)
    events[:, Field.DIAGNOSIS] = column_digests(table.diagnoses[0], n_claims)
    events[:, Field.CATEGORY] = column_digests(_categories(table.diagnoses[0]), n_claims)
    events[:, Field.OPERATION] = column_digests(table.operations[0] if table.operations else None, n_claims)
    events[:, Field.TOTAL] = table.total
    events[:, Field.REMEMBERED] = today
    events[:, Field.CARE] = cares(claims)
    return events


def first_days(events: Events) -> Events:
    """The day on which care began: admitted, else discharged, else settled, else ``NO_DAY``."""
    return _first_given(events, Field.ADMITTED, Field.DISCHARGED, Field.SETTLED)


def last_days(events: Events) -> Events:
    """The day on which care ended: discharged, else admitted, else settled, else ``NO_DAY``."""
    return _first_given(events, Field.DISCHARGED, Field.ADMITTED, Field.SETTLED)


def one_of(held: Events, codes: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    """Where a column of digests is that of one of some codes."""
    named: npt.NDArray[np.bool_] = (
        np.isin(held, ()) if not codes else np.logical_or.reduce([held == one for one in _digests_of(codes)])
    )
    return named


@lru_cache(maxsize=64)
def _digests_of(codes: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(digest(normalise_code(code)) for code in codes)


def _first_given(events: Events, *fields: Field) -> Events:
    days = events[:, fields[-1]]
    for field in reversed(fields[:-1]):
        days = np.where(events[:, field] != NO_DAY, events[:, field], days)
    return days


def _stays(claims: RoutedClaims) -> tuple[Events, Events]:
    """Days of admission and discharge; where one of them is not given, the stated stay says it."""
    admitted, discharged = _days(claims.admitted), _days(claims.discharged)
    stay = claims.table.stay_days.astype(np.int64)
    from_end = (admitted == NO_DAY) & (discharged != NO_DAY) & (stay != MISSING)
    from_start = (discharged == NO_DAY) & (admitted != NO_DAY) & (stay != MISSING)
    return np.where(from_end, discharged - stay, admitted), np.where(from_start, admitted + stay, discharged)


def _days(seconds: Events) -> Events:
    return np.where(seconds == MISSING, NO_DAY, seconds // SECONDS_A_DAY)


def _categories(column: CodeColumn) -> CodeColumn:
    return CodeColumn(indices=column.indices, values=tuple(value[:CATEGORY_CHARACTERS] for value in column.values))
