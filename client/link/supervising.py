"""Supervising a link's programs: each is started again when it ends, later each time, and all end with this process."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from client.deployment.logs import say
from client.link.bound import bound
from client.link.programs import Program

LOOK_PAUSE_S = 0.1
FIRST_PAUSE_S, LONGEST_PAUSE_S, CALM_S = 1.0, 60.0, 120.0
END_S = 15.0
"""A courier finishes the message at work; a SuperNode says goodbye."""

LONGEST_LINE = 300
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
COMPLAINT = re.compile(r"\b(ERROR|WARN|WARNING|CRITICAL)\b|Error: ")

Told = Callable[[Sequence[Mapping[str, object]]], None]
"""Takes how the programs stand, whenever that changes."""


@dataclass(slots=True)
class Backoff:
    """How long to wait before a program is started again.

    Guarantees:
        * Twice as long as before, up to a minute; from the beginning once it has run calmly.
    """

    pause_s: float = 0.0

    def after(self, ran_s: float) -> float:
        """The pause after a program that ran so long."""
        again = 0.0 if ran_s >= CALM_S else self.pause_s * 2
        self.pause_s = min(max(FIRST_PAUSE_S, again), LONGEST_PAUSE_S)
        return self.pause_s


class Supervisor:
    """Keeps programs running.

    Guarantees:
        * A program that ends is started again, alone.
        * When it returns, no program runs: the last one started is told to end first, and is killed if it does not.
        * If this process is killed, the kernel kills the programs.
    """

    def __init__(
        self, programs: Sequence[Program], directory: Path, environment: Mapping[str, str], told: Told
    ) -> None:
        """Run programs in a directory without code."""
        self._directory, self._environment, self._told = directory, dict(environment), told
        self._kept = [_Kept(program) for program in programs]

    def run(self, stop: threading.Event) -> None:
        """Keep them running until told to stop; from the main thread, or one that lasts as long."""
        try:
            while not stop.wait(LOOK_PAUSE_S):
                changes = [self._look_after(one) for one in self._kept]
                if any(changes):
                    self._told([one.standing() for one in self._kept])
        finally:
            for one in reversed(self._kept):
                one.end()
            self._told([])

    def _look_after(self, one: _Kept) -> bool:
        """Whether anything has changed."""
        now = time.monotonic()
        if one.child is None:
            return now >= one.due and self._start(one, now)
        code = one.child.poll()
        if code is None:
            return False
        pause = one.backoff.after(now - one.began)
        say("ended", level=logging.ERROR, program=one.program.name, code=code, again_in_s=pause)
        one.child, one.due = None, now + pause
        return True

    def _start(self, one: _Kept, now: float) -> bool:
        child = subprocess.Popen(  # noqa: S603  programs of our own environment, without a shell
            bound(one.program.command),
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if one.program.logs_itself else subprocess.PIPE,
            stderr=None if one.program.logs_itself else subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches us alone, and we end them in order
        )
        one.child, one.began, one.starts = child, now, one.starts + 1
        if child.stdout is not None:
            one.listener = threading.Thread(target=_pass_on, args=(one.program.name, child.stdout), daemon=True)
            one.listener.start()
        say("begun", program=one.program.name, pid=child.pid, starts=one.starts)
        return True


@dataclass(slots=True)
class _Kept:
    """A program and how it stands."""

    program: Program
    backoff: Backoff = field(default_factory=Backoff)
    child: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    due: float = 0.0
    starts: int = 0
    listener: threading.Thread | None = None

    def standing(self) -> dict[str, object]:
        return {"program": self.program.name, "pid": self.child and self.child.pid, "starts": self.starts}

    def end(self) -> None:
        """Tell it to end, and see to it; with whatever it has started."""
        if self.child is None:
            return
        self.child.terminate()
        try:
            self.child.wait(END_S)
        except subprocess.TimeoutExpired:
            say("killed, for it did not end", level=logging.WARNING, program=self.program.name)
        with suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        code = self.child.wait()
        if self.listener is not None:
            self.listener.join(LOOK_PAUSE_S * 10)
        say("over", program=self.program.name, code=code)


def _pass_on(name: str, said: IO[bytes]) -> None:
    """What a program says, line by line, complaints above all; the programs of a link hold no claim."""
    with said:
        for line in iter(lambda: said.readline(LONGEST_LINE), b""):
            text = COLOUR.sub("", line.decode(errors="replace")).strip()
            if text:
                level = logging.WARNING if COMPLAINT.search(text) else logging.DEBUG
                say("said", level=level, program=name, line=text)
