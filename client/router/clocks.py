"""What a clock may be believed: decisions only ever go forward, and one wrong day makes nobody forget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from client.router.claims import SECONDS_A_DAY

TOLERANCE_S = 3_600
"""By which a clock may be behind the latest decision: summer time gone wrong is about an hour, too."""

DAYS_TO_BELIEVE = 7
"""On so many days something must have been decided since, before a day is taken for past."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When something is decided.

    Attributes:
        at: Unix seconds: of the clock, or of the latest decision if that is later.
        behind: Whether the clock is behind the latest decision by more than the tolerance: one of both was wrong.
    """

    at: int
    behind: bool

    @property
    def day(self) -> int:
        """Since 1970."""
        return self.at // SECONDS_A_DAY


def moment_of(clock: int, latest: int) -> Moment:
    """The moment of a decision.

    Args:
        clock: What the clock says, Unix seconds.
        latest: When the latest decision was made; 0 if there is none.
    """
    return Moment(at=max(clock, latest), behind=clock < latest - TOLERANCE_S)


def behind_text(clock: int, latest: int) -> str:
    """What people are told of a clock that is behind; empty if it is not."""
    if not moment_of(clock, latest).behind:
        return ""
    return (
        f"The clock is {latest - clock:,} seconds behind the latest decision, so no claim is FAST: set it right. "
        "If it was ahead when that decision was made, claims go to people until it has caught up."
    )


def believed_day(today: int, newest: Sequence[int]) -> int:
    """The day by which old claims are forgotten.

    Guarantees:
        * Never after today, nor more than a day after the oldest of ``newest``: a clock that is far ahead makes nobody
          forget before it was ahead on ``DAYS_TO_BELIEVE`` days of decisions.
        * The same after a restart.

    Args:
        today: By the clock.
        newest: The last ``DAYS_TO_BELIEVE`` days on which something was decided, or as many as there were.
    """
    return min(today, min(newest, default=today) + 1)
