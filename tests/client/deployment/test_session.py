"""A whole session of masked sums over three started stations, two of them killed on the way; and what is seen then."""

from __future__ import annotations

import hashlib
import json
import signal
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from client.command import main
from client.ledger.ledger import inspect
from common.consortium.roster import Roster
from common.masked_messages import Invite, Survivors
from common.messages import Refusal, RefusalCode
from common.plan import Plan
from common.replay.session import replayed
from common.wire import AnyMessage, decode, encode
from server.masked.run import MaskedRun
from server.masked.session import run_masked_session
from server.session import SessionReport
from tests.client.deployment.stations import CANARY, NAMES, Home, Running, Sockets, plan_of, roster_of, terms_of


@dataclass
class Ended:
    """A session that has ended, with its stations still running."""

    plan: Plan
    roster: Roster
    stations: dict[str, Running]
    transcript: list[bytes]
    replies: list[bytes]
    report: SessionReport
    kills: list[str]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    plan = plan_of()
    root = tmp_path_factory.mktemp("s")
    homes = [Home(root / name, name, place).begin(plan) for place, name in enumerate(NAMES)]
    signed = roster_of(homes)
    for home in homes:
        home.accept(signed)
    stations = {home.name: Running(home).start() for home in homes}
    kills: list[str] = []
    number = 0

    def kill(name: str, asked: AnyMessage) -> None:
        """North after it has answered under masks, east after it has confirmed; each comes again at once."""
        nonlocal number
        number = asked.number if isinstance(asked, Invite) else number
        doomed = (name, number, type(asked)) in {("north", 3, Invite), ("east", 5, Survivors)}
        if doomed and name not in kills:
            kills.append(name)
            assert stations[name].kill(signal.SIGKILL) == -signal.SIGKILL
            stations[name].start()

    transport, transcript = Sockets(stations, kill), list[bytes]()
    run = MaskedRun(terms_of(plan, signed.roster))
    try:
        report = run_masked_session(run, transport, record=transcript.append)
        yield Ended(plan, signed.roster, stations, transcript, transport.replies, report, kills)
    finally:
        for one in stations.values():
            if one.process is not None and one.process.poll() is None:
                one.kill(signal.SIGKILL)


