"""A link's directory and its admission: what is made, what is checked, and what is kept."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from client.command import main
from client.link.bundles import listed
from client.link.configuration import CourierKind, load_link
from client.link.place import LinkPlace
from common.consortium.linking import LinkAdmission, LinkRequest
from tests.common.consortium.links import BUNDLE, TestAuthority, key_of, node_key_of, request_of

AUTHORITY = TestAuthority()


def begin(root: Path, *options: str) -> int:
    return main(["link", "init", "--dir", str(root), "--name", "north", "--socket", "/run/fedclaims/s.sock", *options])


@pytest.fixture
def place(tmp_path: Path) -> LinkPlace:
    assert begin(tmp_path / "link") == 0
    return LinkPlace(tmp_path / "link")


def request_in(place: LinkPlace) -> LinkRequest:
    return LinkRequest.from_json(place.request.read_bytes())


def admission_for(request: LinkRequest, **changes: object) -> LinkAdmission:
    whole: dict[str, object] = {
        "name": "north",
        "superlink": "fl.example:9092",
        "root": AUTHORITY.root,
        "certificate": AUTHORITY.client(request.certificate_request),
        "bundles": (BUNDLE,),
    }
    return LinkAdmission.model_validate(whole | changes)


def accepted(place: LinkPlace, admission: LinkAdmission, digest: str | None = None) -> int:
    path = place.root.parent / "admission.json"
    path.write_bytes(admission.to_json())
    return main(["link", "accept", str(path), "--digest", digest or admission.digest, "--dir", str(place.root)])


def files(place: LinkPlace) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place.root.iterdir() if path.is_file()}


def test_everything_is_for_its_owner_alone(place: LinkPlace) -> None:
    for path in [place.root, *place.root.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_the_request_has_the_public_halves_and_no_secret(place: LinkPlace) -> None:
    request = request_in(place)
    node = load_ssh_private_key(place.node_key.read_bytes(), None)
    assert isinstance(node, ec.EllipticCurvePrivateKey)
    assert request.node_key == node_key_of(node)
    assert request.node_key.startswith("ecdsa-sha2-nistp384 ")
    assert b"PRIVATE" not in place.request.read_bytes()


def test_the_digest_that_is_printed_is_the_requests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert begin(tmp_path / "link", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["digest"] == request_in(LinkPlace(tmp_path / "link")).digest


def test_what_exists_is_never_written_over(place: LinkPlace, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(place)
    assert begin(place.root) == 3
    assert "takes a new directory" in capsys.readouterr().err
    assert files(place) == before
    assert [path.name for path in place.root.parent.iterdir()] == ["link"]


@pytest.mark.parametrize("options", [["--socket", "relative.sock"], ["--socket", f"/{'x' * 120}"], ["--port", "0"]])
def test_an_option_that_cannot_be_used_makes_nothing(tmp_path: Path, options: list[str]) -> None:
    assert begin(tmp_path / "link", *options) == 3
    assert list(tmp_path.iterdir()) == []


def test_the_stock_courier_is_an_option_and_the_file_says_so(tmp_path: Path) -> None:
    assert begin(tmp_path / "link", "--stock") == 0
    assert load_link(tmp_path / "link" / "link.toml").courier.kind is CourierKind.STOCK


@pytest.mark.parametrize("line", ["more = 1", 'name = "south"', "[supernode]\nports = 1"])
def test_a_configuration_with_anything_more_is_refused(place: LinkPlace, line: str) -> None:
    place.configuration.write_text(place.configuration.read_text() + f"\n{line}\n")
    assert main(["link", "status", "--dir", str(place.root)]) == 3


def test_an_admission_is_kept_for_both_programs(place: LinkPlace) -> None:
    admission = admission_for(request_in(place))
    assert accepted(place, admission) == 0
    assert place.certificate.read_text() == admission.certificate
    assert place.authority.read_text() == AUTHORITY.root
    assert listed(place.bundles) == {BUNDLE}
    assert LinkAdmission.from_json(place.admission.read_bytes()) == admission


def test_a_newer_admission_takes_the_place_of_an_older_one(place: LinkPlace) -> None:
    assert accepted(place, admission_for(request_in(place))) == 0
    assert accepted(place, admission_for(request_in(place), bundles=("cd" * 32,))) == 0
    assert listed(place.bundles) == {"cd" * 32}


STRANGER = TestAuthority()
OTHER_KEY = request_of(key_of())
SERVER = ExtendedKeyUsageOID.SERVER_AUTH
Changes = Callable[[LinkRequest], dict[str, object]]
WRONG: dict[str, tuple[Changes, str]] = {
    "another name": (lambda _: {"name": "south"}, "is 'north''s"),
    "another key": (lambda _: {"certificate": AUTHORITY.client(OTHER_KEY)}, "not for this link's key"),
    "another authority": (
        lambda asked: {"certificate": STRANGER.client(asked.certificate_request)}, "does not come from its authority",
    ),
    "no authority": (
        lambda asked: {"root": AUTHORITY.client(asked.certificate_request)}, "does not come from its authority",
    ),
    "made out to another": (
        lambda asked: {"certificate": AUTHORITY.client(asked.certificate_request, "south")}, "another name",
    ),
    "of a server": (
        lambda asked: {"certificate": AUTHORITY.client(asked.certificate_request, purpose=SERVER)}, "one of a client",
    ),
    "expired": (
        lambda asked: {"certificate": AUTHORITY.client(asked.certificate_request, begins=-9, lasts=1)}, "has expired",
    ),
    "of the future": (
        lambda asked: {"certificate": AUTHORITY.client(asked.certificate_request, begins=3)}, "machine's clock",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_an_admission_that_does_not_let_this_link_in_changes_nothing_and_says_why(
    place: LinkPlace, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    changes, said = WRONG[name]
    before = files(place)
    assert accepted(place, admission_for(request_in(place), **changes(request_in(place)))) == 3
    assert said in capsys.readouterr().err
    assert files(place) == before


def test_an_admission_with_another_digest_than_the_one_told_is_refused(
    place: LinkPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert accepted(place, admission_for(request_in(place)), "00" * 32) == 3
    assert "not the one you gave" in capsys.readouterr().err
    assert not place.admission.exists()


def test_a_digest_of_another_form_is_a_wrong_option(place: LinkPlace) -> None:
    with pytest.raises(SystemExit) as caught:
        accepted(place, admission_for(request_in(place)), "abc")
    assert caught.value.code == 2


def test_the_loopbacks_certificate_counts_for_ten_years(place: LinkPlace) -> None:
    found = x509.load_pem_x509_certificate(place.runtime_certificate.read_bytes())
    assert found.not_valid_after_utc - datetime.now(UTC) > timedelta(days=3600)
    found.verify_directly_issued_by(x509.load_pem_x509_certificate(place.runtime_root.read_bytes()))
