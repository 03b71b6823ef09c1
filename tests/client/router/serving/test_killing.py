"""A router that is killed at any moment has lost nothing, decided nothing twice, and leaves nothing undecided."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from client.router.deciding.record import DecisionRecord
from client.router.desk import Desk
from client.router.explaining import replayed
from client.router.router import now
from client.router.serving.asking import RouterLink
from tests.client.router.deciding.worlds import claims
from tests.client.router.homes import Home, belongings, chain, model_bytes
from tests.client.tables import wide_row, write_csv

SERVE = "import sys; from pathlib import Path; from client.router.serving.process import run_router; "
SERVE += "run_router(Path(sys.argv[1]))"
ROUTE = "import sys; from client.command import main; sys.exit(main(sys.argv[1:]))"
PATIENCE_S = 120.0


@dataclass
class Served:
    """A router's process, killed and started again, and callers who go on asking until they are answered."""

    home: Home
    answers: dict[int, tuple[str, int]] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", SERVE, str(self.home.root)], stderr=subprocess.DEVNULL)  # noqa: S603

    def stop(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def ask(self, held: Sequence[bytes], numbers: Sequence[int]) -> None:
        with RouterLink.to_socket(self.home.root / "run" / "router.sock", 10.0) as link:
            for number in numbers:
                self.answers[number] = patiently(link, held[number])

    def wait_for(self, n_answers: int) -> None:
        until = time.monotonic() + PATIENCE_S
        while len(self.answers) < n_answers and time.monotonic() < until:
            time.sleep(0.01)
        assert len(self.answers) >= n_answers


def patiently(link: RouterLink, claim: bytes) -> tuple[str, int]:
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            answer = link.decide(claim)
        except grpc.RpcError:
            assert time.monotonic() < until
            time.sleep(0.05)
        else:
            return answer.decision_id, answer.lane


@pytest.mark.slow
def test_kills_and_a_new_model_in_the_middle_lose_nothing_and_decide_nothing_twice(tmp_path: Path) -> None:
    home = Home(tmp_path / "r").begin().accept()
    held = [
        one.model_copy(update={"claim_key": f"K{number}"}).model_dump_json().encode()
        for number, one in enumerate(claims(800, 3))
    ]
    served = Served(home)
    served.start()
    callers = [threading.Thread(target=served.ask, args=(held, range(part, 800, 4))) for part in range(4)]
    for caller in callers:
        caller.start()
    served.wait_for(150)
    assert served.stop(signal.SIGKILL) == -signal.SIGKILL
    served.start()
    served.wait_for(350)
    with Desk.open(home.root) as desk:
        desk.shelf.receive(chain(2)[1].to_json(), model_bytes(2), desk.trust(now()), now())
        desk.shelf.accept(2, desk.trust(now()), now())
        belongings(desk, chain(2)[1].publication.model_sha256)
    assert served.process is not None
    served.process.send_signal(signal.SIGHUP)
    served.wait_for(550)
    assert served.stop(signal.SIGKILL) == -signal.SIGKILL
    served.start()
    for caller in callers:
        caller.join(PATIENCE_S)
    assert served.stop(signal.SIGTERM) == 0
    check(home, served.answers, 800)


def check(home: Home, answers: dict[int, tuple[str, int]], n_claims: int) -> None:
    assert len(answers) == n_claims
    versions = set()
    with Desk.open(home.root) as desk:
        decisions = desk.store.decisions
        assert sum(decisions.counts().values()) == n_claims
        for number, (decision_id, _) in answers.items():
            [kept] = decisions.of_claim(f"K{number}")
            assert kept.decision_id == decision_id
        for _, record in decisions.everything():
            versions.add(json.loads(record)["model_version"])
            assert replayed(desk, DecisionRecord.from_json(record)).to_json() == record
        events = sum(len(held) > 0 for held in decisions.memories(0))
        assert events > 0
    assert versions == {1, 2}


@pytest.mark.slow
def test_a_killed_batch_goes_on_where_it_was_and_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    home = Home(tmp_path / "r").begin().accept()
    rows = [wide_row(number, diag_code=("I10", "J18", "E11")[number % 3]) for number in range(120_000)]
    source, out = write_csv(tmp_path / "claims.csv", rows), tmp_path / "out.csv"
    words = [sys.executable, "-c", ROUTE, "route", str(source), "--out", str(out), "--dir", str(home.root), "--json"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)  # noqa: S603
    until = time.monotonic() + PATIENCE_S
    while decided(home) == 0 and time.monotonic() < until:
        time.sleep(0.05)
    process.kill()
    process.wait(PATIENCE_S)
    so_far = decided(home)
    assert 0 < so_far < 120_000
    assert not out.exists()
    found = subprocess.run(words, capture_output=True, check=True)  # noqa: S603
    said = json.loads(found.stdout)
    assert said["decided_before"] == so_far
    assert decided(home) == said["claims"] == 120_000
    assert len(out.read_text().splitlines()) == 120_001


def decided(home: Home) -> int:
    with Desk.open(home.root) as desk:
        return sum(desk.store.decisions.counts().values())
