"""A station's door: what its configuration may say, what ``doctor`` and ``status`` find, and real processes."""

from __future__ import annotations

import json
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest

from client.command import main
from client.deployment.configuration import load_configuration
from client.deployment.doctor.findings import Level
from client.deployment.doctor.surroundings import socket as door_checks
from client.deployment.door import door_of
from client.deployment.place import Place
from client.health import is_ready_at
from client.service import StationLink, TlsDoor
from common.errors import EngineError, InputError
from server.certificates.authority import Authority
from server.certificates.credentials import ServerFiles
from tests.client.deployment.stations import NAMES, Home, Running, plan_of, roster_of
from tests.flower.test_service_over_tls import LISTED, Bureau
from tests.server.proxy.doors import free_port

PATIENCE_S = 90.0


def over_tls(
    home: Home, authority: Authority, files: ServerFiles, address: str, couriers: str = f'["{LISTED}"]'
) -> None:
    held = {"certificate": files.certificate, "key": files.key, "client_root": authority.root}
    lines = "".join(f'{name} = "{path}"\n' for name, path in held.items())
    home.configure("[socket]", f'[socket]\naddress = "{address}"\ncouriers = {couriers}\n{lines}')


def levels(home: Home) -> list[tuple[Level, str]]:
    place = Place(home.root)
    return [(one.level, one.said) for one in door_checks(place, load_configuration(place.configuration))]


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ('address = "127.0.0.1:7443"', "without them anybody may ask"),
        ('couriers = ["courier"]', "go with an address"),
        ('key = "k"', "go with an address"),
        (
            'address = "127.0.0.1:7443"\ncertificate = "c"\nkey = "k"\nclient_root = "r"\ncouriers = []',
            "anybody may ask",
        ),
        ('address = "127.0.0.1"', "address"),
    ],
)
def test_an_address_comes_with_all_that_guards_it_or_not_at_all(tmp_path: Path, given: str, word: str) -> None:
    home = Home(tmp_path / "n").begin()
    home.configure("[socket]", f"[socket]\n{given}")
    with pytest.raises(InputError, match=word):
        load_configuration(home.root / "station.toml")


def test_a_whole_address_is_found_whole_and_its_key_is_its_owners_alone(tmp_path: Path) -> None:
    home, bureau = Home(tmp_path / "n").begin(), Bureau(tmp_path)
    over_tls(home, bureau.authority, bureau.files, "127.0.0.1:7443")
    assert [level for level, _ in levels(home)] == [Level.FINE]
    place = Place(home.root)
    found = door_of(place, load_configuration(place.configuration))
    assert isinstance(found, TlsDoor)
    assert found.names == {LISTED}
    bureau.files.key.chmod(0o640)
    with pytest.raises(InputError, match="nobody else"):
        levels(home)


def test_doctor_finds_what_is_wrong_with_an_address(tmp_path: Path) -> None:
    bureau = Bureau(tmp_path)
    other = bureau.authority.server("other", ["127.0.0.1"])
    cases = {
        "not for 10.0.0.9": (bureau.files, "10.0.0.9:7443", Level.FAULT),
        "every address": (bureau.files, "0.0.0.0:7443", Level.WARNING),
        "not the certificate's": (
            ServerFiles(certificate=bureau.files.certificate, key=other.key),
            "127.0.0.1:7443",
            Level.FAULT,
        ),
        "counts until": (
            bureau.authority.server("late", ["127.0.0.1"], lifetime=timedelta(minutes=-1)),
            "127.0.0.1:7443",
            Level.FAULT,
        ),
        "ends on": (
            bureau.authority.server("soon", ["127.0.0.1"], lifetime=timedelta(days=9)),
            "127.0.0.1:7443",
            Level.WARNING,
        ),
    }
    for place, (word, (files, address, level)) in enumerate(cases.items()):
        home = Home(tmp_path / f"n{place}").begin()
        over_tls(home, bureau.authority, files, address)
        assert [found for found, said in levels(home) if word in said] == [level], word
    home = Home(tmp_path / "text").begin()
    (tmp_path / "text.pem").write_text("no certificate")
    over_tls(home, bureau.authority, ServerFiles(certificate=tmp_path / "text.pem", key=other.key), "127.0.0.1:1")
    with pytest.raises(InputError, match="no certificate in PEM"):
        levels(home)


def member(root: Path) -> Home:
    """A station that may start: a roster lists it."""
    homes = [Home(root / name, name, place).begin(plan_of()) for place, name in enumerate(NAMES)]
    homes[1].accept(roster_of(homes))
    return homes[1]


def status(home: Home, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["status", "--dir", str(home.root), "--json"]) == 0
    return str(json.loads(capsys.readouterr().out)["answers"])


def started(home: Home) -> Running:
    running = Running(home).start()
    until = time.monotonic() + PATIENCE_S
    while not (running.log.exists() and '"started"' in running.log.read_text()):
        assert time.monotonic() < until
        assert running.process is not None
        assert running.process.poll() is None, running.log.read_text()
        time.sleep(0.1)
    return running


def test_a_station_is_alive_while_paused_and_ready_while_it_would_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = member(tmp_path)
    policy = home.root / "policy.toml"
    held, running = policy.read_text(), started(home)
    try:
        assert is_ready_at(home.socket, PATIENCE_S)
        assert status(home, capsys) == "ready"
        for do, undo in (
            (lambda: main(["pause", "--dir", str(home.root)]), lambda: main(["resume", "--dir", str(home.root)])),
            (lambda: policy.write_text("nonsense"), lambda: policy.write_text(held)),
        ):
            do()
            assert not is_ready_at(home.socket, PATIENCE_S)
            undo()
            assert is_ready_at(home.socket, PATIENCE_S)
    finally:
        assert running.kill(signal.SIGTERM) == 0
    with pytest.raises(EngineError, match="UNAVAILABLE"):
        is_ready_at(home.socket, 2.0)
    assert status(home, capsys) == "None"


def test_a_station_is_asked_over_tls_by_its_courier_and_by_nobody_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, bureau, address = member(tmp_path), Bureau(tmp_path), f"127.0.0.1:{free_port()}"
    over_tls(home, bureau.authority, bureau.files, address)
    running = started(home)
    try:
        assert is_ready_at(bureau.asking(address), PATIENCE_S)
        with StationLink(bureau.asking(address), PATIENCE_S) as link:
            assert link.answer(b"nonsense")
        somebody = bureau.asking(address, "somebody")
        with StationLink(somebody, PATIENCE_S) as link, pytest.raises(EngineError, match="PERMISSION_DENIED"):
            link.answer(b"nonsense")
        assert status(home, capsys) == "listens"
        assert not home.socket.exists()
    finally:
        assert running.kill(signal.SIGTERM) == 0
