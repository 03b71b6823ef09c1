"""What a monitor may build on: one JSON document, one line for an error, and exit codes as they are documented."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from client.deployment.place import Place, alone
from common.consortium.roster import Governance
from common.consortium.signed import SignedRoster
from tests.client.tables import wide_row, write_csv
from tests.deployment.commands import MAINS, PARSERS, Said, leaves, options_of, typed

ROOT = Path(__file__).parents[2]
TABLE = (ROOT / "docs" / "commands.md").read_text("utf-8")
BUREAU, COORDINATOR, SIMULATE = MAINS

Case = tuple[str, list[object]]


def documented() -> set[int]:
    return {int(code) for code in re.findall(r"^\| (\d+) \|", TABLE, re.MULTILINE)}


def codes_in_the_source() -> set[int]:
    found = set[int]()
    for room in ("client", "common", "server", "simulations"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant):
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    if any(isinstance(one, ast.Name) and one.id == "exit_code" for one in targets):
                        assert isinstance(node.value.value, int)
                        found.add(node.value.value)
    return found


@pytest.fixture
def station(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A bureau's directory on its first day."""
    root = tmp_path / "station"
    assert typed(capsys, BUREAU, "init", "--dir", root, "--name", "north", "--organisation", "North").code == 0
    return root


