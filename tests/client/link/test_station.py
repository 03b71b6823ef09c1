"""A station on another machine: what link.toml says of it, what the courier is told, and what ``doctor`` finds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flwr.common.config import parse_config_args

from client.command import main
from client.courier import ADDRESS_KEY, CERTIFICATE_KEY, KEY_KEY, ROOT_KEY, SOCKET_KEY, CourierCode, app
from client.link.configuration import load_link
from client.link.place import LinkPlace
from client.link.programs import programs_of
from common.errors import InputError
from server.certificates.authority import Authority
from tests.client.link.deployed import deployed, until
from tests.client.link.test_beginning import accepted, admission_for, begin, request_in
from tests.client.link.test_doctor import examined
from tests.flower.grids import context_of, held_by
from tests.flower.test_courier import message
from tests.flower.test_service_over_tls import LISTED, Bureau, served
from tests.server.certificates.test_authority import request_of

FILES = {ROOT_KEY: "station-root.pem", CERTIFICATE_KEY: "station-client.pem", KEY_KEY: "station-client.key"}
TLS = 'root = "station-root.pem"\ncertificate = "station-client.pem"\nkey = "station-client.key"'
QUOTING = TLS.replace("station-client.key", r"a\"b")


def reverse(request: bytes) -> bytes:
    return request[::-1]


def put_files(
    directory: Path, bureau: Bureau, name: str = LISTED, *, authority: Authority | None = None, days: float = 90.0
) -> None:
    """What a link shows to its station, as the bureau's authority made it."""
    key = ec.generate_private_key(ec.SECP384R1())
    held = {
        ROOT_KEY: bureau.authority.root.read_bytes(),
        CERTIFICATE_KEY: (authority or bureau.authority).client(request_of(key), name, lifetime=timedelta(days=days)),
        KEY_KEY: key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    }
    for key_, content in held.items():
        (directory / FILES[key_]).write_bytes(content)
        (directory / FILES[key_]).chmod(0o600)


@pytest.fixture(scope="module")
def bureau(tmp_path_factory: pytest.TempPathFactory) -> Bureau:
    return Bureau(tmp_path_factory.mktemp("bureau"))


def told(directory: Path, address: str) -> dict[str, object]:
    return {ADDRESS_KEY: address} | {key: str(directory / name) for key, name in FILES.items()}


def test_the_courier_asks_a_station_over_tls(tmp_path: Path, bureau: Bureau) -> None:
    put_files(tmp_path, bureau)
    with served(bureau, reverse) as address:
        assert held_by(app(message(), context_of(told(tmp_path, address), {}))) == b"ksa"


def test_a_renewed_certificate_counts_at_the_next_message(tmp_path: Path, bureau: Bureau) -> None:
    put_files(tmp_path, bureau, "somebody")
    with served(bureau, reverse) as address:
        context = context_of(told(tmp_path, address), {})
        assert app(message(), context).error.code == CourierCode.STATION_SILENT
        put_files(tmp_path, bureau)
        assert held_by(app(message(), context)) == b"ksa"


def test_a_station_that_its_authority_has_not_certified_gets_no_request(tmp_path: Path, bureau: Bureau) -> None:
    put_files(tmp_path, bureau)
    asked: list[bytes] = []
    other = Bureau(tmp_path)
    with served(other, lambda request: asked.append(request) or b"") as address:  # type: ignore[func-returns-value]
        assert app(message(), context_of(told(tmp_path, address), {})).error.code == CourierCode.STATION_SILENT
    assert asked == []


