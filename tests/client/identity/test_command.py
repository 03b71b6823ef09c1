"""``fedclaims-bureau join``: asks, accepts, says what comes next."""

from __future__ import annotations

import argparse
import getpass
import json
import time
from pathlib import Path

import pytest

from client.identity.command import add_join
from client.identity.keyfile import KEY_FILE, load_identity
from client.identity.membership import REQUEST_FILE
from common.consortium.joining import JoinRequest
from common.consortium.roster import Member, NotAMemberError, Role
from common.consortium.signed import OtherGovernanceError, SignedRoster
from common.errors import InputError
from tests.common.consortium.rosters import GOVERNORS, MEMBERS, NOON, governance, roster, signed

DIGEST = governance().digest.hex()


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOON + 0.5)


def join(*options: object) -> None:
    parser = argparse.ArgumentParser()
    add_join(parser.add_subparsers())
    arguments = parser.parse_args(["join", *map(str, options)])
    arguments.run(arguments)


def listing(directory: Path) -> SignedRoster:
    """A signed roster that lists the bureau whose request lies in a directory."""
    asked = JoinRequest.from_json((directory / REQUEST_FILE).read_bytes())
    one = Member(name=asked.name, organisation=asked.organisation, role=Role.BUREAU, public_key=asked.public_key)
    return signed(roster(members=(MEMBERS[0], one)), *GOVERNORS)


def test_from_the_request_to_the_roster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home, file = tmp_path / "home", tmp_path / "roster.json"
    join("--dir", home, "--name", "east", "--organisation", "East health")
    said = capsys.readouterr().out
    assert load_identity(home / KEY_FILE, None).public.hex() in said
    assert load_identity(home / KEY_FILE, None).seed().hex() not in said
    assert "A new key" in said
    assert f"Next: send {home / REQUEST_FILE}" in said
    file.write_bytes(listing(home).to_json())
    join("--dir", home, "--accept", file, "--governance", DIGEST)
    said = capsys.readouterr().out
    assert "Roster version 1 counts, until 2023-11-15 22:13 UTC" in said
    assert DIGEST in said
    assert "Next: compare the digest" in said
    join("--dir", home, "--name", "east", "--organisation", "East health")
    assert "was kept" in capsys.readouterr().out


def test_the_same_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home, file = tmp_path / "home", tmp_path / "roster.json"
    join("--dir", home, "--name", "北京", "--organisation", "o", "--json")
    said = json.loads(capsys.readouterr().out)
    assert (said["name"], said["request"]) == ("北京", str(home / REQUEST_FILE))
    held = listing(home)
    file.write_bytes(held.to_json())
    join("--dir", home, "--accept", file, "--governance", DIGEST.upper(), "--json")
    assert json.loads(capsys.readouterr().out) == {
        "version": 1, "digest": held.roster.digest.hex(), "governance": DIGEST, "valid_until": NOON + 86_400,
        "members": 2, "name": "北京", "role": "bureau",
    }  # fmt: skip


def test_a_roster_under_another_governance_is_refused(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "roster.json"
    join("--dir", home, "--name", "east", "--organisation", "o")
    file.write_bytes(listing(home).to_json())
    with pytest.raises(OtherGovernanceError) as caught:
        join("--dir", home, "--accept", file, "--governance", "00" * 32)
    assert caught.value.exit_code == 5


def test_a_roster_without_this_bureau_is_kept_and_said(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "roster.json"
    join("--dir", home, "--name", "south", "--organisation", "o")
    file.write_bytes(signed(roster(), *GOVERNORS).to_json())
    with pytest.raises(NotAMemberError, match=r"was kept, but .* does not list 'south'"):
        join("--dir", home, "--accept", file, "--governance", DIGEST)
    assert (home / "pin.json").exists()


def test_a_directory_without_an_identity_may_trust_a_roster_that_does_not_list_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, file = tmp_path / "router", tmp_path / "roster.json"
    home.mkdir()
    file.write_bytes(signed(roster(), *GOVERNORS).to_json())
    join("--dir", home, "--accept", file, "--governance", DIGEST)
    assert "none of them this directory's" in capsys.readouterr().out
    join("--dir", home, "--accept", file, "--json")
    assert json.loads(capsys.readouterr().out)["name"] is None
    assert not (home / KEY_FILE).exists()


def test_a_passphrase_is_asked_for_twice_when_a_key_is_made_and_once_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(getpass, "getpass", lambda prompt: asked.append(prompt) or "secret words")
    for times in (2, 3):
        join("--dir", tmp_path, "--name", "east", "--organisation", "o", "--passphrase")
        assert len(asked) == times
    assert load_identity(tmp_path / KEY_FILE, b"secret words")
    assert "secret words" not in capsys.readouterr().out


@pytest.mark.parametrize("given", [["", ""], ["one", "other"]])
def test_an_empty_or_mistyped_passphrase_makes_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str]
) -> None:
    answers = iter(given)
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: next(answers))
    with pytest.raises(InputError, match="passphrase"):
        join("--dir", tmp_path / "home", "--name", "east", "--organisation", "o", "--passphrase")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--name", "east"],
        ["--name", "east", "--organisation", "o", "--governance", DIGEST],
        ["--accept", "roster.json", "--name", "east"],
        ["--accept", "roster.json", "--passphrase"],
    ],
)
def test_options_that_do_not_go_together_are_refused(tmp_path: Path, options: list[str]) -> None:
    with pytest.raises(InputError, match="--accept"):
        join("--dir", tmp_path / "home", *options)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("digest", ["", "00", "zz" * 32, "00" * 33, " " + "0" * 63])
def test_what_is_no_digest_is_refused(digest: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        join("--accept", "roster.json", "--governance", digest)
    assert "64 hexadecimal digits" in capsys.readouterr().err
