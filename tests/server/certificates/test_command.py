"""``fedclaims-coordinator certificate``, as an engineer types it."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from pathlib import Path

import pytest

from common.errors import FedclaimsError
from server.certificates.authority import Authority
from server.certificates.command import add_certificates
from server.certificates.credentials import DIRECTORY
from server.certificates.keeping import days_left
from tests.server.certificates.test_authority import HOSTS, request_of


def run(*given: str) -> int:
    parser = argparse.ArgumentParser()
    add_certificates(parser.add_subparsers(required=True))
    arguments = parser.parse_args(["certificate", *given])
    try:
        arguments.run(arguments)
    except FedclaimsError as error:
        return error.exit_code
    return 0


@pytest.fixture
def home(tmp_path: Path) -> Path:
    authority = Authority.create(tmp_path / DIRECTORY, "test authority")
    authority.server("door", HOSTS, lifetime=dt.timedelta(days=9))
    authority.client(request_of(), "north")
    return tmp_path


def test_the_list_says_for_all_whether_they_count(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("revoke", "north", "--dir", str(home)) == 0
    assert "nginx -s reload" in capsys.readouterr().out
    assert run("list", "--dir", str(home), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["kind"], one["counts"]) for one in found] == [
        ("door", "server", True),
        ("north", "bureau", False),
    ]
    assert run("list", "--dir", str(home)) == 0
    assert "revoked" in capsys.readouterr().out


def test_renew_issues_what_ends_soon(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("renew", "--dir", str(home), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert days_left(Path(found["renewed"]["door"]["certificate"])) == 364
    assert run("renew", "--dir", str(home)) == 0
    assert "No certificate ends soon" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (("revoke", "nobody"), 3),
        (("revoke", "door"), 3),
        (("revoke", "door", "--kind", "server"), 0),
        (("renew", "north"), 3),
        (("renew", "door"), 0),
    ],
)
def test_exit_codes_are_those_of_the_help(home: Path, given: tuple[str, ...], code: int) -> None:
    assert run(*given, "--dir", str(home)) == code
    assert run("list", "--dir", str(home / "nothing")) == 3
