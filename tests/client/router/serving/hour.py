"""An hour of a bureau: a router's process that is killed and told of a new model, and callers who go on asking.

Callers take the next claims in turn, as fast as they are answered or at a pace. Each asks until it is answered, and now
and then once more about a claim that was answered long ago.
"""

from __future__ import annotations

import itertools
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import psutil

from client.router.serving.asking import RouterLink
from tests.client.router.homes import Home

BUREAU = [sys.executable, "-c", "import sys; from client.command import main; sys.exit(main(sys.argv[1:]))"]
PATIENCE_S = 300.0
LOOK_EVERY_S = 0.01
ASK_AGAIN_EVERY = 40
SETTLED_AFTER = 3_000
"""Answers after which a process holds what it needs however long it runs."""

GONE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED)
"""What a caller may be told while the router is not there; anything else is a fault."""

_OPTIONS = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 200),
            ("grpc.min_reconnect_backoff_ms", 50), ("grpc.use_local_subchannel_pool", 1)]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An answer, and how long its caller waited: from when the claim was due, through kills and all."""

    decision_id: str
    lane: int
    wait_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """What one process did: answers from when it had settled to its end, and bytes of memory that came in that time."""

    answers: int
    grown_bytes: int
    peak_bytes: int


@dataclass(kw_only=True)
class Hour:
    """Claims, who asks about them, and the process that answers.

    Attributes:
        home: The router's directory.
        claims: As JSON.
        at_once: How many claims each caller asks about in one call; as many callers as numbers.
        per_second: The pace at which claims fall due; None for as fast as they are answered.
    """

    home: Home
    claims: Sequence[bytes]
    at_once: Sequence[int] = (1, 1, 1, 1, 20, 20)
    per_second: float | None = None
    answers: dict[int, Told] = field(default_factory=dict)
    grown: list[Grown] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    asked_again: int = 0
    lost_calls: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _process: subprocess.Popen[bytes] | None = None
    _settled: tuple[int, int] | None = None
    _peak: int = 0

    @property
    def log(self) -> Path:
        """What all processes said."""
        return self.home.root / "serve.log"

    @contextmanager
    def lasting(self) -> Iterator[None]:
        """The process and the callers; ends when every claim is answered."""
        numbers, began = itertools.count(), time.monotonic()
        callers = [
            threading.Thread(target=self._ask, args=(numbers, began, size), daemon=True) for size in self.at_once
        ]
        self.start()
        for caller in callers:
            caller.start()
        try:
            yield
            self.wait_for(len(self.claims))
            if self.wrong:
                self._over.set()  # nothing more can be learnt
            for caller in callers:
                caller.join(PATIENCE_S)
            self._note_growth()
            self.end(signal.SIGTERM)
        finally:
            self._over.set()
            self.end(signal.SIGKILL)

    def start(self) -> None:
        with self.log.open("ab") as log:
            words = [*BUREAU, "serve", "--dir", str(self.home.root)]
            self._process = subprocess.Popen(words, stdout=log, stderr=log)  # noqa: S603
        self._settled, self._peak = None, 0

    def end(self, number: signal.Signals) -> None:
        """Stop the process; nothing if it is not there."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE_S)

    def kill(self) -> None:
        """As if the machine had taken it away; then it is started again."""
        self._note_growth()
        self.end(signal.SIGKILL)
        self.start()

    def swap(self, accepted: Sequence[str]) -> None:
        """Put a model in force by the command, and tell the process."""
        subprocess.run([*BUREAU, "model", "accept", *accepted, "--dir", str(self.home.root)], check=True)  # noqa: S603
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def wait_for(self, n_answers: int) -> None:
        """Until so many claims are answered."""
        last, until = -1, 0.0
        while len(self.answers) < n_answers and not self.wrong:
            self._look()
            if last != len(self.answers):
                last, until = len(self.answers), time.monotonic() + PATIENCE_S
            assert time.monotonic() < until
            time.sleep(LOOK_EVERY_S)

    def memory(self) -> int:
        """What the process holds, bytes."""
        assert self._process is not None
        return int(psutil.Process(self._process.pid).memory_info().rss)

    def _look(self) -> None:
        """Whether the process is there, and at its memory."""
        assert self._process is not None
        if self._process.poll() is not None:
            self.wrong.append("the process ended by itself: see its log")
            return
        held = self.memory()
        self._peak = max(self._peak, held)
        if self._settled is None:
            self._settled = (len(self.answers) + SETTLED_AFTER, 0)
        if self._settled[1] == 0 and len(self.answers) >= self._settled[0]:
            self._settled = (len(self.answers), held)

    def _note_growth(self) -> None:
        self._look()
        if self._settled is not None and self._settled[1]:
            answers, held = self._settled
            grown = Grown(answers=len(self.answers) - answers, grown_bytes=self._peak - held, peak_bytes=self._peak)
            self.grown.append(grown)

    def _ask(self, numbers: Iterator[int], began: float, size: int) -> None:
        """What one caller does."""
        rng = random.Random(size)  # noqa: S311
        channel = grpc.insecure_channel(f"unix:{self.home.root / 'run' / 'router.sock'}", options=_OPTIONS)
        with RouterLink(channel, 20.0) as link:
            while (some := self._next(numbers, size)) and not self._over.is_set():
                due = self._due(some[-1], began)
                self._answered(some, self._patiently(link, some), due)
                if some[0] % ASK_AGAIN_EVERY < size:
                    self._once_more(link, rng)

    def _next(self, numbers: Iterator[int], size: int) -> list[int]:
        return [one for one in itertools.islice(numbers, size) if one < len(self.claims)]

    def _due(self, number: int, began: float) -> float:
        """When a claim falls due; waits until then."""
        if self.per_second is None:
            return time.monotonic()
        due = began + number / self.per_second
        time.sleep(max(0.0, due - time.monotonic()))
        return due

    def _answered(self, some: Sequence[int], found: Sequence[tuple[str, int]], due: float) -> None:
        wait_s = time.monotonic() - due
        for number, (decision_id, lane) in zip(some, found, strict=False):
            self.answers[number] = Told(decision_id=decision_id, lane=lane, wait_s=wait_s)

    def _once_more(self, link: RouterLink, rng: random.Random) -> None:
        """About a claim that was answered: it must be the same answer."""
        number = rng.randrange(len(self.answers))
        if (before := self.answers.get(number)) is not None:
            self.asked_again += 1
            if self._patiently(link, [number]) not in ([(before.decision_id, before.lane)], []):
                self.wrong.append(f"claim {number} was decided twice")

    def _patiently(self, link: RouterLink, some: Sequence[int]) -> list[tuple[str, int]]:
        asked, until = [self.claims[one] for one in some], time.monotonic() + PATIENCE_S
        while time.monotonic() < until and not self._over.is_set():
            try:
                found = [link.decide(asked[0])] if len(asked) == 1 else link.decide_batch(asked)
                return [(one.decision_id, one.lane) for one in found]
            except grpc.RpcError as error:
                self.lost_calls += 1
                if error.code() not in GONE:
                    self.wrong.append(f"a caller was told {error.code().name}: {error.details()}")
                time.sleep(LOOK_EVERY_S)
        if not self._over.is_set():
            self.wrong.append("a caller was never answered")
        return []
