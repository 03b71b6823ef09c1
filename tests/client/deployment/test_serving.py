"""Serving: the kill switch, policy and roster as they are now, claims of one data version, logs without values."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from client.command import main
from client.deployment.claims import StationClaims
from client.deployment.configuration import load_configuration
from client.deployment.journal import Journal
from client.deployment.logs import JsonLines, say
from client.deployment.pausing import is_paused, pause, resume
from client.deployment.place import Place, alone
from client.deployment.serving import Belongings, Serving
from client.identity.membership import Membership
from client.ledger.ledger import Ledger, inspect
from client.rowstore import RowStore
from client.windows.book import ClaimBook
from client.windows.tables import BOOK_FILE
from common.consortium.roster import Roster
from common.errors import EngineError, InputError, PlanError, SourceError
from common.messages import Offer, Refusal, RefusalCode, RoundReply, RoundRequest, words_to_bytes
from common.plan import Plan, Protection
from common.private.lbg import first
from common.wire import decode, encode
from tests.client.deployment.stations import CANARY, NAMES, OWN, Home, claims_of, plan_of, roster_of, terms_of

PLAN = plan_of()


@pytest.fixture
def homes(tmp_path: Path) -> list[Home]:
    return [Home(tmp_path / name, name, place).begin(PLAN) for place, name in enumerate(NAMES)]


@pytest.fixture
def home(homes: list[Home]) -> Home:
    homes[1].accept(roster_of(homes))
    return homes[1]


class Clock:
    def __init__(self) -> None:
        self.late_s = 0

    def __call__(self) -> int:
        return int(time.time()) + self.late_s


@contextmanager
def serving_of(home: Home, clock: Clock | None = None) -> Iterator[Serving]:
    place, clock = Place(home.root), clock or Clock()
    journal = Journal(place=place, clock=clock)
    claims = StationClaims(place, load_configuration(place.configuration), journal.claims)
    with (
        Ledger.open(place.ledger, clock=clock) as ledger,
        ClaimBook(place.ledger / BOOK_FILE, ledger.public_key) as book,
    ):
        identity = Membership(place.consortium).identity(None)
        journal.begin({"bureau": home.name})
        yield Serving(
            Belongings(
                name=home.name,
                place=place,
                claims=claims,
                ledger=ledger,
                book=book,
                identity=identity,
                journal=journal,
                clock=clock,
            )
        )


def answer(serving: Serving, plan: Plan, roster: Roster) -> str:
    """What an offer gets: the kind of the reply, or the code of the refusal."""
    found = decode(serving.answer(encode(terms_of(plan, roster).offer())))
    return str(found.code) if isinstance(found, Refusal) else found.kind


def roster_at(home: Home) -> Roster:
    return Membership(home.root / "consortium").roster(int(time.time()))


def test_the_kill_switch_also_holds_what_was_asked_before_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving_of(home) as serving:
        read = serving._own.claims.rows_for

        def paused_meanwhile(plan: Plan) -> RowStore:
            pause(Place(home.root), 0)
            return read(plan)

        monkeypatch.setattr(serving._station._desk, "_rows_for", paused_meanwhile)
        assert answer(serving, PLAN, roster_at(home)) == "stopped"
        resume(Place(home.root))
        monkeypatch.undo()
        assert answer(serving, PLAN, roster_at(home)) == "masked_join"


def test_while_it_is_paused_a_station_does_not_even_work(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    worked: list[bytes] = []
    with serving_of(home) as serving:
        real = serving._station.answer
        monkeypatch.setattr(serving._station, "answer", lambda held: (worked.append(held), real(held))[1])
        pause(Place(home.root), 0)
        assert answer(serving, PLAN, roster_at(home)) == "stopped"
        assert worked == []
        resume(Place(home.root))
        assert answer(serving, PLAN, roster_at(home)) == "masked_join"
        assert len(worked) == 1


def test_what_cannot_be_found_out_is_a_pause(home: Home, tmp_path: Path) -> None:
    place = Place(home.root)
    assert not is_paused(place)
    assert pause(place, 0)
    assert not pause(place, 0)
    assert resume(place)
    assert not resume(place)
    assert is_paused(Place(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="no station"):
        pause(Place(tmp_path / "nowhere"), 0)


def test_a_roster_that_has_expired_meanwhile_begins_no_session(home: Home) -> None:
    clock, roster = Clock(), roster_at(home)
    with serving_of(home, clock) as serving:
        assert answer(serving, PLAN, roster) == "masked_join"
        clock.late_s = 100 * 86_400
        assert answer(serving, PLAN, roster) == "roster"


def test_a_newer_roster_counts_without_a_restart(homes: list[Home], home: Home) -> None:
    old = roster_at(home)
    with serving_of(home) as serving:
        assert answer(serving, PLAN, old) == "masked_join"
        newer = roster_of(homes, version=2)
        home.accept(newer)
        assert answer(serving, PLAN, old) == "roster"
        assert answer(serving, PLAN, newer.roster) == "masked_join"


def test_a_policy_that_was_tightened_counts_once_it_is_read_and_a_broken_one_stops_all(home: Home) -> None:
    roster, path = roster_at(home), home.root / "policy.toml"
    with serving_of(home) as serving:
        path.write_text(path.read_text().replace("min_cohort = 3", "min_cohort ="))
        assert answer(serving, PLAN, roster) == "masked_join"
        serving.read_policy_again()
        assert answer(serving, PLAN, roster) == answer(serving, PLAN, roster) == "stopped"
        path.write_text(path.read_text().replace("min_cohort =", "min_cohort = 3").replace('["secure"]', '["noise"]'))
        assert answer(serving, PLAN, roster) == "policy"


def test_a_session_without_masks_goes_on_after_a_restart_too(tmp_path: Path) -> None:
    noise = plan_of(Protection.NOISE)
    home, asked, session = Home(tmp_path / "north").begin(noise), first(noise), os.urandom(16)
    request = RoundRequest(
        session=session,
        fingerprint=noise.fingerprint,
        number=1,
        attempt=1,
        phase=asked.phase,
        cohort=NAMES,
        n_centroids=len(asked.centroids),
        centroids=words_to_bytes(asked.centroids),
        radii=words_to_bytes(asked.radii),
        cost=asked.cost,
    )
    with serving_of(home) as serving:
        serving.answer(encode(Offer(session=session, plan=noise.canonical())))
        before = decode(serving.answer(encode(request)))
    with serving_of(home) as serving:
        after = decode(serving.answer(encode(request)))
    assert isinstance(before, RoundReply)
    assert isinstance(after, RoundReply)
    assert after.summary == before.summary
    assert len(inspect(home.root / "ledger").book.charges) == 1


def test_a_station_that_has_stopped_stays_stopped_whatever_is_read_again(
    homes: list[Home], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    roster, stopped = roster_at(home), Refusal(session=bytes(16), bureau="north", code=RefusalCode.STOPPED)
    with serving_of(home) as serving:
        monkeypatch.setattr(serving._station, "answer", lambda _: encode(stopped))
        assert answer(serving, PLAN, roster) == "stopped"
        home.accept(roster_of(homes, version=2))
        serving.read_policy_again()
        assert answer(serving, PLAN, roster_at(home)) == "stopped"


def test_rows_that_were_refused_in_a_pass_that_failed_are_not_left_lying(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving_of(home) as serving:

        def fails(*_: object) -> None:
            raise SourceError("gone")

        monkeypatch.setattr(RowStore, "append", fails)
        assert answer(serving, PLAN, roster_at(home)) == "no_claims"
    assert list((home.root / "rejects").iterdir()) == []


def test_without_a_roster_masked_sums_are_refused_and_noise_is_not(homes: list[Home]) -> None:
    noise = plan_of(Protection.NOISE)
    bare, roster = Home(homes[0].root.parent / "bare", "east").begin(noise), roster_of(homes).roster
    with serving_of(bare) as serving:
        assert answer(serving, PLAN, roster) == "policy"
        reply = decode(serving.answer(encode(Offer(session=os.urandom(16), plan=noise.canonical()))))
        assert reply.kind == "join"


def test_claims_that_have_changed_since_the_start_are_not_given(home: Home) -> None:
    with serving_of(home) as serving:
        version = serving._own.claims.data_version
        assert answer(serving, PLAN, roster_at(home)) == "masked_join"
        claims_of(home.root / "claims.parquet", 2)
        assert answer(serving, PLAN, roster_at(home)) == "no_claims"
    with serving_of(home) as serving:
        assert serving._own.claims.data_version != version
        assert answer(serving, PLAN, roster_at(home)) == "masked_join"
    assert inspect(home.root / "ledger").book.charges == ()


def test_a_data_version_may_have_a_name(home: Home) -> None:
    home.configure('data_version = "content"', 'data_version = "2026-q1"')
    with serving_of(home) as serving:
        assert serving._own.claims.data_version == "2026-q1"


def test_rows_are_read_once_for_plans_that_make_the_same_and_refused_rows_replace_the_ones_before(home: Home) -> None:
    with serving_of(home) as serving:
        claims = serving._own.claims
        first = claims.rows_for(PLAN)
        assert claims.rows_for(Plan.model_validate(PLAN.model_dump() | {"n_clusters": 2})) is first
        assert claims.rows_for(Plan.model_validate(PLAN.model_dump() | {"cost_cap_yuan": 5_000})) is not first
    (rejected,) = (home.root / "rejects").iterdir()
    assert rejected.stat().st_mode & 0o777 == 0o600
    assert CANARY in rejected.read_text()


def test_persons_are_not_promised_what_the_mapping_cannot_keep(home: Home) -> None:
    (home.root / "own.toml").write_text(OWN)
    home.configure('mapping = "nhsa_4101_wide"', 'mapping = "own.toml"')
    with serving_of(home) as serving:
        with pytest.raises(PlanError, match="persons apart"):
            serving._own.claims.rows_for(PLAN)
        assert answer(serving, PLAN, roster_at(home)) == "wrong_plan"


def test_one_process_has_a_directory(home: Home) -> None:
    with alone(Place(home.root)), pytest.raises(EngineError, match="another process"), alone(Place(home.root)):
        pass
    with alone(Place(home.root)):
        pass


def test_a_log_line_holds_no_text_of_others_and_none_of_an_exception(caplog: pytest.LogCaptureFixture) -> None:
    lines = JsonLines()
    caplog.set_level(logging.INFO)
    logging.getLogger("grpc").error("could not parse %s", CANARY)
    try:
        int(CANARY)
    except ValueError:
        logging.getLogger("client.station").exception("it failed")
    say("started", session=Path(CANARY))
    shown = [json.loads(lines.format(record)) for record in caplog.records]
    assert CANARY not in json.dumps(shown)
    assert [line["event"] for line in shown] == ["something was said elsewhere", "it failed", "started"]
    assert shown[1]["error"] == "ValueError"
    assert shown[2]["session"] == type(Path(CANARY)).__name__


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("threads = 1", "threads = 0", "resources.threads"),
        ("threads = 1", "thread = 1", "resources.thread"),
        ('seen_head = ""', 'seen_head = "yesterday"', "ledger.seen_head"),
        ('data_version = "content"', 'data_version = "a b"', "claims.data_version"),
        ('files = ["claims.parquet"]', "files = []", "name files, or a database"),
        ("[socket]", '[claims.sql]\nurl = "sqlite:///x"\ntable = "t"\ncolumns = ["a"]\n[socket]', "one of the two"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused_by_the_keys_name(home: Home, old: str, new: str, word: str) -> None:
    home.configure(old, new)
    with pytest.raises(InputError, match=word):
        load_configuration(home.root / "station.toml")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:secret@host/db",
        "postgresql://me@host/db?password=secret",
        "postgresql://host/db?sslpassword=secret",
    ],
)
def test_a_password_in_the_configuration_is_refused_and_not_repeated(home: Home, url: str) -> None:
    sql = f'[claims.sql]\nurl = "{url}"\ntable = "t"\ncolumns = ["a"]\n[socket]'
    home.configure('files = ["claims.parquet"]', "")
    home.configure('"content"', '"v1"')
    home.configure("[socket]", sql)
    with pytest.raises(InputError, match="password_file") as caught:
        load_configuration(home.root / "station.toml")
    assert "secret" not in str(caught.value)


def test_a_configuration_without_comments_says_the_same(home: Home) -> None:
    home.configure('group = ""', 'group = "\u8bda\\"x"')
    found = load_configuration(home.root / "station.toml")
    (home.root / "again.toml").write_text(found.to_toml(), encoding="utf-8")
    assert load_configuration(home.root / "again.toml") == found
    assert "#" not in found.to_toml()


def test_init_writes_over_nothing_and_leaves_nothing_half_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path / "a", "north").begin()
    before = {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file()}
    assert main(["init", "--dir", str(home.root), "--name", "x", "--organisation", "y"]) == 3
    assert main(["init", "--dir", str(tmp_path / "b"), "--name", "  ", "--organisation", "y"]) == 3
    assert {path: path.read_bytes() for path in home.root.rglob("*") if path.is_file()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]
    secret = (home.root / "pseudonym.key").read_bytes()
    assert len(secret) == 32
    assert secret.hex() not in capsys.readouterr().out


def test_key_files_may_have_a_passphrase(tmp_path: Path) -> None:
    (tmp_path / "phrase").write_text("open sesame\n")
    options = ["--name", "north", "--organisation", "o", "--passphrase-file", str(tmp_path / "phrase")]
    assert main(["init", "--dir", str(tmp_path / "n"), *options]) == 0
    claims_of(tmp_path / "n" / "claims.parquet", 0)
    assert main(["doctor", "--dir", str(tmp_path / "n")]) == 0
    (tmp_path / "phrase").write_text("open barley\n")
    assert main(["doctor", "--dir", str(tmp_path / "n")]) == 1


def test_a_source_that_vanishes_while_it_is_read_is_told_by_a_code(home: Home) -> None:
    with serving_of(home) as serving:
        (home.root / "claims.parquet").unlink()
        with pytest.raises(SourceError):
            serving._own.claims.rows_for(PLAN)
        assert answer(serving, PLAN, roster_at(home)) == str(RefusalCode.NO_CLAIMS)


def test_a_station_loads_no_coordinator_and_no_flower() -> None:
    code = "import client.deployment.process, sys; print({'flwr', 'server', 'simulations'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert ran.stdout.strip() == "set()"
