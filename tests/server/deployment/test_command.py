"""The commands: a directory that is whole or not there, exit codes, JSON, links, checks with their fixes."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from common.consortium.linking import LinkAdmission, LinkRequest
from common.plan import Plan, Protection
from server.command import main
from server.deployment.bundle import bundle_digest
from server.deployment.configuration import load_configuration
from server.deployment.place import alone
from server.deployment.plan_file import load_plan
from server.deployment.stopping import Stop, forget_stop, order_stop, ordered_stop
from server.deployment.templates import plan_toml
from server.registry.run import State, WantedBy
from tests.server.deployment.coordinators import NAMES, Seat
from tests.server.deployment.rehearsed import hold

Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def seat(tmp_path: Path) -> Seat:
    return Seat(tmp_path / "c").begin()


def request_of(path: Path, name: str) -> Path:
    node, client = (ec.generate_private_key(ec.SECP384R1()) for _ in range(2))
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(client, hashes.SHA384())
    request = LinkRequest.of(name, node, csr.public_bytes(Encoding.PEM).decode())
    path.write_bytes(request.to_json())
    return path


def findings(seat: Seat, capsys: Capsys) -> dict[str, dict[str, str]]:
    capsys.readouterr()
    code = main(["doctor", "--dir", str(seat.root), "--json"])
    found = {one["check"]: one for one in json.loads(capsys.readouterr().out)}
    assert code == int(any(one["level"] == "fault" for one in found.values()))
    assert all(one["fix"] for one in found.values() if one["level"] != "fine")
    return found


def test_init_makes_a_private_directory_that_can_be_used(seat: Seat) -> None:
    assert stat.S_IMODE(seat.root.stat().st_mode) == 0o700
    open_to_others = [
        path for path in seat.root.rglob("*") if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077
    ]
    assert open_to_others == []
    assert load_configuration(seat.place.configuration).name == "coordinator"


def test_the_plan_that_init_writes_is_a_secure_one_for_persons(tmp_path: Path) -> None:
    seat = Seat(tmp_path / "c").begin()
    seat.place.plan.write_text(plan_toml())
    plan = load_plan(seat.place.plan)
    assert (plan.protection, plan.n_clusters, plan.min_cohort) == (Protection.SECURE, 32, 3)
    assert plan.privacy is not None
    assert (plan.privacy.epsilon_thousandths, plan.privacy.delta_billionths) == (1000, 1000)


def test_init_is_all_or_nothing_and_writes_over_nothing(
    seat: Seat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = seat.place.configuration.read_bytes()
    given = ["--name", "c", "--host", "localhost"]
    assert main(["init", "--dir", str(seat.root), *given]) == 3
    assert seat.place.configuration.read_bytes() == before
    monkeypatch.setattr("server.deployment.beginning.plan_toml", lambda: "clusters = 0\nexpected_units = 1\n")
    assert main(["init", "--dir", str(tmp_path / "d"), *given]) == 4
    assert not [path for path in tmp_path.iterdir() if path != seat.root]


@pytest.mark.parametrize("given", [["--host", "h"], ["--name", "c"], ["--name", "c", "--host", "h", "--what"]])
def test_wrong_options_are_2(given: list[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["init", "--dir", str(tmp_path / "c"), *given])
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["status"], 0),
        (["runs", "--limit", "3"], 0),
        (["models"], 0),
        (["link", "list"], 0),
        (["stop"], 0),
        (["plan"], 0),
        (["run"], 0),
        (["run", "--wait"], 7),
        (["show", "99"], 3),
        (["models", "export", "1", "--out", "out"], 3),
        (["link", "revoke", "nobody"], 3),
        (["start"], 3),
    ],
)
def test_exit_codes_are_those_of_the_help(seat: Seat, command: list[str], code: int) -> None:
    assert main([*command, "--dir", str(seat.root)]) == code


def test_a_directory_that_is_none_is_3(tmp_path: Path, capsys: Capsys) -> None:
    assert main(["status", "--dir", str(tmp_path)]) == 3
    assert "fedclaims-coordinator init" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[log]", "[log]\nunknown = 1"),
        ('url = "sqlite"', 'url = "postgresql+psycopg://me:PASSWORD-0815@h/d"'),
        ("# every = ", "every = 3600 # "),
        ('patience = "2m"', 'patience = "0s"'),
    ],
)
def test_a_configuration_that_cannot_be_used_is_named_and_not_quoted(
    seat: Seat, old: str, new: str, capsys: Capsys
) -> None:
    seat.configure(old, new)
    assert main(["status", "--dir", str(seat.root)]) == 3
    said = capsys.readouterr().err
    assert "needs mending" in said
    assert "PASSWORD-0815" not in said


@pytest.mark.parametrize(
    ("old", "new"), [("clusters = 3", "clusters = 3\nepsilons = 1"), ("epsilon = 10.0", "epsilon = 0.0001")]
)
def test_a_plan_that_cannot_be_used_is_3_or_4(seat: Seat, old: str, new: str) -> None:
    seat.place.plan.write_text(seat.plan_text.replace(old, new))
    assert main(["plan", "--dir", str(seat.root)]) in {3, 4}


def test_the_plan_that_is_given_out_is_the_one_that_runs(seat: Seat, tmp_path: Path, capsys: Capsys) -> None:
    told = seat.tell(capsys, "plan", "--out", str(tmp_path / "plan.json"))
    held = (tmp_path / "plan.json").read_bytes()
    assert Plan.from_canonical(held) == seat.plan
    assert told["fingerprint"] == seat.plan.fingerprint
    assert main(["plan", "--dir", str(seat.root), "--out", str(tmp_path / "plan.json")]) == 3


def test_a_link_of_the_roster_is_let_in_with_a_certificate_and_the_bundle(
    seat: Seat, tmp_path: Path, capsys: Capsys
) -> None:
    hold(seat, NAMES)
    request, out = request_of(tmp_path / "r.json", "north"), tmp_path / "admission.json"
    told = seat.tell(capsys, "link", "admit", str(request), "--out", str(out))
    admission = LinkAdmission.from_json(out.read_bytes())
    assert told["admission"] == admission.digest
    assert admission.bundles == (bundle_digest(seat.place),)
    assert admission.superlink == f"localhost:{seat.office.configuration.proxy.port}"
    root, own = (x509.load_pem_x509_certificate(pem.encode()) for pem in (admission.root, admission.certificate))
    own.verify_directly_issued_by(root)
    (listed,) = seat.tell(capsys, "link", "list")
    assert (listed["name"], listed["revoked"], listed["node"]) == ("north", None, None)
    assert seat.tell(capsys, "link", "revoke", "north")["certificates"] == 1
    assert seat.tell(capsys, "link", "list")[0]["revoked"]


def test_a_stranger_a_second_link_and_nonsense_are_not_let_in(seat: Seat, tmp_path: Path) -> None:
    hold(seat, NAMES)

    def admit(path: Path, out: str) -> int:
        return main(["link", "admit", str(path), "--dir", str(seat.root), "--out", str(tmp_path / out)])

    assert admit(request_of(tmp_path / "stranger.json", "stranger"), "1") == 5
    assert admit(request_of(tmp_path / "coordinator.json", "coordinator"), "2") == 5
    assert admit(request_of(tmp_path / "first.json", "north"), "3") == 0
    assert admit(request_of(tmp_path / "second.json", "north"), "4") == 3
    (tmp_path / "nonsense.json").write_text("{}")
    assert admit(tmp_path / "nonsense.json", "5") == 3
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.isdigit()) == ["3"]
    assert [node.name for node in seat.office.registry.nodes.all()] == ["north"]


def test_runs_are_told_without_the_code_that_starts_them(seat: Seat, capsys: Capsys) -> None:
    run = seat.office.registry.runs.order(WantedBy.OPERATOR, 5)
    for command in (["runs"], ["show", str(run.number)], ["status"]):
        assert run.code not in json.dumps(seat.tell(capsys, *command))
    assert run.code not in repr(run)


def test_stop_now_closes_what_is_open_even_if_no_service_runs(seat: Seat, capsys: Capsys) -> None:
    runs = seat.office.registry.runs
    first, second = (runs.order(WantedBy.OPERATOR, 5) for _ in range(2))
    runs.start(first.number)
    told = seat.tell(capsys, "stop", "--now")
    assert told == {"was_running": False, "runs_closed": [first.number, second.number], "ended": True}
    assert {run.state for run in runs.newest(5)} == {State.ABANDONED}


def test_an_order_to_stop_is_kept_until_the_service_starts_again(seat: Seat) -> None:
    assert ordered_stop(seat.place) is None
    order_stop(seat.place, Stop.AFTER_RUN)
    assert ordered_stop(seat.place) is Stop.AFTER_RUN
    seat.place.stop.write_text("something else")
    assert ordered_stop(seat.place) is Stop.NOW
    forget_stop(seat.place)
    assert ordered_stop(seat.place) is None


def test_one_service_at_a_time_has_a_directory(seat: Seat) -> None:
    with alone(seat.place):
        assert main(["start", "--dir", str(seat.root)]) == 7


def test_doctor_says_all_is_well_or_what_to_do(seat: Seat, capsys: Capsys) -> None:
    found = findings(seat, capsys)
    assert found["roster"]["level"] == "fault"
    hold(seat, NAMES)
    found = findings(seat, capsys)
    assert {check for check, one in found.items() if one["level"] != "fine"} <= {
        "user",
        "SuperLink",
        "proxy",
        "other users",
    }
    assert "3 bureaus" in found["roster"]["said"]
    assert "phi" in found["feasibility"]["said"]


def _mode(seat: Seat) -> None:
    (seat.place.authority / "authority.key").chmod(0o640)


def _clock(seat: Seat) -> None:
    seat.office.registry.runs.order(WantedBy.OPERATOR, 4_000_000_000)


def _host(seat: Seat) -> None:
    seat.configure('host = "localhost"', 'host = "no-such-host.invalid"')


def _plan(seat: Seat) -> None:
    seat.place.plan.write_text(seat.plan_text.replace("expected_units = 20000", "expected_units = 3"))


def _terms(seat: Seat) -> None:
    seat.place.plan.write_text("min_cohort = 2\n" + seat.plan_text)


def _key(seat: Seat) -> None:
    seat.configure('name = "coordinator"', 'name = "somebody"')


def _bundle(seat: Seat) -> None:
    seat.office.registry.nodes.admit("north", "key", "e" * 64, 1)


def _certificate(seat: Seat) -> None:
    (seat.place.authority / "server-superlink.pem").unlink()


def _registry(seat: Seat) -> None:
    seat.place.registry.write_bytes(b"nonsense" * 1000)


def test_doctor_tells_of_a_clock_that_ran_ahead_until_somebody_says_that_it_is_right_now(
    seat: Seat, capsys: Capsys
) -> None:
    hold(seat, NAMES)
    _clock(seat)
    found = findings(seat, capsys)
    assert (found["clock"]["level"], "fault" in {one["level"] for one in found.values()}) == ("warning", False)
    assert "--clock-is-right" in found["clock"]["fix"]
    told = seat.tell(capsys, "doctor", "--clock-is-right")
    assert {one["check"]: one["level"] for one in told}["clock"] == "fine"
    assert findings(seat, capsys)["clock"]["level"] == "fine"
    seat.office.registry.runs.order(WantedBy.OPERATOR, 4_000_000_001)
    assert findings(seat, capsys)["clock"]["level"] == "warning"


@pytest.mark.parametrize(
    ("break_it", "check"),
    [
        (_mode, "rights of authority.key"),
        (_host, "host"),
        (_plan, "plan"),
        (_terms, "terms"),
        (_key, "roster"),
        (_bundle, "bundle"),
        (_certificate, "superlink's certificate"),
        (_registry, "registry"),
    ],
)
def test_doctor_finds_what_is_wrong_and_says_the_fix(seat: Seat, break_it: Any, check: str, capsys: Capsys) -> None:
    hold(seat, NAMES)
    break_it(seat)
    found = findings(seat, capsys)
    assert found[check]["level"] == "fault"
    assert found[check]["fix"]