@pytest.mark.parametrize(
    "change",
    [
        {SOCKET_KEY: "/s.sock"},
        {ADDRESS_KEY: 5},
        {ROOT_KEY: None},
        {KEY_KEY: FILES[KEY_KEY]},
        {CERTIFICATE_KEY: "/no/such"},
    ],
    ids=str,
)
def test_an_address_that_is_not_whole_is_no_address(
    tmp_path: Path, bureau: Bureau, monkeypatch: pytest.MonkeyPatch, change: dict[str, object]
) -> None:
    put_files(tmp_path, bureau)
    monkeypatch.chdir(tmp_path)  # a name without a path would be found, were it looked for
    with served(bureau, reverse) as address:
        reply = app(message(), context_of(told(tmp_path, address) | change, {}))
    assert reply.error.code == CourierCode.NOT_CONFIGURED
    assert not reply.error.reason


def test_what_a_run_names_is_no_station(tmp_path: Path, bureau: Bureau) -> None:
    put_files(tmp_path, bureau)
    with served(bureau, reverse) as address:
        reply = app(message(), context_of({}, told(tmp_path, address)))
    assert reply.error.code == CourierCode.NOT_CONFIGURED


@dataclass
class Link:
    """A link whose link.toml a test writes."""

    place: LinkPlace

    def says(self, station: str) -> None:
        held = self.place.configuration.read_text()
        before, _, rest = held.partition("[station]")
        self.place.configuration.write_text(
            f"{before}[station]\n{station}\n\n[supernode]{rest.partition('[supernode]')[2]}"
        )


@pytest.fixture
def link(tmp_path: Path) -> Link:
    found = LinkPlace(tmp_path / "link")
    assert begin(found.root) == 0
    assert accepted(found, admission_for(request_in(found), superlink="127.0.0.1:1")) == 0
    return Link(found)


@pytest.mark.parametrize(
    ("station", "word"),
    [
        ("", "one of the two"),
        (f'socket = "/s.sock"\naddress = "h:1"\n{TLS}', "one of the two"),
        ('address = "h:1"', "goes with certificate, key and root"),
        (f'address = "h:1"\n{TLS.replace("key =", "# key =")}', "goes with certificate, key and root"),
        (f'socket = "/s.sock"\n{TLS}', "a socket with none of them"),
        (f'address = "h"\n{TLS}', "address"),
        (f'address = "h:1"\n{QUOTING}', "no quotation marks"),
    ],
)
def test_link_toml_names_a_socket_or_an_address_with_all_that_guards_it(link: Link, station: str, word: str) -> None:
    link.says(station)
    with pytest.raises(InputError, match=word):
        load_link(link.place.configuration)


def test_init_writes_an_address_with_the_files_that_go_with_it(tmp_path: Path) -> None:
    given = ["--dir", str(tmp_path / "a"), "--name", "north", "--address", "station.north.example:7443"]
    assert main(["link", "init", *given]) == 0
    found = load_link(tmp_path / "a" / "link.toml").station
    assert (found.socket, found.address) == (None, "station.north.example:7443")
    assert [str(one) for one in (found.root, found.certificate, found.key)] == list(FILES.values())


