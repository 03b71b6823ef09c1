"""The tags of a single claim: those that ``client.router.rules.tags`` gives it in a batch of one."""

from __future__ import annotations

from client.router.lone.claim import TCM, LoneClaim
from client.router.rules.event import NO_DAY, NOBODY, Events, Field
from client.router.rules.history import History
from client.router.rules.tags import HERBAL, TAGS, Tag

_PERSON, _DAYS = int(Field.PERSON), slice(int(Field.ADMITTED), int(Field.SETTLED) + 1)
"""Where care has a day if any of admission, discharge and settlement has one."""


def lone_tags(lone: LoneClaim, events: Events, history: History) -> tuple[Tag, ...]:
    """The tags of a claim.

    Args:
        lone: The claim.
        events: Its event, int64 ``(1, EVENT_WIDTH)``.
        history: What is remembered of earlier claims.
    """
    event = events[0].tolist()
    known = event[_PERSON] != NOBODY and any(day != NO_DAY for day in event[_DAYS])
    given: dict[Tag, bool] = {
        "first_visit": bool(known and not history.has_earlier(events)[0]),
        "referred": lone.referred,
        "tcm": lone.attributes[TCM] is not None or lone.fees[HERBAL] > 0,
    }
    return tuple(name for name in TAGS if given[name])
