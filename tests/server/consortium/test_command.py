"""``fedclaims-coordinator roster``: from nothing to a roster that counts, and what is refused on the way."""

from __future__ import annotations

import getpass
import json
import time
from pathlib import Path
from typing import Any

import pytest

from common.consortium.joining import JoinRequest
from common.consortium.roster import Role
from common.consortium.signed import SignedRoster
from server.command import main
from server.consortium.files import load_key, write_key
from server.consortium.holding import Holding
from tests.common.consortium.rosters import DAY, GOVERNORS, NOON, STRANGER, SUCCESSORS, identity

Said = tuple[int, str, str]


class Desk:
    """Types commands in one consortium's directory."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.directory, self._capsys = directory, capsys

    def __call__(self, command: str, *options: object) -> Said:
        given = [] if command == "key" else ["--dir", str(self.directory)]
        code = main(["roster", command, *given, *map(str, options)])
        return (code, *self._capsys.readouterr())

    def done(self, command: str, *options: object) -> str:
        code, out, err = self(command, *options)
        assert (code, err) == (0, "")
        return out

    def shown(self, *options: object) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.done("show", "--json", *options))
        return found

    def governor(self, number: int) -> Path:
        return self.directory / f"governance-{number}.key"


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOON + 0.5)


@pytest.fixture
def empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path / "consortium", capsys)


@pytest.fixture
def desk(empty: Desk) -> Desk:
    empty.done("init", "--governance-keys", 3, "--threshold", 2)
    return empty


def request_of(path: Path, name: str = "east", number: int = 2) -> Path:
    path.write_bytes(JoinRequest.by(identity(number), name, f"{name} health").to_json())
    return path


def test_a_consortium_begins_with_its_coordinator(desk: Desk) -> None:
    found = Holding(desk.directory).newest()
    (coordinator,) = found.roster.members
    assert (found.roster.version, found.signatures, coordinator.role) == (1, (), Role.COORDINATOR)
    assert coordinator.public_key == Holding(desk.directory).identity(None).public
    assert {load_key(desk.governor(n), None).public for n in (1, 2, 3)} == set(found.roster.governance.keys)
    assert found.roster.valid_until == NOON + 365 * DAY


def test_init_tells_the_digest_and_what_comes_next_and_no_secret(empty: Desk) -> None:
    said = empty.done("init", "--governance-keys", 2, "--threshold", 2)
    assert Holding(empty.directory).pin().governance.digest.hex() in said
    assert "Next: Give each of" in said
    assert all(load_key(empty.governor(n), None).seed().hex() not in said for n in (1, 2))


def test_governance_keys_may_all_be_other_peoples(empty: Desk) -> None:
    keys = [option for one in GOVERNORS for option in ("--governance-key", one.public.hex())]
    said = empty.done("init", *keys, "--threshold", 2)
    assert "Give each" not in said
    assert not empty.governor(1).exists()
    assert Holding(empty.directory).pin().governance.keys == tuple(one.public for one in GOVERNORS)


@pytest.mark.parametrize(
    "options",
    [
        ["--threshold", 1],
        ["--governance-keys", 2, "--threshold", 3],
        ["--governance-keys", 2, "--threshold", 0],
        [
            "--governance-key",
            GOVERNORS[0].public.hex(),
            "--governance-key",
            GOVERNORS[0].public.hex(),
            "--threshold",
            1,
        ],
        ["--governance-key", "01" + "00" * 31, "--threshold", 1],
        ["--governance-keys", 1, "--threshold", 1, "--min-cohort", 2],
        ["--governance-keys", 1, "--threshold", 1, "--honest-floor", 3],
        ["--governance-keys", 1, "--threshold", 1, "--name", " "],
    ],
)
def test_what_cannot_begin_leaves_nothing_behind(empty: Desk, options: list[object]) -> None:
    code, out, err = empty("init", *options)
    assert (code, out) == (3, "")
    assert err.startswith("fedclaims-coordinator: ")
    assert not empty.directory.exists()


def test_a_second_beginning_in_one_place_is_refused(desk: Desk) -> None:
    before = desk.shown()
    assert desk("init", "--governance-keys", 1, "--threshold", 1)[0] == 3
    assert desk.shown() == before


def test_from_the_request_to_a_roster_that_counts(desk: Desk, tmp_path: Path) -> None:
    said = desk.done("add", "east", "--request", request_of(tmp_path / "r.json"))
    assert "version 2, unsigned" in said
    assert "Next: 2 signature(s) more" in said
    assert "Nobody has shown" not in said
    assert "Next: 1 signature(s) more" in desk.done("sign", "--key", desk.governor(1))
    shown = desk.shown()
    assert (shown["counts"], shown["signatures_missing"], len(shown["signed_by"])) == (False, 1, 1)
    said = desk.done("sign", "--key", desk.governor(3))
    assert "Next: send roster.json to every member" in said
    assert Holding(desk.directory).pin().governance.digest.hex() in said
    shown = desk.shown()
    assert (shown["counts"], shown["objection"], shown["signatures_missing"]) == (True, "", 0)
    assert [one["name"] for one in shown["members"]] == ["coordinator", "east"]
    assert shown["members"][1]["public_key"] == identity(2).public.hex()
    assert Holding(desk.directory).roster(NOON).digest.hex() == shown["digest"]


def test_one_person_cannot_sign_twice(desk: Desk) -> None:
    desk.done("sign", "--key", desk.governor(1))
    said = desk.done("sign", "--key", desk.governor(1))
    assert "had signed before" in said
    assert "1 signature(s) more" in said
    assert not desk.shown()["counts"]


def test_a_stranger_and_the_coordinator_cannot_sign(desk: Desk, tmp_path: Path) -> None:
    write_key(tmp_path / "stranger.key", STRANGER, None)
    for key in (tmp_path / "stranger.key", desk.directory / "identity.key"):
        code, _, err = desk("sign", "--key", key)
        assert code == 3
        assert "has no say" in err
    assert Holding(desk.directory).newest().signatures == ()


def test_a_governor_signs_a_copy_elsewhere(desk: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "copy.json"
    copy.write_bytes((desk.directory / "roster.json").read_bytes())
    for number in (1, 2):
        desk.done("sign", "--roster", copy, "--key", desk.governor(number))
    assert not desk.shown()["counts"]
    shown = desk.shown("--roster", copy)
    assert (shown["counts"], shown["governance_pinned"]) == (True, False)
    assert "compare the digest" in desk.done("show", "--roster", copy)
    (desk.directory / "roster.json").write_bytes(copy.read_bytes())
    assert desk.shown()["counts"]


def test_an_altered_copy_is_not_signed(desk: Desk) -> None:
    desk.done("sign", "--key", desk.governor(1))
    path = desk.directory / "roster.json"
    path.write_bytes(path.read_bytes().replace(b'"max_rounds": 200', b'"max_rounds": 900'))
    code, _, err = desk("sign", "--key", desk.governor(2))
    assert code == 5
    assert "altered" in err
    assert len(SignedRoster.from_json(path.read_bytes()).signatures) == 1
    shown = desk.shown()
    assert (shown["counts"], shown["signed_by"], shown["signatures_missing"]) == (False, [], None)
    assert "It does not count: the signature of" in desk.done("show")


def test_a_revoked_member_is_gone_from_the_next_version(desk: Desk) -> None:
    desk.done("add", "east", "--organisation", "o", "--key", identity(2).public.hex())
    for number in (1, 2):
        desk.done("sign", "--key", desk.governor(number))
    assert "until the bureau accepts the new version" in desk.done("revoke", "east")
    assert Holding(desk.directory).roster(NOON).version == 2
    for number in (1, 2):
        desk.done("sign", "--key", desk.governor(number))
    assert [one.name for one in Holding(desk.directory).roster(NOON).members] == ["coordinator"]
    code, _, err = desk("revoke", "east")
    assert code == 3
    assert "lists no 'east'" in err


def test_a_key_without_a_request_is_no_proof_and_it_is_said(desk: Desk) -> None:
    said = desk.done("add", "watch", "--organisation", "o", "--role", "auditor", "--key", identity(2).public.hex())
    assert "Nobody has shown" in said
    assert desk.shown()["members"][1]["role"] == "auditor"


def test_requests_that_do_not_fit_are_refused(desk: Desk, tmp_path: Path) -> None:
    good = request_of(tmp_path / "r.json")
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(json.loads(good.read_text()) | {"public_key": STRANGER.public.hex()}))
    refused = [
        ("west", "--request", good),
        ("east", "--organisation", "other", "--request", good),
        ("east", "--request", forged),
        ("east", "--request", tmp_path / "nowhere"),
        ("east", "--key", identity(2).public.hex()),
        ("coordinator", "--organisation", "o", "--key", identity(2).public.hex()),
        ("east", "--organisation", "o", "--key", load_key(desk.governor(1), None).public.hex()),
    ]
    for options in refused:
        code, out, err = desk("add", *options)
        assert (code, out) == (3, "")
        assert err
    assert desk.shown()["version"] == 1


@pytest.mark.parametrize("key", ["", "00", "zz" * 32, "00" * 33])
def test_what_is_no_public_key_is_refused(desk: Desk, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        desk("add", "east", "--organisation", "o", "--key", key)
    assert "64 hexadecimal digits" in capsys.readouterr().err


def test_a_roster_is_renewed_and_governance_handed_over(desk: Desk, tmp_path: Path) -> None:
    for number in (1, 2):
        desk.done("sign", "--key", desk.governor(number))
    files = [tmp_path / f"{number}.key" for number in range(2)]
    for file, one in zip(files, SUCCESSORS, strict=True):
        write_key(file, one, None)
    keys = [option for one in SUCCESSORS for option in ("--governance-key", one.public.hex())]
    assert desk("renew", *keys)[0] == 3
    said = desk.done("renew", *keys, "--threshold", 2, "--days", 30)
    assert "2 signature(s) more" in said
    for file in files:
        said = desk.done("sign", "--key", file)
    assert "2 signature(s) more" in said
    assert "Handed over by 2 of 3 keys" in desk.done("show")
    for number in (1, 2):
        said = desk.done("sign", "--key", desk.governor(number))
    assert "Next: send" in said
    found = Holding(desk.directory).roster(NOON)
    assert (found.version, found.valid_until) == (2, NOON + 30 * DAY)
    assert desk.done("renew").startswith("This is version 3")
    assert Holding(desk.directory).newest().roster.former is None


def test_show_says_when_a_roster_has_expired(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        desk.done("sign", "--key", desk.governor(number))
    assert "It counts." in desk.done("show")
    monkeypatch.setattr(time, "time", lambda: NOON + 365 * DAY)
    assert "It does not count: roster version 1 has expired" in desk.done("show")
    assert desk.shown()["objection"]


def test_a_governor_makes_a_key_under_a_passphrase(
    empty: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: "secret words")
    said = empty.done("key", "--out", tmp_path / "g.key", "--passphrase")
    key = load_key(tmp_path / "g.key", b"secret words")
    assert key.public.hex() in said
    assert "secret words" not in said
    empty.done("init", "--governance-key", key.public.hex(), "--threshold", 1)
    code, _, err = empty("sign", "--key", tmp_path / "g.key")
    assert code == 3
    assert "without a passphrase" in err
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: "wrong words")
    assert empty("sign", "--key", tmp_path / "g.key", "--passphrase")[0] == 3
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: "secret words")
    assert "Next: send" in empty.done("sign", "--key", tmp_path / "g.key", "--passphrase")


def test_a_key_of_governance_that_is_open_to_others_is_refused(desk: Desk) -> None:
    desk.governor(1).chmod(0o644)
    code, _, err = desk("sign", "--key", desk.governor(1))
    assert code == 3
    assert "chmod 600" in err


def test_without_a_consortium_it_is_said_how_to_begin(empty: Desk) -> None:
    for command, options in (("show", ()), ("revoke", ("east",)), ("renew", ())):
        code, _, err = empty(command, *options)
        assert code == 3
        assert "roster init" in err
