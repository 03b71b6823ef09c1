"""A tick of a stream as the registry tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from server.registry.run import State


class Outcome(StrEnum):
    """How a tick ended, if it has."""

    UNDER_WAY = "under way"
    PUBLISHED = "published"
    KEPT = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When a tick is.

    Attributes:
        number: From 1, rising.
        closes: Its moment, seconds since 1970; claims that were received then or later are for the next one.
    """

    number: int
    closes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One tick, or several in a row that were kept for one reason.

    Attributes:
        stream: Whose.
        number: Of the (last) tick.
        since: Of the first one.
        closes: Moment of the last one.
        noted: When it was accounted for.
        run: That asks about its window; None where it was kept without one.
        outcome: How it ended.
        version: Of the model that it published, or None.
        reason: Why the old model was kept; empty if it was not.
    """

    stream: str
    number: int
    since: int
    closes: int
    noted: int
    run: int | None
    outcome: Outcome
    version: int | None
    reason: str

    @property
    def moment(self) -> Moment:
        """When it is."""
        return Moment(number=self.number, closes=self.closes)

    @classmethod
    def of_row(cls, row: Mapping[Any, Any]) -> Tick:
        """A tick with its run's end."""
        outcome = _OUTCOMES.get(row["state"], Outcome.UNDER_WAY) if row["run"] is not None else Outcome.KEPT
        return cls(
            **{name: row[name] for name in ("stream", "number", "since", "closes", "noted", "run")},
            outcome=outcome,
            version=row["model"],
            reason=row["reason"] or row["run_reason"] or "",
        )


_OUTCOMES = {State.DONE: Outcome.PUBLISHED, State.FAILED: Outcome.KEPT, State.ABANDONED: Outcome.KEPT}
