"""A releasing station, killed at random instants: ``python -m tests.client.killed_station DIRECTORY SEED NAME=KILLS``.

A child is a whole station over a ledger on the disk; NAME is ``Seeds``, or a fault of ``test_killed_station``. The
parent offers the session after every restart, repeats the last rounds, goes on, and sends SIGKILL at a random instant
of a random step. Then it reads the ledger, before anybody repairs it. A killed process loses nothing that it has
written: whether files are synchronised is not seen here.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from math import inf
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

from client import releasing
from client.asking import question_of
from client.ledger.chain import Head
from client.ledger.ledger import VECTORS, Ledger, inspect
from client.ledger.vectors import vector_path
from common.messages import Offer, RefusalCode, RoundReply, RoundRequest, words_to_bytes
from common.noise.randomness import AesStream
from common.private.noising import noised
from common.private.question import counted_on
from common.wire import decode, encode
from tests.client import test_killed_station as stations
from tests.client.test_releasing import CENTROIDS, PLAN, request
from tests.common.private_run import blocks_of

PLANNED = PLAN.canonical()
PIECE_BYTES, PIECE_S = 32, 1e-4
LONGEST_S = 60.0
LIVES_PER_SESSION, LIVES_PER_LEDGER = 10, 40
REPEATS, GOES_ON = 2, 6

Request = Offer | RoundRequest
Place = tuple[str, int]  # session and round: what is charged once


class Wire:
    """One end of a pipe; a message goes in pieces, so that some stations die while they send."""

    def __init__(self, end: Connection, pause_s: float = 0.0) -> None:
        self.end, self.pause_s, self.pieces = end, pause_s, list[bytes]()

    def send(self, message: bytes) -> None:
        with suppress(BrokenPipeError):
            for at in range(0, len(message), PIECE_BYTES):
                self.end.send_bytes(message[at : at + PIECE_BYTES])
                time.sleep(self.pause_s)
            self.end.send_bytes(b"")

    def next(self, until: float = 0.0) -> bytes | None:
        """The next message; None if the time is up or the other end is gone."""
        with suppress(EOFError, ConnectionResetError):
            while self.end.poll(max(0.0, until - time.monotonic())):
                self.pieces.append(self.end.recv_bytes())
                if not self.pieces[-1]:
                    message, self.pieces = b"".join(self.pieces), []
                    return message
        return None


def started(directory: Path, fault: type, seen: Head | None) -> tuple[int, Wire]:
    """A new process with a station in it, until it dies or nobody asks any more."""
    ours, theirs = Pipe()
    if (child := os.fork()) == 0:
        ours.close()
        wire = Wire(theirs, PIECE_S)
        try:
            station, seeds = stations.station_of(directory, fault, seen)
            while (held := wire.next(time.monotonic() + LONGEST_S)) is not None:
                asked = decode(held)
                seeds.asked = f"{asked.session.hex()} {getattr(asked, 'number', 0)}"
                wire.send(station.answer(held))
        finally:
            os._exit(1)
    theirs.close()
    return child, Wire(ours)


def asking(session: bytes, number: int, attempt: int = 1) -> RoundRequest:
    """What a round asks; every round something else, every attempt the same."""
    centroids = words_to_bytes(CENTROIDS + number)
    return request(session=session, number=number, attempt=attempt, cost=1000, centroids=centroids)


def words_of(number: int, seed: str) -> bytes:
    """The only answer to a round, given the seed of its noise."""
    question = question_of(PLAN, asking(bytes(16), number))
    raw, parts = stations.STORE.answer(question, PLAN.privacy), blocks_of(PLAN, question)
    return words_to_bytes(noised(raw, parts, counted_on(PLAN), AesStream(bytes.fromhex(seed))).words)


@dataclass
class Coordinator:
    """Outlives every station of one ledger, and judges it."""

    directory: Path
    fault: type
    figures: Counter[str]
    instant: random.Random
    session: bytes = bytes(16)
    number: int = 1
    pace_s: float = 0.02
    seen: Head | None = None
    asked: Request | None = None
    heard: list[tuple[Place, Head]] = field(default_factory=list)
    given: dict[Place, set[bytes]] = field(default_factory=dict)
    paid: dict[Place, int] = field(default_factory=dict)
    kept: dict[Place, int] = field(default_factory=dict)
    spent: set[Place] = field(default_factory=set)

    def life(self, requests: Iterator[Request], last: float = inf) -> str:
        """One station, from its start to its death at the last request; what it was about."""
        child, wire = started(self.directory, self.fault, self.seen)
        for step, self.asked in enumerate(requests):
            begun, lasts_s = time.monotonic(), LONGEST_S if step < last else self.instant.uniform(0, 1.2 * self.pace_s)
            wire.send(encode(self.asked))
            if (reply := wire.next(begun + lasts_s)) is not None:
                self.hear(self.asked, reply)
            if reply is None or step == last:
                break
            self.pace_s += (time.monotonic() - begun - self.pace_s) / 2 if step > REPEATS else 0.0
        os.kill(child, signal.SIGKILL)
        self.figures["ends_without_kill"] += not os.WIFSIGNALED(os.waitpid(child, 0)[1])
        if self.asked is not None and (late := wire.next()) is not None:
            self.hear(self.asked, late)
        wire.end.close()
        self.judge()
        return self.where(torn=bool(wire.pieces))

    def rounds(self) -> Iterator[Request]:
        """The last few again, then one after another, now and then twice."""
        yield Offer(session=self.session, plan=PLANNED)
        for number in range(max(1, self.number - REPEATS), self.number):
            yield asking(self.session, number, self.instant.randint(1, 3))
        while True:
            asked = asking(self.session, self.number, self.instant.randint(1, 3))
            yield from [asked] * self.instant.choice((1, 1, 1, 2))

    def hear(self, asked: Request, held: bytes) -> None:
        """Write down what was answered; what was refused must have been spent."""
        self.asked, reply = None, decode(held)
        if isinstance(asked, Offer):
            return
        place = asked.session.hex(), asked.number
        if isinstance(reply, RoundReply):
            self.seen = Head.parse(reply.head)
            self.heard.append((place, self.seen))
            self.figures["spent_rounds_answered"] += place in self.spent
            self.figures["answers_lost_and_given_later"] += place in self.kept and place not in self.given
            self.given.setdefault(place, set()).add(reply.summary)
        else:
            known = reply.code is RefusalCode.WRONG_ORDER and place in self.spent and place not in self.given
            self.figures["refused_for_no_reason"] += not known
        self.number = max(self.number, asked.number + 1)

    def judge(self) -> None:
        """What was heard and drawn, against what the ledger says."""
        chain = inspect(self.directory / "ledger")
        self.paid = {(entry.session, entry.round): entry.number for entry in reversed(chain.book.charges)}
        self.kept = {place: chain.book.kept[at].number for place, at in self.paid.items() if at in chain.book.kept}
        self.spent = self.paid.keys() - self.kept.keys()
        for place, head in self.heard:
            self.figures["releases_without_entry"] += self.paid.get(place, inf) > head.number
            self.figures["releases_not_kept"] += self.kept.get(place, inf) > head.number
        for head in {self.seen, *(head for _, head in self.heard)} - {None}:
            self.figures["heads_forgotten"] += chain.digests[head.number : head.number + 1] != [head.digest]
        self.heard.clear()
        self.figures["draws_without_entry"] += len(self.drawn().keys() - self.paid.keys())

    def where(self, *, torn: bool) -> str:
        """What the station was about when it died."""
        if not isinstance(self.asked, RoundRequest):
            return "opening" if self.asked else "sent"
        place = self.asked.session.hex(), self.asked.number
        missing = {
            "repeating": place in self.given or self.asked.number < self.number,
            "reserving": place not in self.paid,
            "reserved": place not in self.drawn(),
            "drawn": not vector_path(self.directory / "ledger" / VECTORS, self.paid.get(place, 0)).exists(),
            "keeping": place not in self.kept,
            "sending": torn,
        }
        return next((step for step, so in missing.items() if so), "kept")

    def settle(self) -> None:
        """At the end every round that was ever charged is asked once more; then all draws are compared."""
        (self.directory / "seen").write_text(str(self.seen))
        charges = Counter((entry.session, entry.round) for entry in inspect(self.directory / "ledger").book.charges)
        places = [(bytes.fromhex(session), number) for session, number in charges]
        self.life(ask for at in places for ask in (Offer(session=at[0], plan=PLANNED), asking(*at)))
        drawn = self.drawn()
        seeds = [seed for found in drawn.values() for seed in found]
        self.figures["rounds_answered"] += len(self.given)
        self.figures["rounds_spent_without_release"] += len(self.spent)
        self.figures["rounds_drawn_twice"] += sum(len(found) > 1 for found in drawn.values())
        self.figures["seeds_used_twice"] += len(seeds) - len(set(seeds))
        self.figures["double_charges"] += charges.total() - len(charges)
        self.figures["answers_changed"] += sum(len(found) > 1 for found in self.given.values())
        for place, found in self.given.items():
            self.figures["answers_of_another_draw"] += found != {words_of(place[1], drawn[place][0])}

    def drawn(self) -> dict[Place, list[str]]:
        found: dict[Place, list[str]] = {}
        for session, number, seed in map(str.split, stations.Notes(self.directory).read("drawn")):
            found.setdefault((session, int(number)), []).append(seed)
        return found


def torture(directory: Path, fault: type, kills: int, instant: random.Random) -> Counter[str]:
    """Kill so often; a new session now and then, and a new ledger to keep opening quick."""
    figures: Counter[str] = Counter()
    while figures["kills"] < kills:
        place = directory / f"{fault.__name__}-{kills}-{figures['kills']}"
        Ledger.create(place / "ledger", clock=stations.Clock())
        run = Coordinator(place, fault, figures, instant)
        for life in range(min(LIVES_PER_LEDGER, kills - figures["kills"])):
            if life % LIVES_PER_SESSION == 0:
                run.session, run.number = life.to_bytes(16, "big"), 1
            figures.update(("kills", run.life(run.rounds(), instant.randint(0, REPEATS + GOES_ON))))
        run.settle()
    return figures


def main(directory: Path, seed: str, *runs: str) -> None:
    """Tortures of several stations, one after another."""
    releasing.rho_within, found = cache(releasing.rho_within), {}  # searched for once, not in every child
    Ledger.create(directory / "warm" / "ledger", clock=stations.Clock())
    station, _ = stations.station_of(directory / "warm", stations.Seeds, None)
    station.answer(encode(Offer(session=bytes(16), plan=PLANNED)))
    station.answer(encode(asking(bytes(16), 1)))
    for name, _, kills in (run.partition("=") for run in runs):
        found[name] = torture(directory, getattr(stations, name), int(kills), random.Random(seed))  # noqa: S311  instants
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
