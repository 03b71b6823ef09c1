"""A releasing process, killed at random instants: ``python killing.py DIRECTORY KILLS SEED`` prints what was found.

A child releases in a loop: it asks for the kept vector, else reserves, draws, persists; then it sends. Every draw and
every sending is noted in a file of its own with one ``write``, which a killed process cannot take back. The parent
kills it, opens the ledger and compares.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

from client.ledger.chain import Head
from client.ledger.ledger import Ledger, inspect
from tests.client.ledger.releases import UNLIMITED, Clock, charge, release

COST = 7
VECTOR_BYTES = 20_000
LONGEST_LIFE_S = 0.05
KILLED_WHILE_OPENING = 0.2
KILLS_PER_LEDGER = 50
RETRIES = 2


@dataclass
class Figures:
    """What was counted; all but the first five must be 0."""

    kills: int = 0
    releases: int = 0
    drawn_and_never_sent: int = 0
    reserved_and_never_drawn: int = 0
    unfinished_entries: int = 0
    releases_without_entry: int = 0
    draws_without_entry: int = 0
    draws_repeated: int = 0
    double_charges: int = 0
    sent_with_other_bytes: int = 0
    other_bytes_after_restart: int = 0
    heads_forgotten: int = 0


@dataclass
class Notes:
    """What children noted on their way: lines of a round and a digest, or a head."""

    directory: Path
    files: dict[str, int] = field(default_factory=dict)

    def write(self, name: str, line: str) -> None:
        if name not in self.files:
            self.files[name] = os.open(self.directory / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(self.files[name], f"{line}\n".encode())

    def read(self, name: str) -> list[str]:
        path = self.directory / name
        return path.read_text().splitlines() if path.exists() else []


def releasing(directory: Path, opened: int) -> None:
    """Release for ever, the last few again to begin with; ``opened`` is told when the ledger is."""
    notes = Notes(directory)
    with Ledger.open(directory / "ledger", clock=Clock()) as ledger:
        os.write(opened, b".")
        number = max(1, len(ledger.spending.by_session) - RETRIES)
        while True:
            release_one(ledger, number, notes)
            number += 1


def release_one(ledger: Ledger, number: int, notes: Notes) -> None:
    """As a station does; a session of its own for every release, so that the ledger counts them."""
    asked = release(number, session=number)
    vector = ledger.vector_of(asked)
    if vector is None and f"{number:032x}" in ledger.spending.by_session:
        return
    if vector is None:
        reservation = ledger.reserve(asked, charge(COST), UNLIMITED)
        vector = os.urandom(VECTOR_BYTES)
        notes.write("drawn", f"{number} {hashlib.sha256(vector).hexdigest()}")
        reservation.persist(vector)
    notes.write("sent", f"{number} {hashlib.sha256(vector).hexdigest()}")
    notes.write("heads", str(ledger.head()))


def kill_once(directory: Path, instant: random.Random) -> None:
    """One child, killed while it opens the ledger or some time after."""
    heard, opened = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            releasing(directory, opened)
        finally:
            os._exit(1)
    os.close(opened)
    if instant.random() > KILLED_WHILE_OPENING:
        os.read(heard, 1)
    os.close(heard)
    time.sleep(instant.uniform(0.0, LONGEST_LIFE_S))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        message = "the child ended by itself: its ledger refused to open"
        raise RuntimeError(message)


def judge(directory: Path, figures: Figures) -> None:
    """Compare what children did with what the ledger says, before anybody repairs it."""
    notes = Notes(directory)
    chain = inspect(directory / "ledger")
    figures.kills += 1
    figures.unfinished_entries += chain.torn_bytes > 0
    for line in notes.read("heads")[-1:]:
        head = Head.parse(line)
        figures.heads_forgotten += chain.digests[head.number : head.number + 1] != [head.digest]


def settle(directory: Path, figures: Figures) -> None:
    """At the end of a ledger: every release that ever happened, against every entry."""
    notes = Notes(directory)
    charges = Counter(entry.round for entry in inspect(directory / "ledger").book.charges)
    drawn = Counter(int(line.split()[0]) for line in notes.read("drawn"))
    sent: dict[int, set[str]] = {}
    for line in notes.read("sent"):
        sent.setdefault(int(line.split()[0]), set()).add(line.split()[1])
    figures.releases += len(sent)
    figures.drawn_and_never_sent += len(drawn.keys() - sent.keys())
    figures.reserved_and_never_drawn += len(charges.keys() - drawn.keys())
    figures.releases_without_entry += len(sent.keys() - charges.keys())
    figures.draws_without_entry += len(drawn.keys() - charges.keys())
    figures.draws_repeated += sum(times > 1 for times in drawn.values())
    figures.double_charges += sum(times > 1 for times in charges.values())
    figures.sent_with_other_bytes += sum(len(digests) > 1 for digests in sent.values())
    with Ledger.open(directory / "ledger", clock=Clock()) as ledger:
        figures.double_charges += ledger.spending.total != COST * len(charges)
        for number, digests in sent.items():
            kept = ledger.vector_of(release(number, session=number))
            figures.other_bytes_after_restart += kept is None or hashlib.sha256(kept).hexdigest() not in digests


def torture(directory: Path, kills: int, seed: int) -> Figures:
    """Kill so often, beginning a new ledger now and then to keep opening quick."""
    figures, instant = Figures(), random.Random(seed)  # noqa: S311  instants, no secrets
    while figures.kills < kills:
        place = directory / str(figures.kills)
        Ledger.create(place / "ledger", clock=Clock())
        for _ in range(min(KILLS_PER_LEDGER, kills - figures.kills)):
            kill_once(place, instant)
            judge(place, figures)
        settle(place, figures)
    return figures


if __name__ == "__main__":
    print(json.dumps(asdict(torture(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))))  # noqa: T201
