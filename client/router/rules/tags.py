"""Tags: what a reviewer wants to see at a glance. A tag is no finding and moves no claim to another lane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from client.router.claims import RoutedClaims
from client.router.rules.event import NO_DAY, NOBODY, Events, Field, first_days
from client.router.rules.history import History
from common.claim import FEE_CATEGORIES
from common.columns import MISSING

Flags = npt.NDArray[np.bool_]

HERBAL = tuple(FEE_CATEGORIES).index("10")

Tag = Literal["first_visit", "referred", "tcm"]

TAGS: dict[Tag, tuple[str, str]] = {
    "first_visit": ("首诊", "first visit"),
    "referred": ("转诊", "referral"),
    "tcm": ("中医", "traditional Chinese medicine"),
}
"""Tag to its Chinese and English name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """Of ``n`` claims.

    Attributes:
        first_visit: bool ``(n,)``; no earlier claim of the person for this category of diagnosis is remembered. Not set
            where the person or the day is not known.
        referred: bool ``(n,)``; referred from or to another institution.
        tcm: bool ``(n,)``; a diagnosis of traditional Chinese medicine, or herbal slices among the fees.
    """

    first_visit: Flags
    referred: Flags
    tcm: Flags

    def of(self, row: int) -> tuple[Tag, ...]:
        """The tags of one claim, in the order of ``TAGS``."""
        return tuple(name for name in TAGS if getattr(self, name)[row])


def tags_of(claims: RoutedClaims, events: Events, history: History) -> Tags:
    """The tags of a batch.

    Args:
        claims: The batch.
        events: Of its claims (``events_of``).
        history: What is remembered of earlier claims; the batch is not in it yet.
    """
    known = (events[:, Field.PERSON] != NOBODY) & (first_days(events) != NO_DAY)
    earlier = history.has_earlier(events) | (History.of(events).has_earlier(events) if len(events) > 1 else False)
    tcm = claims.table.attributes.get("tcm_dise_code")
    diagnosed = np.zeros(len(claims), np.bool_) if tcm is None else tcm.indices != MISSING
    return Tags(
        first_visit=known & ~earlier,
        referred=claims.referred,
        tcm=diagnosed | (claims.table.fees[:, HERBAL] > 0),
    )
