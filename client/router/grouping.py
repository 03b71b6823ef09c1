"""Group commit: claims that wait together are decided and made durable together.

One commit costs the disk the same for one claim or for thousands. Whoever asks waits for the commit that holds the
answer; whoever asks while too many wait is told to come again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Generic, Self, TypeVar

from client.router.store.opening import StoreError
from common.errors import EngineError

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")

MOST_WAITING = 16_384
MOST_AT_ONCE = 4_096


class BusyError(EngineError):
    """Too many claims wait already, or the router is being stopped; nothing was decided: ask again later."""


class GroupCommit(Generic[Asked, Answered]):
    """Answers in groups.

    Guarantees:
        * ``decide`` never runs twice at once, and gets at most ``most_at_once`` questions (more only if they came
          together).
        * At most ``most_waiting`` questions wait; memory does not grow with the load.
        * A question that makes ``decide`` fail spoils no other: a group that failed is decided one by one, unless it
          was the store that failed.
        * What was taken is answered before ``close`` returns.
    """

    def __init__(
        self,
        decide: Callable[[Sequence[Asked]], Sequence[Answered]],
        *,
        most_waiting: int = MOST_WAITING,
        most_at_once: int = MOST_AT_ONCE,
    ) -> None:
        """Start the thread."""
        self._decide, self._most_waiting, self._most_at_once = decide, most_waiting, most_at_once
        self._waiting: deque[tuple[Sequence[Asked], Future[Sequence[Answered]]]] = deque()
        self._n_waiting, self._deciding, self._closed = 0, False, False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="router-decides", daemon=True)
        self._thread.start()

    def ask(self, asked: Sequence[Asked], patience_s: float = 0.0) -> Future[Sequence[Answered]]:
        """Questions that are answered together, in their order.

        Args:
            asked: At least one.
            patience_s: How long to wait for room.

        Raises:
            BusyError: If there is no room by then.
        """
        answer: Future[Sequence[Answered]] = Future()
        with self._changed:
            if not self._changed.wait_for(lambda: self._closed or self._has_room(len(asked)), patience_s):
                msg = f"{self._n_waiting} claims wait already: ask again later"
                raise BusyError(msg)
            if self._closed:
                msg = "the router is being stopped: ask again when it is back"
                raise BusyError(msg)
            self._waiting.append((asked, answer))
            self._n_waiting += len(asked)
            self._changed.notify_all()
        return answer

    def answer(self, asked: Sequence[Asked], patience_s: float) -> Sequence[Answered]:
        """The same, and wait for the answers; where nobody else waits they are decided here, in the caller's thread.

        Raises:
            BusyError: If there is no room in time.
            TimeoutError: If there is no answer in time.
        """
        if not self._begin():
            return self.ask(asked, patience_s).result(patience_s)
        here: Future[Sequence[Answered]] = Future()
        try:
            self._answer([(asked, here)])
        finally:
            self._end()
        return here.result()

    def close(self) -> None:
        """Take nothing more, answer what was taken, and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _has_room(self, n_asked: int) -> bool:
        """For more; a batch larger than the limit may come when nobody waits."""
        return not self._n_waiting or self._n_waiting + n_asked <= self._most_waiting

    def _begin(self) -> bool:
        """Whether the caller may decide now; then it must say when it ends."""
        with self._changed:
            if self._deciding or self._waiting or self._closed:
                return False
            self._deciding = True
            return True

    def _end(self) -> None:
        with self._changed:
            self._deciding = False
            if self._waiting or self._closed:
                self._changed.notify_all()

    def _run(self) -> None:
        while group := self._next():
            try:
                self._answer(group)
            finally:
                self._end()

    def _next(self) -> list[tuple[Sequence[Asked], Future[Sequence[Answered]]]]:
        """Who waits, up to the limit; nobody if it is closed and all were answered."""
        with self._changed:
            self._changed.wait_for(lambda: not self._deciding and (self._waiting or self._closed))
            group: list[tuple[Sequence[Asked], Future[Sequence[Answered]]]] = []
            size = 0
            while self._waiting and (not group or size + len(self._waiting[0][0]) <= self._most_at_once):
                group.append(self._waiting.popleft())
                size += len(group[-1][0])
            self._n_waiting -= size
            self._deciding = bool(group)
            self._changed.notify_all()
        return group

    def _answer(self, group: list[tuple[Sequence[Asked], Future[Sequence[Answered]]]]) -> None:
        try:
            answers = self._decide([one for asked, _ in group for one in asked])
        except Exception as error:  # noqa: BLE001  whoever asked is told, in its own thread
            self._failed(group, error)
            return
        start = 0
        for asked, answer in group:
            answer.set_result(answers[start : start + len(asked)])
            start += len(asked)

    def _failed(self, group: list[tuple[Sequence[Asked], Future[Sequence[Answered]]]], error: Exception) -> None:
        if len(group) == 1 or isinstance(error, StoreError):
            for _, answer in group:
                answer.set_exception(error)
            return
        for one in group:
            self._answer([one])
