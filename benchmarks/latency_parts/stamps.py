"""When a message passed a place: lines that the processes of one run leave in its exchange, on one machine's clock."""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from pathlib import Path

DIRECTORY = "stamps"
STEPS = ("asked", "pushed", "picked", "taken", "done", "came")
"""Asked for by the coordinator, at the SuperLink, picked up by the courier, in its hands whole, answered, back."""

Stamps = dict[str, float]
"""A message's times, by step; with the number of its flow."""

now = time.monotonic
"""The same clock in all processes of a machine."""


def leave(exchange: Path, message: str, **times: float) -> None:
    """Tell when a message passed some places."""
    directory = exchange / DIRECTORY
    directory.mkdir(exist_ok=True)
    with (directory / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"message": message, **times}) + "\n")


def collected(exchange: Path) -> list[Stamps]:
    """All messages that came back, each with all its times."""
    found: dict[str, Stamps] = defaultdict(dict)
    for path in (exchange / DIRECTORY).glob("*.jsonl"):
        for line in path.read_text("utf-8").splitlines():
            told = json.loads(line)
            found[told.pop("message")].update(told)
    return [one for one in found.values() if set(STEPS) <= set(one)]


def begun_at() -> float:
    """When this process was started."""
    fields = Path("/proc/self/stat").read_text("ascii").rpartition(")")[2].split()
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return now() - age_s