def status_of(home: Home, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    capsys.readouterr()
    assert main(["status", "--dir", str(home.root), "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_the_session_ends_with_everybody_although_two_were_killed(ended: Ended) -> None:
    assert ended.kills == ["north", "east"]
    assert ended.report.lost == ()
    assert ended.report.refused == ()
    assert ended.report.model.provenance.cohort == NAMES
    found = replayed(iter(ended.transcript), ended.roster)
    assert found.model == ended.report.model
    assert [one.survivors for one in found.rounds] == [NAMES] * 7


def test_every_round_is_charged_once_at_every_station(ended: Ended) -> None:
    for name, station in ended.stations.items():
        chain = inspect(station.home.root / "ledger")
        assert [one.round for one in chain.book.charges] == [1, 2, 3, 4, 5, 6, 7]
        assert {len(one.data_version) for one in chain.book.charges} == {64}
        number, _, digest = ended.report.heads[name].partition(":")
        assert chain.digests[int(number)] == digest


def test_no_value_of_a_claim_is_in_a_log_a_reply_or_a_status(ended: Ended) -> None:
    for station in ended.stations.values():
        assert station.logged()
        seen = [station.log.read_bytes(), (station.home.root / "state" / "status.json").read_bytes(), *ended.replies]
        persons = pq.read_table(station.home.root / "claims.parquet", columns=["psn_no"])["psn_no"].to_pylist()[:50]
        values = [CANARY.encode(), *(str(one).encode() for one in persons)]
        assert not any(value in held for held in seen for value in values)
        rejected = (station.home.root / "rejects" / "rejected.csv").read_text()
        assert CANARY in rejected, "the canaries were there to be found"


def test_what_no_station_understands_is_not_quoted_either(ended: Ended) -> None:
    reply = decode(ended.stations["south"].ask(CANARY.encode()))
    assert isinstance(reply, Refusal)
    assert reply.code is RefusalCode.BAD_MESSAGE
    assert CANARY not in ended.stations["south"].log.read_text()


def test_the_log_says_what_was_taken_up_after_the_kill(ended: Ended) -> None:
    for name, starts in (("north", 2), ("east", 2), ("south", 1)):
        events = [line["event"] for line in ended.stations[name].logged()]
        assert (events.count("started"), events.count("session taken up")) == (starts, starts - 1)
        assert not any(line.get("refused") for line in ended.stations[name].logged())


def test_a_policy_is_read_again_on_sighup_and_not_before(ended: Ended) -> None:
    station, offer = ended.stations["east"], encode(terms_of(ended.plan, ended.roster).offer())
    policy = station.home.root / "policy.toml"
    assert station.process is not None
    for old, new, kind in (('["secure"]', '["noise"]', "refusal"), ('["noise"]', '["secure"]', "masked_join")):
        before = decode(station.ask(offer)).kind
        policy.write_text(policy.read_text().replace(old, new))
        assert decode(station.ask(offer)).kind == before
        station.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + 90
        while decode(station.ask(offer)).kind != kind:
            assert time.monotonic() < until
            time.sleep(0.05)


def test_status_says_who_runs_what_was_asked_and_what_is_left(ended: Ended, capsys: pytest.CaptureFixture[str]) -> None:
    found = status_of(ended.stations["south"].home, capsys)
    assert (found["running"], found["paused"], found["bureau"]) == (True, False, "south")
    assert found["claims"]["rejected"] == {"ill_formed_code": 1, "ill_formed_key": 1, "missing_key": 1}  # type: ignore[index]
    (session,) = found["sessions"]  # type: ignore[misc]
    assert (session["plan"], session["ended"]) == (ended.plan.fingerprint, True)
    (spent,) = found["ledger"]["plans"]  # type: ignore[index]
    assert (spent["releases"], spent["unanswered"]) == (7, 0)
    assert {room["limit"]: room["spent"] for room in found["ledger"]["room"]}["releases in a day"] == 7  # type: ignore[index]
    main(["status", "--dir", str(ended.stations["south"].home.root)])
    assert "runs since" in capsys.readouterr().out


def test_a_paused_station_refuses_everything_also_after_a_restart(
    ended: Ended, capsys: pytest.CaptureFixture[str]
) -> None:
    station, offer = ended.stations["north"], encode(terms_of(ended.plan, ended.roster).offer())
    directory = str(station.home.root)
    assert decode(station.ask(offer)).kind == "masked_join"
    assert main(["pause", "--dir", directory]) == 0
    for _ in range(2):
        reply = decode(station.ask(offer))
        assert isinstance(reply, Refusal)
        assert reply.code is RefusalCode.STOPPED
        assert station.kill(signal.SIGTERM) == 0
        station.start()
    found = status_of(station.home, capsys)
    assert (found["paused"], found["refusals"][-1]["code"]) == (True, "stopped")  # type: ignore[index]
    assert main(["resume", "--dir", directory]) == 0
    assert decode(station.ask(offer)).kind == "masked_join"


def test_a_second_process_in_one_directory_is_refused(ended: Ended) -> None:
    other = Running(Home(ended.stations["south"].home.root))
    other.start()
    assert other.process is not None
    assert other.process.wait(30) == 7
    assert "another process runs the station" in other.log.read_text()
    other.log.unlink()


def test_the_exported_evidence_checks_out_and_holds_no_secret(
    ended: Ended, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, out = ended.stations["south"].home.root, tmp_path / "audit.tar"
    capsys.readouterr()
    assert main(["export-audit", "--dir", str(root), "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["releases"] == 7
    assert out.stat().st_mode & 0o777 == 0o600
    with tarfile.open(out) as tar:
        tar.extractall(tmp_path, filter="data")
    home = tmp_path / "fedclaims-audit"
    for line in (home / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((home / name).read_bytes()).hexdigest() == digest
    assert (home / "ledger.chain").read_bytes() == (root / "ledger" / "ledger.chain").read_bytes()
    assert len((home / "entries.jsonl").read_text().splitlines()) == len(inspect(root / "ledger").digests)
    everything = b"".join(path.read_bytes() for path in home.iterdir())
    for secret in ("pseudonym.key", "ledger/station.key", "consortium/identity.key"):
        held = (root / secret).read_bytes()
        assert held not in everything
        assert held.splitlines()[-2 if held.startswith(b"-----") else 0] not in everything
    assert main(["export-audit", "--dir", str(root), "--out", str(out)]) == 3, "nothing is written over"


def test_sigterm_ends_a_station_cleanly_and_its_socket_is_gone(
    ended: Ended, capsys: pytest.CaptureFixture[str]
) -> None:
    station = ended.stations["south"]
    began = time.monotonic()
    assert station.kill(signal.SIGTERM) == 0
    assert time.monotonic() - began < 20
    assert not station.home.socket.exists()
    assert station.logged()[-1]["event"] == "stopped"
    assert status_of(station.home, capsys)["running"] is False
