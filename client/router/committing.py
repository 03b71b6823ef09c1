"""Committing while the next batch is being decided: at most one commit is on its way, and nobody is answered before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Self

from client.router.answers import Answers
from client.router.claims import RoutedClaims
from client.router.clocks import Moment
from client.router.due import Due
from client.router.memories import Piece
from client.router.store.decisions import DecisionStore, Memory, New, Shadowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What was decided about a batch; not on the disk yet.

    Attributes:
        answers: To be given once it is.
        new: What is to be kept; None if all was decided before.
    """

    answers: Answers
    new: Fresh | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """New decisions with all that belongs to them.

    Attributes:
        decided: The decisions.
        shadowed: What a shadow would have done.
        due: Payment drafts that are due.
        piece: What is remembered of the claims.
        moment: Of the decisions.
    """

    decided: New
    shadowed: Shadowed | None
    due: Due
    piece: Piece
    moment: Moment

    @classmethod
    def of(
        cls,
        claims: RoutedClaims,
        asked: Sequence[bytes],
        answers: Answers,
        *,
        piece: Piece,
        moment: Moment,
        shadowed: Shadowed | None,
    ) -> Self:
        """What was answered about some claims, with what they asked."""
        decided = New(
            asked=asked,
            decision_ids=answers.decision_ids,
            lanes=answers.lanes,
            records=answers.records,
            decided_at=moment.at,
        )
        due = Due.of(claims, answers.lanes, answers.decision_ids)
        return cls(decided=decided, shadowed=shadowed, due=due, piece=piece, moment=moment)

    def keep(self, store: DecisionStore) -> None:
        """Put all of it on the disk, or nothing.

        Raises:
            StoreError: If it could not be kept.
        """
        memory = Memory(last_day=self.moment.day, held=self.piece.to_bytes())
        store.add(self.decided, memory, self.shadowed, self.due.keep)


class Committer:
    """Commits in a thread of its own, one at a time.

    Guarantees:
        * At most one commit is on its way: whoever begins another one has waited for it.
    """

    def __init__(self, store: DecisionStore) -> None:
        """Commit to an open store."""
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="router-commits")
        self._asked: frozenset[bytes] = frozenset()
        self._on_its_way: Future[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way."""
        return self._on_its_way is None

    def concerns(self, asked: Collection[bytes]) -> bool:
        """Whether one of these questions is being answered by what is on its way."""
        return not self._asked.isdisjoint(asked)

    def begin(self, fresh: Fresh) -> Future[None]:
        """Begin a commit; what the future holds says how it ended."""
        if not self.idle:
            msg = "a commit is on its way: wait for it first"
            raise ValueError(msg)
        self._asked = frozenset(fresh.decided.asked)
        self._on_its_way = self._thread.submit(fresh.keep, self._store)
        return self._on_its_way

    def ended_well(self) -> bool:
        """Wait for what is on its way, if anything is; False if it could not be kept."""
        waited, self._on_its_way, self._asked = self._on_its_way, None, frozenset()
        return waited is None or waited.exception() is None

    def close(self) -> None:
        """Wait, and end the thread."""
        self._thread.shutdown()
