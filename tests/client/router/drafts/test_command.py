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
from tests.client.router.drafts.test_book import NOW, ONE, TWO


def opening(directory: Path) -> Engine:
    return open_engine(URL.create("sqlite", database=str(directory / "store.sqlite")))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    DraftBook(opening(tmp_path)).add([ONE, TWO], NOW)
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
