"""Letting links in and out: certificates and nodes go together, one that fails keeps the other from nothing."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from client.link.keys import client_pair, node_pair, private_key
from common.consortium.linking import LinkRequest
from server.certificates.authority import KEY_FILE, Authority
from server.certificates.credentials import RECORD_FILE, Credentials
from server.certificates.issuing import Kind
from server.command import main
from server.deployment.superlink import CERTIFICATE, SuperLink
from server.registry.run import State, WantedBy
from tests.server.deployment.coordinators import NAMES, Seat
from tests.server.deployment.rehearsed import hold


@pytest.fixture
def seat(tmp_path: Path) -> Seat:
    return Seat(tmp_path / "c").begin()


def admitted(seat: Seat, root: Path, name: str = "north") -> None:
    hold(seat, NAMES)
    request = LinkRequest.of(name, private_key(node_pair()), client_pair(name).public.decode())
    (root / "request.json").write_bytes(request.to_json())
    given = [str(root / "request.json"), "--dir", str(seat.root), "--out", str(root / "admission.json")]
    assert main(["link", "admit", *given]) == 0


def counting(seat: Seat) -> list[str]:
    issued = Credentials(seat.place.authority).issued()
    return [one.name for one in issued if one.kind is Kind.BUREAU and one.revoked is None]


def revoke(seat: Seat, name: str = "north") -> int:
    return main(["link", "revoke", name, "--dir", str(seat.root)])


def test_a_link_whose_certificates_cannot_be_revoked_is_an_error_and_its_node_is_out(
    seat: Seat, tmp_path: Path
) -> None:
    admitted(seat, tmp_path)
    record = seat.place.authority / RECORD_FILE
    held = record.read_bytes()
    record.unlink()
    assert revoke(seat) == 3
    assert seat.office.registry.nodes.live() == []
    record.write_bytes(held)
    assert counting(seat) == ["north"]
    assert revoke(seat) == 0
    assert counting(seat) == []


def test_a_link_that_is_revoked_again_stays_so(seat: Seat, tmp_path: Path) -> None:
    admitted(seat, tmp_path)
    assert [revoke(seat) for _ in range(2)] == [0, 0]
    assert counting(seat) == []
    assert revoke(seat, "nobody") == 3


def test_a_link_that_was_let_in_without_a_certificate_is_revoked(seat: Seat) -> None:
    seat.office.registry.nodes.admit("north", node_pair().public.decode(), "0" * 64, 5)
    assert revoke(seat) == 0
    assert seat.office.registry.nodes.live() == []


def elsewhere(seat: Seat, root: Path) -> Path:
    """The authority's key on another disk, which is there now."""
    disk = root / "disk"
    disk.mkdir(0o700)
    key = (seat.place.authority / KEY_FILE).rename(disk / KEY_FILE)
    seat.configure("# key = ", f'key = "{key}"  # ')
    seat.reopen()
    return key


def test_with_the_authoritys_key_elsewhere_links_are_let_in_and_out_while_it_is_there(
    seat: Seat, tmp_path: Path
) -> None:
    key = elsewhere(seat, tmp_path)
    admitted(seat, tmp_path)
    away = key.rename(tmp_path / "away")
    assert revoke(seat) == 3
    assert main(["certificate", "renew", "--dir", str(seat.root)]) == 3
    away.rename(key)
    assert revoke(seat) == 0
    assert counting(seat) == []
    assert main(["certificate", "renew", "--dir", str(seat.root)]) == 0


def test_the_service_and_the_proxys_command_need_no_key_of_the_authority(
    seat: Seat, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere(seat, tmp_path).unlink()
    superlink = SuperLink(seat.place, 9)
    assert str(seat.place.authority.absolute() / f"server-{CERTIFICATE}.pem") in superlink._command()
    superlink._configure()
    assert main(["proxy", "nginx", "--dir", str(seat.root)]) == 0
    assert main(["certificate", "list", "--dir", str(seat.root)]) == 0
    hold(seat, NAMES)
    seat.tell(capsys, "doctor")


def test_a_key_of_the_authority_that_others_may_read_is_found_wherever_it_lies(
    seat: Seat, tmp_path: Path, capsys: Any
) -> None:
    key = elsewhere(seat, tmp_path)
    key.chmod(0o640)
    assert stat.S_IMODE(key.stat().st_mode) == 0o640
    assert main(["doctor", "--dir", str(seat.root)]) == 1
    assert f"FAULT  rights of {KEY_FILE}" in capsys.readouterr().out


def test_a_name_is_told_as_it_is_whatever_is_in_it(seat: Seat, capsys: pytest.CaptureFixture[str]) -> None:
    name = "[/x][red] :smile:"
    nodes, runs = seat.office.registry.nodes, seat.office.registry.runs
    nodes.admit(name, node_pair().public.decode(), "0" * 64, 5)
    Authority.open(seat.place.authority).client(client_pair("x").public, name)
    run = runs.order(WantedBy.OPERATOR, 5)
    runs.close(run.number, State.FAILED, f"because of {name}", 6)
    for command in (["status"], ["runs"], ["show", str(run.number)], ["certificate", "list"]):
        capsys.readouterr()
        assert main([*command, "--dir", str(seat.root)]) == 0
        assert name in " ".join(capsys.readouterr().out.split())
