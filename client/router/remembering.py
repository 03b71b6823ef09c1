"""What a router knows of its own earlier decisions: history for rules, counts of providers, and the latest moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from client.router.clocks import DAYS_TO_BELIEVE, Moment, believed_day, moment_of
from client.router.concentration import RECENT_DAYS, Concentration
from client.router.deciding.artefacts import Artefacts
from client.router.memories import Piece, events_in
from client.router.rules.history import History
from client.router.store.decisions import DecisionStore


class Remembering:
    """The memory of an open router; one thread at a time.

    Guarantees:
        * What is remembered is what the store holds, and what is on its way there. After a commit that did not end
          well, whatever became of it, the store is read again before anything else is decided.
        * Moments never go back, over restarts neither, but where somebody has declared that the clock was wrong.
        * Old claims are forgotten day by day, in memory and in the store, and none because a clock is far ahead
          (``believed_day``).
    """

    def __init__(self, store: DecisionStore, days: int, artefacts: Artefacts) -> None:
        """Nothing is read yet; ``moment`` does it.

        Args:
            store: Open.
            days: For how long rules remember a claim.
            artefacts: What is decided with.
        """
        self._store, self._days, self._artefacts = store, days, artefacts
        self._history, self._concentration = History(days), Concentration(artefacts)
        self._latest, self._tidied, self._doubted = 0, 0, True

    @property
    def history(self) -> History:
        """For rules."""
        return self._history

    @property
    def concentration(self) -> Concentration:
        """Of providers, under the model in force."""
        return self._concentration

    @property
    def latest(self) -> int:
        """When the latest decision was made, Unix seconds; 0 if there is none."""
        return self._latest

    @property
    def tidied(self) -> int:
        """The day on which old claims were last forgotten."""
        return self._tidied

    def moment(self, clock: int) -> Moment:
        """When something is decided now; whatever is in doubt is read again first.

        Raises:
            StoreError: If it cannot be read.
        """
        if self._doubted:
            self._read(clock)
        return moment_of(clock, self._latest)

    def doubt(self) -> None:
        """A commit did not end well: nobody knows what the store holds."""
        self._doubted = True

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """While something is committed: unless it ends well, memory is in doubt."""
        self._doubted = True
        yield
        self._doubted = False

    def remember(self, piece: Piece, moment: Moment) -> None:
        """What was decided, or is on its way to the store."""
        self._history.remember(piece.events)
        self._concentration.remember(piece)
        self._latest = moment.at

    def look_again(self) -> None:
        """Ask the store when the latest decision was made: somebody may have declared that the clock was wrong."""
        self._latest = self._store.latest()

    def forget(self, day: int) -> None:
        """Let go of what lies too far back, here and in the store; once a day is enough."""
        believed = self._believed(day)
        self._history.forget(believed)
        self._concentration.forget(believed)
        self._store.forget(believed - self._days)
        self._tidied = day

    def decide_with(self, artefacts: Artefacts) -> None:
        """Count providers under the model in force from now on: anew, unless it or its stream decided here before."""
        if artefacts.model.family == self._artefacts.model.family:
            self._concentration.guard(artefacts)
        else:
            self._concentration = Concentration.of(self._pieces(self._believed(self._tidied) - RECENT_DAYS), artefacts)
        self._artefacts = artefacts

    def _read(self, clock: int) -> None:
        self._latest = self._store.latest()
        day = moment_of(clock, self._latest).day
        believed = self._believed(day)
        pieces = self._pieces(believed - self._days)
        self._history = History.of(events_in(pieces), self._days)
        self._concentration = Concentration.of(pieces, self._artefacts)
        self._concentration.forget(believed)
        self._tidied, self._doubted = day, False

    def _believed(self, day: int) -> int:
        return believed_day(day, self._store.newest_days(DAYS_TO_BELIEVE))

    def _pieces(self, since: int) -> list[Piece]:
        return [Piece.from_bytes(held) for held in self._store.memories(since)]
