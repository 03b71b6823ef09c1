"""An order as the registry tells it: how far it is, who took part, what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from common.errors import RefusedError

LISTS = ("cohort", "lost", "refused", "heads")


class State(StrEnum):
    """How far an order is."""

    ORDERED = "ordered"
    STARTING = "starting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    ABANDONED = "abandoned"


OPEN = (State.ORDERED, State.STARTING, State.RUNNING)
UNDER_WAY = (State.STARTING, State.RUNNING)


class WantedBy(StrEnum):
    """Who has ordered a run."""

    OPERATOR = "operator"
    SCHEDULE = "schedule"


class Purpose(StrEnum):
    """What a run is for: new clusters, or how past claims of the newest model's clusters were decided."""

    CLUSTERS = "clusters"
    OUTCOMES = "outcomes"


class RunClosedError(RefusedError):
    """The run is not under way (any more): whoever still works on it stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One order and what became of it.

    Attributes:
        number: What people call it.
        code: By which the process that is to run it knows it; of use only while it starts.
        wanted_by: Who has ordered it.
        purpose: What it is for.
        tick: Of the schedule, seconds since 1970; None if the schedule did not order it.
        ordered: Seconds since 1970, as all times here.
        state: How far it is.
        started: When a session began.
        ended: When it was closed.
        reason: Why it was not done; empty if it was, or is open.
        flower_run: Flower's number of it.
        process: Number of the process that runs it.
        session: 32 hexadecimal digits.
        fingerprint: Of its plan.
        roster_version: Under which it ran.
        cohort: Bureaus that took part.
        lost: Bureaus that joined and were lost on the way.
        refused: What was refused, as sentences.
        heads: Newest head of each bureau's ledger that was seen, by name.
        model: The version it has published.
    """

    number: int
    code: str = field(repr=False)
    wanted_by: WantedBy
    purpose: Purpose
    tick: int | None
    ordered: int
    state: State
    started: int | None = None
    ended: int | None = None
    reason: str = ""
    flower_run: str | None = None
    process: int | None = None
    session: str | None = None
    fingerprint: str | None = None
    roster_version: int | None = None
    cohort: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    heads: Mapping[str, str] = field(default_factory=dict)
    model: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Who took part, as far as is known when a run is closed.

    Attributes:
        cohort: Bureaus that took part.
        lost: Bureaus that were lost.
        refused: What was refused.
        heads: Of ledgers, by name.
    """

    cohort: Sequence[str] = ()
    lost: Sequence[str] = ()
    refused: Sequence[str] = ()
    heads: Mapping[str, str] = field(default_factory=dict)

    def columns(self) -> dict[str, str]:
        """As the registry keeps it."""
        held = {name: getattr(self, name) for name in LISTS}
        return {name: json.dumps(dict(one) if name == "heads" else list(one)) for name, one in held.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTranscript:
    """Where a session's messages are.

    Attributes:
        path: Seen from the coordinator's directory.
        sha256: Of the file.
        bytes: Its size.
    """

    path: str
    sha256: str
    bytes: int
