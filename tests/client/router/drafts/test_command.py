"""``fedclaims-bureau drafts``: what is printed, and what ends a command."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import URL

from client.router.drafts.book import DraftBook
from client.router.drafts.command import add_drafts_command
from client.router.store.opening import open_engine
from common.errors import RefusedError
from tests.client.router.drafts.passing import decide, let_pass
from tests.client.router.drafts.test_book import NOW, ONE, TWO


def opening(directory: Path) -> Engine:
    return open_engine(URL.create("sqlite", database=str(directory / "store.sqlite")))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    engine = opening(tmp_path)
    DraftBook(engine).add([ONE, TWO], NOW)
    let_pass(engine, ONE, TWO)
    return tmp_path


def run(*words: str) -> None:
    parser = argparse.ArgumentParser()
    add_drafts_command(parser.add_subparsers(required=True), opening)
    arguments = parser.parse_args(["drafts", *words])
    arguments.run(arguments)


def test_drafts_are_listed_approved_by_two_and_handed_out(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--dir", str(directory))
    run("list", *where)
    assert "2 draft." in capsys.readouterr().out
    for person, status in (("Li Wei", "approved_once"), ("Wang Fang", "approved")):
        run("approve", ONE.draft_id, "--by", person, *where)
        assert capsys.readouterr().out == f"{ONE.draft_id} {status}\n"
    run("list", "--status", "approved", "--json", *where)
    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert (said["draft_id"], said["status"]) == (ONE.draft_id, "approved")
    assert said["approved_by"] == ["li wei", "wang fang"]
    run("export", str(directory / "paid.csv"), *where)
    assert "1 approved drafts" in capsys.readouterr().out
    assert len((directory / "paid.csv").read_text(encoding="utf-8").splitlines()) == 2


def test_one_person_alone_gets_nothing_handed_out(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--dir", str(directory))
    run("approve", ONE.draft_id, "--by", "Li Wei", *where)
    with pytest.raises(RefusedError) as raised:
        run("approve", ONE.draft_id, "--by", "li wei", *where)
    assert raised.value.exit_code == 5
    run("export", str(directory / "paid.csv"), *where)
    assert "0 approved drafts" in capsys.readouterr().out


def test_withdrawn_drafts_and_claims_without_one_are_listed_with_their_reason_and_counted(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where, engine = ("--dir", str(directory)), opening(directory)
    decide(engine, TWO.claim_key, "f" * 32, "HOLD")
    again = ONE.model_copy(update={"draft_id": "0" * 32, "decision_id": "e" * 32})
    DraftBook(engine).add([again], NOW)
    run("list", *where)
    said = capsys.readouterr().out
    assert "1 draft, 1 withdrawn, 1 withheld." in said
    assert "withdrawn: decided_again" in said
    assert "withheld: drafted_before" in said
    run("list", "--json", *where)
    held = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted((one["claim_key"], one["status"], one["reason"]) for one in held) == [
        ("A", "draft", None),
        ("A", "withheld", "drafted_before"),
        ("B", "withdrawn", "decided_again"),
    ]
    run("list", "--json", "--status", "withheld", *where)
    assert len(capsys.readouterr().out.splitlines()) == 1
