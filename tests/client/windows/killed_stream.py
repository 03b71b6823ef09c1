"""A station in a stream that is killed at random instants, life after life; run as a program, it forks.

Each life asks the newest window once more, then one new window after another, until SIGKILL comes. What is drawn and
what is sent are noted in files as they happen; afterwards ledger, book and notes are compared.
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
from pathlib import Path
from typing import Any

import numpy as np

from client.ledger.ledger import Ledger, inspect
from client.policy import Policy
from client.releasing import rho_within
from client.windows.windows import Windows
from common.messages import RoundReply
from common.plan import Plan
from simulations.ledgers import granting_policy
from tests.client.ledger.releases import NOON, Clock
from tests.client.windows.streaming import QUARTER, Arriving, Streaming, window_plan

MOST_WINDOWS = 400
MOST_WINDOWS_A_LIFE, LONGEST_WAIT_S = 3, 0.03
YEAR = {"epsilon_per_year": 3.0, "epsilon_per_data_version": 3.0, "windows_per_day": 1_000_000}


class EntersLate(Windows):
    """Claims enter when the next window is asked about: an answer may have left before."""

    late: Any = None

    def enter(self, plan: Plan, session: bytes) -> None:
        if self.late is not None:
            super().enter(*self.late)
        self.late = plan, session
        self._of(plan, session)._after = 0


def plan_of(number: int) -> Plan:
    return window_plan(number, NOON + number * QUARTER)


def policy() -> Policy:
    return granting_policy(plan_of(1)).model_copy(update=YEAR)


def received() -> Arriving:
    """The same claims in every life: three a window, of few persons, so that years are spent."""
    claims = Arriving()
    for number in range(1, MOST_WINDOWS):
        claims.add([number % 3, 100 + number % 7, 1000 + number], NOON + number * QUARTER - 1)
    return claims


class Noting:
    """Files that outlive a kill."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, name: str, line: str) -> None:
        file = os.open(self.directory / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, f"{line}\n".encode())
        os.close(file)

    def read(self, name: str) -> list[str]:
        path = self.directory / name
        return path.read_text().splitlines() if path.exists() else []


def live(directory: Path, fault: type[Windows], claims: Arriving, ready: int) -> None:
    """One life; it ends by being killed."""
    notes, clock = Noting(directory), Clock()
    north = Streaming(directory / "ledger", claims, clock, policy())

    def draws(n_bytes: int, /) -> bytes:
        session = (clock.now - NOON) // QUARTER
        keys = drawn_for(north, session.to_bytes(16, "big"))
        notes.write("drawn", f"{session} {json.dumps(keys)}")
        return os.urandom(n_bytes)

    north.start(draws, fault)
    os.write(ready, b"!")
    number = max([int(line.split()[0]) for line in notes.read("asked")], default=1)
    while number < MOST_WINDOWS:
        notes.write("asked", f"{number}")
        clock.now = NOON + number * QUARTER
        ask(north, notes, number)
        os.write(ready, b"!")
        number += 1


def ask(north: Streaming, notes: Noting, number: int) -> None:
    reply = north.tick(plan_of(number), number)
    if isinstance(reply, RoundReply):
        notes.write("sent", f"{number} {hashlib.sha256(reply.summary).hexdigest()}")
    else:
        notes.write("refused", f"{number} {reply}")


def drawn_for(north: Streaming, session: bytes) -> list[int]:
    """Keys of the claims whose rows were summed."""
    rows = north.windows._sessions[session]
    assert rows._found is not None
    assert rows._choice is not None
    return [int(key) for key in rows._found.keys[rows._choice.places]]


def torture(directory: Path, fault: type[Windows], kills: int, chance: random.Random) -> Counter[str]:
    Ledger.create(directory / "ledger", clock=Clock())
    claims, figures = received(), Counter[str]()
    for _ in range(kills):
        reading, ready = os.pipe()
        if not (child := os.fork()):
            live(directory, fault, claims, ready)
            os._exit(0)
        for _ in range(chance.randint(1, 1 + MOST_WINDOWS_A_LIFE)):
            os.read(reading, 1)
        time.sleep(chance.uniform(0, LONGEST_WAIT_S))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        figures["kills"] += os.WIFSIGNALED(status)
        os.close(reading)
        os.close(ready)
    return figures + compared(directory, claims)


def compared(directory: Path, claims: Arriving) -> Counter[str]:
    """What must be 0, and how much happened at all."""
    notes, figures = Noting(directory), Counter[str]()
    drawn = [(int(line.split()[0]), json.loads(line.partition(" ")[2])) for line in notes.read("drawn")]
    sent: dict[int, set[str]] = {}
    for line in notes.read("sent"):
        sent.setdefault(int(line.split()[0]), set()).add(line.split()[1])
    out = [key for number, keys in drawn if number in sent for key in keys]
    figures["claims_in_two_answers"] = len(out) - len(set(out))
    figures["answers_changed"] = sum(len(found) > 1 for found in sent.values())
    figures["drawn_twice"] = len(drawn) - len({number for number, _ in drawn})
    chain = inspect(directory / "ledger")
    charges = Counter(charge.session for charge in chain.book.charges)
    figures["charged_twice"] = charges.total() - len(charges)
    figures["windows_answered"], figures["windows_lost"] = len(sent), len({number for number, _ in drawn}) - len(sent)
    now = NOON + MOST_WINDOWS * QUARTER
    north = Streaming(directory / "ledger", claims, Clock(now), policy())
    north.start()
    entered = sum(one.claims for one in north.book.windows)
    figures["entered_twice"] = entered - len(north.book.entered)
    spent = north.book.spent_by_persons(np.arange(1200, dtype=np.uint64), now)
    limit = rho_within(3.0, north.policy.delta)
    figures["persons_over_their_year"] = int((spent > limit).sum())
    figures["persons_whose_year_is_spent"] = int((spent > limit - chain.book.charges[0].rho).sum())
    north.stop()
    return figures


def main(directory: Path, kills: str, seed: str) -> None:
    warm = Streaming(directory / "warm", received(), Clock(NOON + QUARTER), policy()).begin()
    warm.tick(plan_of(1), 1)  # what is worked out once is not worked out in every child
    warm.stop()
    found = {}
    for fault in (Windows, EntersLate):
        chance = random.Random(seed)  # noqa: S311  instants
        found[fault.__name__] = torture(directory / fault.__name__, fault, int(kills), chance)
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
