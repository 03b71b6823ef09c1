"""What holds after every fault: no wrong sum, no double charge, no value in the open, no order without its end."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from client.command import main as bureau
from client.ledger.ledger import inspect
from common.consortium.signed import SignedRoster
from common.private.budget import allotment
from common.replay.session import replayed
from common.replay.transcript import ReplayError, messages_in
from common.wire import decode
from server.command import main
from server.registry.run import Run, State
from tests.client.deployment.stations import CANARY, Home
from tests.deployment.faults.deployments import CLOSED, Deployment

UNFINISHED = "the transcript ends before a model was published"
OWN = {"claims.parquet", "rejected.csv"}
"""Where a bureau's own values may stand: in its claims, and among the rows that it refused."""

PERSONS = 50


def insist_on_all(found: Deployment) -> None:
    """All four, for everything that this deployment has done so far."""
    for run in runs(found):
        insist_accounted(run)
        insist_sums(found, run)
    insist_charges(found)
    insist_no_values(found)


def runs(found: Deployment) -> list[Run]:
    return found.seat.office.registry.runs.newest(1000)


def insist_accounted(run: Run) -> None:
    """An order has ended, and says why if no model came of it."""
    assert run.state in CLOSED
    assert (run.state is State.DONE) == (run.model is not None) == (not run.reason), run


def insist_sums(found: Deployment, run: Run) -> None:
    """Every opened sum is that of its masked words, every question and the model follow, as far as the run came."""
    kept = found.seat.office.registry.runs.transcript(run.number)
    if kept is None:
        return
    path, roster = found.seat.place.transcripts / kept.path, found.rosters[run.roster_version or 0]
    code = main(["replay", str(path), "--roster", str(roster)])
    if run.state is State.DONE:
        assert code == 0
        assert _replayed(path, roster) == _published(found, run)
    else:
        assert code == 5
        with pytest.raises(ReplayError, match=UNFINISHED):
            _replayed(path, roster)


def insist_charges(found: Deployment) -> None:
    """No round is paid for twice, no session costs more than its plan, and every session was ordered."""
    privacy, plan = found.seat.plan.privacy, found.seat.plan
    ordered = {run.session for run in runs(found)}
    for home in found.homes.values():
        assert bureau(["ledger", "--dir", str(home.root / "ledger"), "verify"]) == 0
        charges = inspect(home.root / "ledger").book.charges
        assert {one.session for one in charges} <= ordered
        assert max(Counter((one.session, one.round) for one in charges).values(), default=1) == 1
        if privacy is None:
            assert charges == ()
            continue
        spent = Counter[str]()
        for one in charges:
            spent[one.session] += one.rho
        assert max(spent.values(), default=0) <= allotment(privacy, plan.max_leaves).total


def insist_no_values(found: Deployment) -> None:
    """Neither canaries nor persons are in any file of anybody, nor in an answer, but where a bureau keeps its own."""
    values = {CANARY.encode(), *(one for home in found.homes.values() for one in persons(home))}
    held = pq.read_table(next(iter(found.homes.values())).root / "claims.parquet", columns=["setl_id"])["setl_id"]
    assert f"{CANARY}-a" in held.to_pylist(), "they were there to be found"
    for path in found.root.rglob("*"):
        if path.is_file() and path.name not in OWN:
            assert not leaked(path.read_bytes(), values), path.relative_to(found.root)
    for tap in found.taps.values():
        assert not any(leaked(reply, values) for _, reply in tap.answered)


def leaked(held: bytes, values: set[bytes]) -> bool:
    return any(value in held for value in values)


def persons(home: Home) -> list[bytes]:
    column = pq.read_table(home.root / "claims.parquet", columns=["psn_no"])["psn_no"]
    return [str(one).encode() for one in column.to_pylist()[:PERSONS]]


def _replayed(path: Path, roster: Path) -> bytes:
    with path.open("rb") as file:
        held = SignedRoster.from_json(roster.read_bytes()).roster
        return replayed(messages_in(file.read), held).model.to_json()


def _published(found: Deployment, run: Run) -> bytes:
    published = found.seat.office.registry.models.find(run.model or 0)
    assert published is not None
    assert json.loads(published.model)["provenance"]["session"] == run.session
    return bytes(published.model)


def charged(home: Home, run: Run) -> list[int]:
    """The rounds of a run that a bureau has paid for, in order."""
    return [one.round for one in inspect(home.root / "ledger").book.charges if one.session == run.session]


def head(home: Home) -> str:
    return str(inspect(home.root / "ledger").head)


def said_twice(found: Deployment, name: str) -> list[str]:
    """What a bureau was asked again, by kind; each time it gave the same bytes."""
    tap = found.taps[name]
    answers: dict[bytes, list[bytes]] = {}
    for request, reply in tap.answered:
        answers.setdefault(request, []).append(reply)
    assert all(len(set(given)) == 1 for given in answers.values())
    return [decode(request).kind for request, given in answers.items() if len(given) > 1]
