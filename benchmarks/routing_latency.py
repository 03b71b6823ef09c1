"""How long a single claim waits for its durable decision over gRPC, and how much of that is the disk.

Claims come one by one at a steady rate from another process, which times each. Between them it times what no decision
can be faster than: a call without any claim, a bare commit of SQLite (write-ahead log, synchronous) of as many bytes,
and an fsync, on the same disk in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from sqlalchemy.engine import URL

from benchmarks.pairing import options, show_heading, show_machine, show_row
from benchmarks.routing_speed import CLAIM, ready_bench, world
from client.router.clocks import Moment
from client.router.concentration import Concentration
from client.router.grouping import GroupCommit
from client.router.lone.answering import LoneAnswer, LoneRouter, Working
from client.router.lone.asking import asked_id
from client.router.lone.claim import LoneClaim, lone_claim
from client.router.lone.ready import get_ready, tidy_up
from client.router.registers import Registers
from client.router.rules.history import History
from client.router.serving.asking import RouterLink
from client.router.serving.listening import Door, listening
from client.router.serving.service import Answer, Question, RouterService
from client.router.store.store import Store

CLAIMS, RATE, ASKED = 20_000, 50, 2_000
NOT_COUNTED = 50
"""The first calls open connections."""

_RECORD = os.urandom(1 << 11)
_ASK = "ask"
_DECIDED, _BARE = "claim over gRPC, decided and on the disk", "bare commit of SQLite"


def main(arguments: list[str] | None = None) -> None:
    """Print a table; or, as the other process, ask."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == [_ASK]:
        print(json.dumps(_ask(Path(given[1]), int(given[2]), float(given[3]))))
        return
    chosen = _parser().parse_args(given)
    show_machine("fedclaims", "grpcio", "numba", "sqlalchemy")
    with tempfile.TemporaryDirectory(dir=chosen.directory) as held, _serving(Path(held)):
        asked = 100 if chosen.quick else ASKED
        command = [sys.executable, "-m", "benchmarks.routing_latency", _ASK, held, str(asked), str(chosen.rate)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)  # noqa: S603  of our own
    _show(found, chosen.rate)


def _parser() -> argparse.ArgumentParser:
    parser = options(__doc__)
    parser.add_argument(
        "--directory", type=Path, help="on the disk to measure; the system's for temporary files if none"
    )
    parser.add_argument("--rate", type=float, default=RATE, help="claims a second")
    return parser


@contextmanager
def _serving(directory: Path) -> Iterator[None]:
    """A router over a socket with a store of its own."""
    bench = ready_bench(*world(CLAIMS))
    history, registers, concentration = History(), Registers(), Concentration(bench.artefacts)
    with Store.open(URL.create("sqlite", database=str(directory / "router.db"))) as store:
        router = LoneRouter(store)

        def decide(questions: Sequence[Question]) -> list[Answer]:
            working = Working(
                bench=bench,
                shadow=None,
                history=history,
                concentration=concentration,
                registers=registers,
                moment=Moment(at=int(time.time()), behind=False),
            )
            return [_answer(router, one, working) for one in questions]

        get_ready(bench)
        tidy_up()
        door = Door(socket=directory / "router.sock")
        with GroupCommit(decide) as group, listening(RouterService(group), door):
            yield
        router.close()


def _answer(router: LoneRouter, one: Question, working: Working) -> Answer:
    person = int.from_bytes(one.claim.psn_key.encode()[-7:], "big")
    lone = lone_claim(one.claim, person, refused=False)
    asked = asked_id(lone)
    found = router.find(asked) or _decided(router, asked, lone, working)
    return Answer(decision_id=found.decision_id, lane=found.lane, confidence=found.confidence, record=b"")


def _decided(router: LoneRouter, asked: bytes, lone: LoneClaim, working: Working) -> LoneAnswer:
    made = router.decide(asked, lone, working)
    router.keep(made.new)
    working.history.remember(made.piece.events)
    working.concentration.remember(made.piece)
    return made.answer


def _ask(directory: Path, asked: int, rate: float) -> dict[str, list[float]]:
    """Seconds of every call."""
    bare = sqlite3.connect(directory / "bare.db", isolation_level=None)
    bare.execute("PRAGMA journal_mode=WAL")
    bare.execute("PRAGMA synchronous=FULL")
    bare.execute("CREATE TABLE records (number INTEGER PRIMARY KEY, held BLOB)")
    seconds: dict[str, list[float]] = {}
    with RouterLink.to_socket(directory / "router.sock") as link, (directory / "bare").open("wb", buffering=0) as file:
        calls: dict[str, Callable[[int], object]] = {
            _DECIDED: lambda number: link.decide(_claim(number)),
            "call over gRPC without a claim": lambda _: link.decide_batch([]),
            _BARE: lambda _: _commit(bare),
            "write and fsync": lambda _: (file.write(_RECORD), os.fsync(file.fileno())),
        }
        for number in range(asked + NOT_COUNTED):
            for name, call in calls.items():
                time.sleep(1 / rate / len(calls))
                began = time.perf_counter()
                call(number)
                seconds.setdefault(name, []).append(time.perf_counter() - began)
    return {name: found[NOT_COUNTED:] for name, found in seconds.items()}


def _claim(number: int) -> bytes:
    """Other claims of other persons with other totals."""
    return CLAIM.replace(b'"C1"', b'"C%d"' % number).replace(b'"P1"', b'"P%d"' % number)


def _commit(bare: sqlite3.Connection) -> None:
    bare.execute("BEGIN IMMEDIATE")
    bare.execute("INSERT INTO records (held) VALUES (?)", (_RECORD,))
    bare.execute("COMMIT")


def _show(found: dict[str, list[float]], rate: float) -> None:
    beyond = np.array(found[_DECIDED]) - np.array(found[_BARE])
    show_heading([f"at {rate:g}/s", "n", "p50, us", "p90, us", "p99, us"])
    for name, seconds in found.items():
        show_row([name, len(seconds), *np.percentile(np.array(seconds) * 1e6, [50, 90, 99]).tolist()])
    show_row(
        ["claim beyond the bare commit beside it", len(beyond), *np.percentile(beyond * 1e6, [50, 90, 99]).tolist()]
    )


if __name__ == "__main__":
    main()