@pytest.fixture
def consortium(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A coordinator's directory on its first day: nobody has signed."""
    root = tmp_path / "consortium"
    begun = typed(capsys, COORDINATOR, "roster", "init", "--dir", root, "--governance-keys", 2, "--threshold", 2)
    assert begun.code == 0
    return root


def governance(consortium: Path) -> Governance:
    return SignedRoster.from_json((consortium / "roster.json").read_bytes()).roster.governance


def test_the_documented_exit_codes_are_those_of_the_error_classes_and_0() -> None:
    assert documented() == codes_in_the_source() | {0}


@pytest.mark.parametrize("command", MAINS)
def test_everything_that_tells_something_takes_json(command: str) -> None:
    without = {one.prog.rpartition(" ")[2] for one in leaves(PARSERS[command]) if "--json" not in options_of(one)}
    assert without <= {"start", "completion"}


@pytest.mark.parametrize("command", MAINS)
def test_every_command_tells_its_version(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(capsys, command, "--version") == (0, f"{command} {version('fedclaims')}\n", "")


def _fault(station: Path, _: Path) -> Case:
    return BUREAU, ["doctor", "--dir", station]


def _options(station: Path, _: Path) -> Case:
    return BUREAU, ["status", "--dir", station, "--colour", "red"]


def _contradiction(_: Path, __: Path) -> Case:
    return SIMULATE, ["--claims", "a.csv"]


def _missing(station: Path, _: Path) -> Case:
    return BUREAU, ["status", "--dir", station / "nowhere"]


def _no_transcript(station: Path, consortium: Path) -> Case:
    return COORDINATOR, ["replay", station / "nowhere", "--roster", consortium / "roster.json"]


def _no_roster(station: Path, _: Path) -> Case:
    return COORDINATOR, ["roster", "show", "--dir", station / "nowhere"]


def _plan(_: Path, __: Path) -> Case:
    return SIMULATE, ["--clusters", "5000"]


def _unsigned(station: Path, consortium: Path) -> Case:
    digest = governance(consortium).digest.hex()
    accepting = ["--accept", consortium / "roster.json", "--governance", digest]
    return BUREAU, ["join", "--dir", station / "consortium", *accepting]


def _broken(station: Path, _: Path) -> Case:
    entries = station / "ledger" / "ledger.chain"
    held = bytearray(entries.read_bytes())
    held[len(held) // 2] ^= 1
    entries.write_bytes(held)
    return BUREAU, ["ledger", "verify", "--dir", station / "ledger"]


@pytest.mark.parametrize(
    ("code", "case"),
    [
        (1, _fault),
        (2, _options),
        (2, _contradiction),
        (3, _missing),
        (3, _no_transcript),
        (3, _no_roster),
        (4, _plan),
        (5, _unsigned),
        (8, _broken),
    ],
    ids=lambda given: given.__name__ if callable(given) else str(given),
)
def test_a_command_that_fails_returns_the_code_of_its_error_and_says_the_same_to_people_and_programs(
    code: int,
    case: Callable[[Path, Path], Case],
    station: Path,
    consortium: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command, words = case(station, consortium)
    plain, told = typed(capsys, command, *words), typed(capsys, command, *words, "--json")
    assert (plain.code, told.code) == (code, code)
    if told.out:
        json.loads(told.out)
    (line,) = told.err.splitlines()
    error: dict[str, Any] = json.loads(line)
    assert set(error) == {"error", "text", "exit_code"}
    assert error["exit_code"] == code
    assert plain.err.startswith("usage: " if code == 2 else f"{command}: ")
    assert plain.err.endswith(f": {error['text']}\n")


def test_a_directory_that_another_process_has_ends_with_code_7(
    station: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with alone(Place(station)):
        said = typed(capsys, BUREAU, "start", "--dir", station)
    assert (said.code, said.out, len(said.err.splitlines())) == (7, "", 1)


def test_ctrl_c_ends_with_code_130(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("client.command.open_source", stopped)
    assert typed(capsys, BUREAU, "profile", "a.csv") == (130, "", "fedclaims-bureau: interrupted\n")
    assert json.loads(typed(capsys, BUREAU, "profile", "a.csv", "--json").err)["exit_code"] == 130


def document(said: Said, *keys: str) -> dict[str, Any]:
    assert (said.code, said.err) == (0, "")
    found: dict[str, Any] = json.loads(said.out)
    assert set(keys) <= set(found)
    return found


def test_a_bureaus_commands_print_one_json_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def said(*words: object) -> Said:
        return typed(capsys, BUREAU, *words, "--json")

    root, ledger = tmp_path / "station", tmp_path / "own"
    begun = said("init", "--dir", root, "--name", "north", "--organisation", "北方")
    document(begun, "directory", "head", "public_key")
    assert document(said("pause", "--dir", root)) == {"paused": True, "changed": True}
    assert document(said("resume", "--dir", root)) == {"paused": False, "changed": True}
    assert document(said("status", "--dir", root), "running", "paused")["paused"] is False
    assert document(said("ledger", "init", "--dir", ledger), "head")["directory"] == str(ledger)
    document(said("ledger", "--dir", ledger))
    assert document(said("ledger", "verify", "--dir", ledger), "entries", "head")["whole"] is True
    assert document(said("export-audit", "--dir", root, "--out", tmp_path / "audit.tar"))["whole"] is True
    joining = said("join", "--dir", tmp_path / "joins", "--name", "north", "--organisation", "North")
    document(joining, "request", "public_key")
    claims = write_csv(tmp_path / "claims.csv", [wide_row(setl_id=f"c{place}") for place in range(30)])
    document(said("profile", claims, "--mapping", "nhsa_4101_wide"))


def test_a_coordinators_commands_print_one_json_document(
    consortium: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*words: object) -> Said:
        return typed(capsys, COORDINATOR, "roster", *words, "--json")

    begun = document(said("init", "--dir", tmp_path / "c", "--governance-keys", 1, "--threshold", 1))
    assert begun["governance_files"] == [str(tmp_path / "c" / "governance-1.key")]
    key = document(said("key", "--out", tmp_path / "new.key"), "file")["public_key"]
    added = document(said("add", "north", "--organisation", "北方", "--key", key, "--dir", consortium), "digest")
    assert (added["members"], added["signatures_missing"], added["key_proven"]) == (2, 2, False)
    signing = ["sign", "--dir", consortium, "--key", consortium / "governance-1.key"]
    assert document(said(*signing))["signatures_missing"] == 1
    assert document(said(*signing))["signed_before"] is True
    assert document(said("revoke", "north", "--dir", consortium))["members"] == 1
    assert (
        document(said("renew", "--dir", consortium))["version"]
        == document(said("show", "--dir", consortium))["version"]
    )


def test_a_simulation_prints_its_result_as_one_json_document_and_no_progress(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    small = ["--claims-total", 900, "--bureaus", 3, "--clusters", 3, "--protection", "none", "--no-reference"]
    said = typed(capsys, SIMULATE, *small, "--out", out, "--json")
    assert document(said) == json.loads((out / "result.json").read_text("utf-8"))
