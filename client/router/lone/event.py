"""What is remembered of a single claim: the same integers as ``client.router.rules.event`` gives."""

from __future__ import annotations

from functools import lru_cache

from client.router.claims import SECONDS_A_DAY
from client.router.lone.asking import care_of
from client.router.lone.claim import PROVIDER, VISIT, LoneClaim
from client.router.rules.digest import NOTHING, digest
from client.router.rules.event import CATEGORY_CHARACTERS, NO_DAY
from common.columns import MISSING

_KEPT_CODES = 1 << 15
_SIGN, _WORD = 1 << 63, 1 << 64

_of_code = lru_cache(_KEPT_CODES)(digest)


def event_of(lone: LoneClaim, today: int) -> list[int]:
    """The event of a claim, in the order of ``Field``.

    Guarantees:
        * The row that ``events_of`` gives for the claim in any batch. A test holds both against each other.
    """
    person, diagnosis = lone.person_id, lone.diagnoses[0]
    admitted, discharged = _stay(lone)
    return [
        person - _WORD if person >= _SIGN else person,
        digest(lone.claim.claim_key),
        admitted,
        discharged,
        _day(lone.settled),
        _code(lone.attributes[PROVIDER]),
        _code(lone.attributes[VISIT]),
        _of_code(diagnosis),
        _of_code(diagnosis[:CATEGORY_CHARACTERS]),
        _of_code(lone.operations[0]) if lone.operations else NOTHING,
        lone.total,
        today,
        care_of(lone),
    ]


def _stay(lone: LoneClaim) -> tuple[int, int]:
    """Days of admission and discharge; where one of them is not given, the stated stay says it."""
    admitted, discharged = _day(lone.admitted), _day(lone.discharged)
    if lone.stay_days != MISSING:
        if admitted == NO_DAY and discharged != NO_DAY:
            return discharged - lone.stay_days, discharged
        if discharged == NO_DAY and admitted != NO_DAY:
            return admitted, admitted + lone.stay_days
    return admitted, discharged


def _day(seconds: int) -> int:
    return NO_DAY if seconds == MISSING else seconds // SECONDS_A_DAY


def _code(code: str | None) -> int:
    return NOTHING if code is None else _of_code(code)
