"""``fedclaims-bureau ledger``: what was spent, and whether the record is whole."""

from __future__ import annotations

import getpass
import json
from pathlib import Path

import pytest

from client.command import main
from client.ledger.chain import read_chain
from client.ledger.frame import frames
from client.ledger.ledger import CHAIN_FILE, KEY_FILE, inspect
from client.ledger.spending import YEAR_S
from client.ledger.statement import state
from client.policy import example_policy
from common.accounting.guarantee import Unit
from tests.client.ledger.releases import NOON, OTHER_PLAN, UNLIMITED, Clock, charge, filled, new_ledger, release

Ran = tuple[int, str, str]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


def run(*options: object, capsys: pytest.CaptureFixture[str]) -> Ran:
    code = main(["ledger", *map(str, options)])
    return (code, *capsys.readouterr())


def test_spending_adds_up_per_plan_and_unit(directory: Path) -> None:
    with new_ledger(directory) as ledger:
        ledger.reserve(release(1), charge(5), UNLIMITED).persist(b"noised")
        ledger.reserve(release(2), charge(6), UNLIMITED)
        ledger.reserve(release(1, session=2), charge(7), UNLIMITED)
        ledger.reserve(release(1, plan=OTHER_PLAN), charge(8, unit=Unit.CLAIM), UNLIMITED)
    found = state(inspect(directory), now=NOON, delta=1e-6, epsilon_of=lambda rho: rho / 10, limits=None)
    first, second = found.plans
    assert (first.sessions, first.releases, first.unanswered, first.spent.rho) == (2, 3, 2, 18)
    assert (second.unit, second.sessions, second.releases, second.spent.epsilon) == (Unit.CLAIM, 1, 1, 0.8)
    assert found.worst_year.rho == 26
    assert not found.covers_persons


def test_the_worst_year_is_remembered_when_the_last_one_was_quiet(directory: Path) -> None:
    clock = Clock()
    with new_ledger(directory, clock) as ledger:
        ledger.reserve(release(1), charge(9), UNLIMITED)
        clock.now += 2 * YEAR_S
        ledger.reserve(release(2), charge(4), UNLIMITED)
    found = state(inspect(directory), now=clock.now, delta=1e-6, epsilon_of=float, limits=UNLIMITED)
    assert (found.last_year.rho, found.worst_year.rho) == (4, 9)
    assert found.room[0].left == UNLIMITED.year - 4


