"""``fedclaims-bureau link doctor`` finds what is planted, and says the fix; with a fault here a link does not start."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from client.command import main
from client.link import examining, internals
from client.link.place import LinkPlace
from tests.client.link.test_beginning import AUTHORITY, accepted, admission_for, begin, request_in
from tests.common.consortium.links import key_of

Plant = Callable[[LinkPlace], object]


@pytest.fixture
def place(tmp_path: Path) -> LinkPlace:
    found = LinkPlace(tmp_path / "link")
    assert begin(found.root) == 0
    assert accepted(found, admission_for(request_in(found), superlink="127.0.0.1:1")) == 0
    return found


def examined(place: LinkPlace, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, dict[str, Any]]]:
    capsys.readouterr()
    code = main(["link", "doctor", "--dir", str(place.root), "--json"])
    return code, {one["check"]: one for one in json.loads(capsys.readouterr().out)}


def test_a_whole_link_lacks_nothing_here_and_its_ends_are_named_when_they_are_not_there(
    place: LinkPlace, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = examined(place, capsys)
    assert code == 1
    assert {check for check, one in found.items() if one["level"] == "fault"} == {"station", "SuperLink"}
    assert "start the station" in found["station"]["fix"]
    assert all(one["fix"] for one in found.values() if one["level"] != "fine")


def rewrite(name: str, old: str, new: str) -> Plant:
    def plant(place: LinkPlace) -> None:
        path = place.root / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return plant


def another_client_key(place: LinkPlace) -> None:
    held = key_of().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    place.client_key.write_bytes(held)


def another_node_key(place: LinkPlace) -> None:
    held = key_of().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    place.node_key.write_bytes(held)


def expired(place: LinkPlace) -> None:
    asked = request_in(place)
    gone = AUTHORITY.client(asked.certificate_request, begins=-9, lasts=1)
    place.admission.write_bytes(admission_for(asked, certificate=gone).to_json())


FAULTS: dict[str, tuple[str, Plant, str]] = {
    "a key that others may read": ("rights of node.key", lambda place: place.node_key.chmod(0o640), "chmod 600"),
    "a directory that others may enter": ("rights of link", lambda place: place.root.chmod(0o755), "chmod 700"),
    "a list that others may write": ("rights of bundles.txt", lambda place: place.bundles.chmod(0o666), "chmod 644"),
    "a missing key": ("rights", lambda place: place.client_key.unlink(), "restore"),
    "another client key": ("keys", another_client_key, "restore"),
    "another node key": ("keys", another_node_key, "restore"),
    "another name": ("configuration", rewrite("link.toml", 'name = "north"', 'name = "norht"'), "request's name"),
    "an unknown setting": ("configuration", rewrite("link.toml", "port =", "prot ="), "mend link.toml"),
    "no admission": ("admission", lambda place: place.admission.unlink(), "link accept"),
    "an expired certificate": ("admission", expired, "link accept"),
    "another certificate": (
        "admission", lambda place: place.certificate.write_text(AUTHORITY.root), "link accept",
    ),
    "an empty list": ("bundles", lambda place: place.bundles.write_text("# none\n"), "link accept"),
    "a stock courier, no apps": ("apps", rewrite("link.toml", 'kind = "own"', 'kind = "stock"'), "link install"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_with_its_fix_and_keeps_the_link_from_starting(
    place: LinkPlace, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    check, plant, fix = FAULTS[name]
    plant(place)
    code, found = examined(place, capsys)
    assert code == 1
    assert found[check]["level"] == "fault"
    assert fix in found[check]["fix"]
    assert main(["link", "start", "--dir", str(place.root)]) == 3
    assert check in capsys.readouterr().err or check == "configuration"


@pytest.mark.parametrize(("days", "level"), [(40, "fine"), (10, "warning")])
def test_the_days_left_of_a_certificate_are_told(
    place: LinkPlace, capsys: pytest.CaptureFixture[str], days: float, level: str
) -> None:
    certificate = AUTHORITY.client(request_in(place).certificate_request, lasts=days)
    assert accepted(place, admission_for(request_in(place), certificate=certificate)) == 0
    found = examined(place, capsys)[1]["dates of certificate"]
    assert found["level"] == level
    assert f"{days - 1} days left" in found["said"]


def test_too_little_disk_is_seen(
    place: LinkPlace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examining.shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    assert examined(place, capsys)[1]["disk"]["level"] == "fault"


def test_another_flower_is_a_fault(
    place: LinkPlace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examining, "version", lambda _: "1.42.0")
    found = examined(place, capsys)[1]["Flower"]
    assert (found["level"], "install flwr 1.41" in found["fix"]) == ("fault", True)


@pytest.mark.parametrize("gone", ["time", "pull_objects", "FleetHttpClient"])
def test_a_flower_without_a_place_that_we_change_is_a_fault(
    place: LinkPlace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    module = internals.fleet_module() if gone == "FleetHttpClient" else internals.loop_module()
    monkeypatch.delattr(module, gone)
    assert examined(place, capsys)[1]["Flower"]["level"] == "fault"


def test_status_tells_what_is_there(place: LinkPlace, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["link", "status", "--dir", str(place.root), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["bureau"] == "north"
    assert found["running"] is False
    assert found["superlink"] == "127.0.0.1:1"
    assert found["programs"] == []
