"""Processes of a bureau that are killed in the middle of a masked run, come again, and lose nothing; or do not."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from client.ledger.ledger import inspect
from common.wire import AnyMessage
from server.registry.run import State
from tests.client.deployment.stations import CANARY, Home
from tests.deployment.faults import outcomes
from tests.deployment.faults.deployments import NAMES, OF_PHASE, Deployment, Once
from tests.deployment.faults.outcomes import (
    charged,
    insist_accounted,
    insist_charges,
    insist_no_values,
    insist_on_all,
    insist_sums,
    runs,
    said_twice,
)
from tests.deployment.faults.wires import LostError

pytestmark = [pytest.mark.flower, pytest.mark.slow, pytest.mark.timeout(900)]

ROUNDS = list(range(1, 8))
KILLS = {
    "offer": "east",
    "members": "north",
    "invite": "south",
    "survivors": "west",
    "reveal": "north",
    "result": "east",
}
"""In which phase whose SuperNode is killed."""


def test_a_supernode_that_is_killed_with_a_key_in_its_hands_comes_again_and_its_bureau_gives_the_same_bytes(
    deployed: Deployment,
) -> None:
    kill = deployed.taps["north"].before = Once("reveal_request", lambda: deployed.kill_supernode("north"))
    run = deployed.run()
    assert kill.done
    assert (run.state, run.cohort, run.lost) == (State.DONE, NAMES, ()), run
    assert "reveal_request" in said_twice(deployed, "north")
    assert all(charged(home, run) == ROUNDS for home in deployed.homes.values())
    insist_on_all(deployed)


@pytest.mark.slow
def test_supernodes_that_are_killed_in_every_phase_of_one_run_come_again_and_nobody_is_lost(
    deployed: Deployment,
) -> None:
    kills = {phase: Once(OF_PHASE[phase], partial(deployed.kill_supernode, name)) for phase, name in KILLS.items()}

    def kill(name: str, message: AnyMessage) -> None:
        for phase, whose in KILLS.items():
            if whose == name:
                kills[phase](message)

    for name, tap in deployed.taps.items():
        tap.before = partial(kill, name)
    run = deployed.run()
    assert [phase for phase, one in kills.items() if not one.done] == []
    assert (run.state, run.cohort, run.lost) == (State.DONE, NAMES, ()), run
    for phase, name in KILLS.items():
        assert phase == "result" or OF_PHASE[phase] in said_twice(deployed, name)
    assert all(charged(home, run) == ROUNDS for home in deployed.homes.values())
    insist_on_all(deployed)


def test_a_station_that_is_killed_for_good_is_lost_and_its_part_of_the_round_stays_spent(deployed: Deployment) -> None:
    kill = deployed.taps["east"].before = Once("survivors", lambda: deployed.kill_station("east"))
    run = deployed.run()
    deployed.stations["east"].start()
    assert kill.done
    assert (run.state, run.cohort, run.lost) == (State.DONE, ("north", "south", "west"), ("east",)), run
    assert charged(deployed.homes["east"], run) == [1]
    insist_on_all(deployed)


def test_a_station_that_is_killed_between_its_entry_and_the_send_is_not_charged_again_and_gives_the_same_bytes(
    deployed: Deployment,
) -> None:
    def die() -> None:
        deployed.kill_station("north")
        deployed.stations["north"].start()
        raise LostError

    kill = deployed.taps["north"].after = Once("invite", die, number=3)
    run = deployed.run()
    assert kill.done
    assert (run.state, run.cohort, run.lost) == (State.DONE, NAMES, ()), run
    assert "invite" in said_twice(deployed, "north")
    assert all(charged(home, run) == ROUNDS for home in deployed.homes.values())
    insist_on_all(deployed)


@pytest.mark.slow
def test_a_station_that_is_killed_as_its_ledger_grows_pays_once_and_answers_if_its_words_were_kept(
    deployed: Deployment,
) -> None:
    station, home = deployed.stations["south"], deployed.homes["south"]
    chain = home.root / "ledger" / "ledger.chain"

    def kill_as_it_grows(n_bytes: int) -> None:
        while chain.stat().st_size == n_bytes:
            time.sleep(0.0002)
        os.kill(station.number, signal.SIGKILL)
        station.end()
        station.start()

    def watch() -> None:
        threading.Thread(target=kill_as_it_grows, args=(chain.stat().st_size,), daemon=True).start()

    kill = deployed.taps["south"].before = Once("invite", watch, number=4)
    run = deployed.run()
    assert kill.done
    book = inspect(home.root / "ledger").book
    (paid,) = [one for one in book.charges if (one.session, one.round) == (run.session, 4)]
    kept = paid.number in book.kept
    assert (run.state, run.lost) == (State.DONE, () if kept else ("south",)), run
    assert charged(home, run) == (ROUNDS if kept else ROUNDS[:4])
    insist_on_all(deployed)


def test_what_is_looked_for_after_every_fault_would_be_found(
    deployed: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = next(one for one in runs(deployed) if one.state is State.DONE)
    insist_on_all(deployed)
    with pytest.raises(AssertionError):
        insist_accounted(replace(run, state=State.FAILED, model=None, reason=""))
    with planted(deployed.root / "planted.log", f"claim {CANARY}-a\n".encode()), pytest.raises(AssertionError):
        insist_no_values(deployed)
    kept = deployed.seat.office.registry.runs.transcript(run.number)
    assert kept is not None
    path = deployed.seat.place.transcripts / kept.path
    held = bytearray(path.read_bytes())
    held[len(held) // 2] ^= 1
    with planted(path, bytes(held)), pytest.raises(AssertionError):
        insist_sums(deployed, run)
    monkeypatch.setattr(outcomes, "allotment", lambda *_: SimpleNamespace(total=1))
    with pytest.raises(AssertionError):
        insist_charges(deployed)
    monkeypatch.undo()
    copied = Home(tmp_path / "east", "east")
    shutil.copytree(deployed.homes["east"].root / "ledger", copied.root / "ledger")
    chain = copied.root / "ledger" / "ledger.chain"
    held = bytearray(chain.read_bytes())
    held[len(held) // 2] ^= 1
    chain.write_bytes(held)
    with pytest.raises(AssertionError):
        insist_charges(replace(deployed, homes={"east": copied}))


@contextmanager
def planted(path: Path, held: bytes) -> Iterator[None]:
    """A file that holds something else for a moment."""
    before = path.read_bytes() if path.exists() else None
    path.write_bytes(held)
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)
