"""Ending processes: those we started and whatever they started, by their numbers and no others."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import psutil

LOOK_PAUSE_S = 0.05
END_S = 10.0
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_all(children: Collection[subprocess.Popen[bytes]], mark: tuple[str, str]) -> None:
    """Kill our children and all below them; they must hold nothing worth saving.

    Args:
        children: Started by this process.
        mark: A variable and a value that only our children's environment has. Processes whose parents have died
            are known by it; those that hide their environment (Ray's workers do) are known by their parents.
    """
    deadline = time.monotonic() + END_S
    while (running := _running(children, mark)) and time.monotonic() < deadline:
        for process in running:
            with _unless_gone():
                process.kill()
        time.sleep(LOOK_PAUSE_S)
    for child in children:
        child.wait()


@contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """Let a request to terminate, or a closed terminal, clean up as Ctrl-C does, and let nothing disturb the cleaning.

    For the main thread alone; signals that are ignored (``nohup``) stay so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heeded = [number for number in ENDING_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, _interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, _: FrameType | None) -> None:
    for each in ENDING_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt(signal.Signals(number).name)


def _running(children: Collection[subprocess.Popen[bytes]], mark: tuple[str, str]) -> list[psutil.Process]:
    found: set[psutil.Process] = set()
    for child in children:
        with _unless_gone():
            process = psutil.Process(child.pid)
            found |= {process, *process.children(recursive=True)}
    for process in psutil.process_iter():
        with _unless_gone():
            if mark in process.environ().items():
                found.add(process)
    return [process for process in found if _lives(process)]


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@contextmanager
def _unless_gone() -> Iterator[None]:
    """A process may end, or turn out to be another user's, while we look at it."""
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        yield