def test_init_takes_a_socket_or_an_address(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        begin(tmp_path / "a", "--address", "h:1")
    assert caught.value.code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("root", ["plain", "with a blank", "北方"])
def test_flower_reads_what_the_courier_is_told_as_it_was_meant(tmp_path: Path, root: str) -> None:
    place = LinkPlace(tmp_path / root)
    assert begin(place.root) == 0
    Link(place).says(f'address = "[::1]:7443"\n{TLS}')
    command = programs_of(place, load_link(place.configuration), "127.0.0.1:1")[0].command
    config = command[command.index("--node-config") + 1]
    assert parse_config_args([config]) == told(place.root, "[::1]:7443")


def station_at(link: Link, address: str) -> None:
    link.says(f'address = "{address}"\n{TLS}')


def findings(link: Link, capsys: pytest.CaptureFixture[str]) -> dict[str, list[dict[str, Any]]]:
    capsys.readouterr()
    main(["link", "doctor", "--dir", str(link.place.root), "--json"])
    found: dict[str, list[dict[str, Any]]] = {}
    for one in json.loads(capsys.readouterr().out):
        found.setdefault(one["check"], []).append(one)
    return found


def test_doctor_finds_a_whole_address_whole_and_asks_the_station(
    link: Link, bureau: Bureau, capsys: pytest.CaptureFixture[str]
) -> None:
    put_files(link.place.root, bureau)
    with served(bureau, reverse) as address:
        station_at(link, address)
        found = findings(link, capsys)
    assert [one["level"] for one in found["station's TLS"]] == ["fine", "fine"]
    (station,) = found["station"]
    assert (station["level"], address in station["said"]) == ("fine", True)


def test_doctor_says_when_a_station_lets_in_but_would_not_answer(
    link: Link, bureau: Bureau, capsys: pytest.CaptureFixture[str]
) -> None:
    put_files(link.place.root, bureau)
    with served(bureau, reverse, ready=lambda: False) as address:
        station_at(link, address)
        assert findings(link, capsys)["station"][0]["level"] == "warning"


def test_doctor_says_when_the_station_does_not_list_this_link(
    link: Link, bureau: Bureau, capsys: pytest.CaptureFixture[str]
) -> None:
    put_files(link.place.root, bureau, "somebody")
    with served(bureau, reverse) as address:
        station_at(link, address)
        (found,) = findings(link, capsys)["station"]
    assert (found["level"], "PERMISSION_DENIED" in found["said"]) == ("fault", True)
    assert "into the station's list" in found["fix"]


def another_key(link: Link, _: Bureau) -> None:
    key = ec.generate_private_key(ec.SECP384R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (link.place.root / FILES[KEY_KEY]).write_bytes(key)


FAULTS: dict[str, tuple[Callable[[Link, Bureau], object], str, str]] = {
    "a missing file": (lambda link, _: (link.place.root / FILES[ROOT_KEY]).unlink(), "fault", "cannot be read"),
    "an open key": (lambda link, _: (link.place.root / FILES[KEY_KEY]).chmod(0o640), "fault", "nobody else"),
    "another key": (another_key, "fault", "not the certificate's"),
    "a text": (
        lambda link, _: (link.place.root / FILES[CERTIFICATE_KEY]).write_text("text"), "fault", "no certificate in PEM",
    ),
    "an expired one": (lambda link, bureau: put_files(link.place.root, bureau, days=-1 / 1440), "fault", "until"),
    "one that ends soon": (lambda link, bureau: put_files(link.place.root, bureau, days=9), "warning", "until"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_doctor_finds_what_is_wrong_with_the_files_and_a_fault_keeps_the_link_from_starting(
    link: Link, bureau: Bureau, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    plant, level, word = FAULTS[name]
    put_files(link.place.root, bureau)
    station_at(link, "127.0.0.1:1")
    plant(link, bureau)
    found = [one for one in findings(link, capsys)["station's TLS"] if one["level"] != "fine"]
    assert [(one["level"], word in one["said"], bool(one["fix"])) for one in found] == [(level, True, True)]
    if level == "fault":
        assert main(["link", "start", "--dir", str(link.place.root)]) == 3
        assert "station's TLS" in capsys.readouterr().err


def test_of_a_socket_nothing_is_said_about_tls(link: Link, capsys: pytest.CaptureFixture[str]) -> None:
    assert "station's TLS" not in examined(link.place, capsys)[1]


@pytest.fixture
def answering(bureau: Bureau) -> Iterator[str]:
    with served(bureau, lambda request: request + b"!") as address:
        yield address


@pytest.mark.flower
def test_a_request_comes_to_a_station_on_another_machine_and_its_answer_back(bureau: Bureau, answering: str) -> None:
    with deployed() as found:
        request = found.begin()
        station_at(Link(found.place), answering)
        put_files(found.place.root, bureau)
        app_, digest = found.app("plain")
        found.admit(request, [digest])
        found.start()
        until(lambda: len(found.standing()) == 2, told=found.log.read_text)
        assert found.ask(app_) == [{"bytes": ["ask!"]}]