def test_the_ledger_shows_plans_worst_case_and_what_is_left(
    directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(directory)
    (tmp_path / "policy.toml").write_text(example_policy(), encoding="utf-8")
    code, out, _ = run("--dir", directory, "--policy", tmp_path / "policy.toml", capsys=capsys)
    assert code == 0
    for shown in ("aa" * 8, "a person whose claims are in every release", "What is left", "budget of a year", "2024"):
        assert shown in out


def test_the_same_as_json(directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled(directory)
    (tmp_path / "policy.toml").write_text(example_policy(), encoding="utf-8")
    code, out, _ = run("--dir", directory, "--json", "--policy", tmp_path / "policy.toml", capsys=capsys)
    held = json.loads(out)
    assert code == 0
    assert held["plans"][0]["spent"]["rho"] == 10
    assert held["head"] == str(inspect(directory).head)
    assert {room["limit"] for room in held["room"]} >= {"budget of a year", "releases in a day"}
    assert all(room["left"] == max(0, room["most"] - room["spent"]) for room in held["room"])


def test_a_whole_ledger_is_said_to_be_whole(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled(directory)
    head = inspect(directory).head
    code, out, _ = run("verify", "--dir", directory, "--head", head, capsys=capsys)
    assert code == 0
    assert "The ledger is whole: 4 entries, 2 of them releases." in out
    assert f"It continues head {head}." in out
    assert "NOT compared" not in out


def test_a_broken_ledger_is_shown_where_and_how(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = filled(directory)
    places = [one.offset for one in frames(held)]
    (directory / CHAIN_FILE).write_bytes(held[: places[2]] + held[places[3] :])
    code, _, err = run("--dir", directory, "verify", capsys=capsys)
    assert code == 8
    assert f"broken at entry 2, which begins at byte {places[2]} of the file" in err
    assert "it calls itself entry 3: entries are missing" in err
    assert "Entries 0 to 1 are whole." in err


def test_a_broken_ledger_stops_the_statement_with_the_command_that_explains(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = filled(directory)
    (directory / CHAIN_FILE).write_bytes(held[:-1] + bytes([held[-1] ^ 1]))
    code, out, err = run("--dir", directory, capsys=capsys)
    assert (code, out) == (8, "")
    assert "fedclaims-bureau ledger verify" in err


def test_the_verdict_as_json(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = filled(directory)
    code, out, _ = run("verify", "--dir", directory, "--json", capsys=capsys)
    assert (code, json.loads(out)["whole"], json.loads(out)["key_compared"]) == (0, True, True)
    (directory / CHAIN_FILE).write_bytes(held[:-1] + bytes([held[-1] ^ 1]))
    code, out, _ = run("verify", "--dir", directory, "--json", capsys=capsys)
    assert (code, json.loads(out)["whole"], json.loads(out)["entry"]) == (8, False, 3)


def test_a_shortened_ledger_is_noticed_with_a_head(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = filled(directory)
    head = read_chain(held).head
    last = [one.offset for one in frames(held)][-1]
    (directory / CHAIN_FILE).write_bytes(held[:last])
    code, out, _ = run("verify", "--dir", directory, capsys=capsys)
    assert code == 0
    assert "Without --head, missing entries at the end are not noticed." in out
    code, _, err = run("verify", "--dir", directory, "--head", head, capsys=capsys)
    assert code == 8
    assert "entry 3 was seen by others, and this ledger ends at entry 2" in err


def test_an_unfinished_entry_is_named_and_harmless(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = filled(directory)
    (directory / CHAIN_FILE).write_bytes(held + held[:20])
    code, out, _ = run("verify", "--dir", directory, capsys=capsys)
    assert code == 0
    assert "20 bytes of an entry that was never finished: nothing was drawn for it" in out


def test_verifying_without_the_key_says_what_it_could_not_compare(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(directory)
    (directory / KEY_FILE).unlink()
    code, out, _ = run("verify", "--dir", directory, capsys=capsys)
    assert code == 0
    assert "NOT compared" in out


def test_a_passphrase_is_asked_for_twice_and_opens_the_key(
    directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda _: "a long one")
    assert run("init", "--dir", directory, "--passphrase", capsys=capsys)[0] == 0
    assert "NOT compared" in run("verify", "--dir", directory, capsys=capsys)[1]
    assert "NOT compared" not in run("verify", "--dir", directory, "--passphrase", capsys=capsys)[1]
    answers = iter(["one", "another"])
    monkeypatch.setattr(getpass, "getpass", lambda _: next(answers))
    code, _, err = run("init", "--dir", directory / "other", "--passphrase", capsys=capsys)
    assert code == 3
    assert "not the same" in err


def test_a_ledger_is_begun_once(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("init", "--dir", directory, capsys=capsys)
    assert code == 0
    assert str(inspect(directory).head) in out
    code, _, err = run("init", "--dir", directory, capsys=capsys)
    assert code == 3
    assert "not empty" in err


@pytest.mark.parametrize("options", [(), ("verify",)])
def test_a_directory_without_a_ledger_is_said_so(
    directory: Path, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    directory.mkdir()
    code, _, err = run("--dir", directory, *options, capsys=capsys)
    assert code == 3
    assert "no ledger can be read" in err


def test_a_head_that_is_none_is_refused(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled(directory)
    code, _, err = run("verify", "--dir", directory, "--head", "12", capsys=capsys)
    assert code == 3
    assert "a head is a number" in err
