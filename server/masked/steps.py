"""The steps of a session of masked sums, and what became of its rounds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from common.private.asked import PrivateRound


class Step(StrEnum):
    """What is asked."""

    OFFER = "offer"
    MEMBERS = "members"
    INVITE = "invite"
    SURVIVORS = "survivors"
    REVEAL = "reveal"
    RESULT = "result"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A round that was opened or lost.

    Attributes:
        asked: The round.
        inertia: Noisy; None where it was not asked for, or the round was lost.
        opened: Whether its sum is known.
    """

    asked: PrivateRound
    inertia: float | None
    opened: bool
