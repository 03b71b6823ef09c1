"""Interleaved timing: every contender runs once per round, so that all of them meet the same weather."""

from __future__ import annotations

import argparse
import gc
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from statistics import median

Contender = Callable[[], object]
Seconds = dict[str, list[float]]


def options(description: str | None) -> argparse.ArgumentParser:
    """The options that all benchmarks share."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes and few runs: only to see that it works")
    return parser


def interleaved(
    contenders: Mapping[str, Contender], runs: int, clock: Callable[[], float] = time.perf_counter
) -> Seconds:
    """Seconds of every contender, one run of each per round, after one that does not count.

    Args:
        contenders: What to time, by name.
        runs: Counted rounds.
        clock: ``time.process_time`` counts all threads' processor time and is steadier on a shared machine.
    """
    for contender in contenders.values():
        contender()
    seconds: Seconds = {name: [] for name in contenders}
    for turn in range(runs):
        names = list(contenders)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            gc.collect()
            began = clock()
            contenders[name]()
            seconds[name].append(clock() - began)
    return seconds


def ratio(seconds: Seconds, name: str, against: str) -> float:
    """Median over rounds of one contender's time divided by another's in the same round."""
    return median(mine / other for mine, other in zip(seconds[name], seconds[against], strict=True))


def show_heading(heading: Sequence[str]) -> None:
    """Begin a markdown table."""
    print("| " + " | ".join(heading) + " |")
    print("|" + "---|" * len(heading), flush=True)


def show_row(cells: Sequence[object]) -> None:
    """Print one line of a markdown table; numbers with three digits."""
    print("| " + " | ".join(_shown(cell) for cell in cells) + " |", flush=True)


def show_machine(*packages: str) -> None:
    """Print the number of processors and the versions of what takes part."""
    held = [f"{name} {_version(name)}" for name in packages]
    print(f"{os.cpu_count()} processors, Python {platform.python_version()}, {', '.join(held)}\n")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _shown(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:.3g}" if abs(cell) < 1000 else f"{cell:,.0f}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
