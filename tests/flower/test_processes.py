"""The engine of processes: a real deployment on this machine, and nothing of it afterwards."""

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from client.ledger.ledger import Ledger
from common.errors import CohortError, EngineError
from common.plan import Plan, Protection
from server.session import RoundReport
from simulations import bureaus
from simulations.command import main
from simulations.engines import loopback_engine
from simulations.ledgers import passing_ledgers
from simulations.processes.children import Children
from simulations.processes.engine import run_over_processes
from simulations.processes.rehearsal import Rehearsal, rehearsing
from simulations.terms import fitted
from simulations.world import World
from tests.common.open_run import plan_of
from tests.flower.test_engine import marked_by
from tests.flower.worlds import BUREAUS, N_FEATURES, failing_from, stations_of
from tests.simulations.private_plans import world_plan

THREE = BUREAUS[:3]
PLANTED = b"Jane"


def quick_plan() -> Plan:
    return plan_of(N_FEATURES, n_clusters=4, fewest_leaves=8, min_cohort=3, max_rounds=8)


@pytest.fixture(scope="module", autouse=True)
def _base(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Made before a test has a temporary directory of its own that would take it along in the end."""
    tmp_path_factory.getbasetemp()


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Every file of a run, as it was just before all was stopped."""
    found: dict[str, bytes] = {}
    stop = Children.stop

    def stop_and_keep(self: Children) -> None:
        for path in self._directory.parent.rglob("*"):
            if path.is_file():
                found[str(path.relative_to(self._directory.parent))] = path.read_bytes()
        stop(self)

    monkeypatch.setattr(Children, "stop", stop_and_keep)
    return found


@contextmanager
def leaving_nothing(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FEDCLAIMS_TEST_RUN", told := f"run-of-{os.getpid()}")
    yield
    assert [one for one in marked_by(told) if one.pid != os.getpid()] == []
    assert list(temporary.iterdir()) == []


def command_lines(word: str) -> list[str]:
    """Of our descendants whose command has a word in it."""
    lines = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]
    return [line for line in lines if word in line]


def listening() -> set[str]:
    """Where our descendants listen, and so may others."""
    found = psutil.Process().children(recursive=True)
    sockets = [one for child in found for one in child.net_connections("inet")]
    return {one.laddr.ip for one in sockets if one.status == psutil.CONN_LISTEN}


@pytest.mark.flower
def test_over_processes_the_hash_is_that_of_loopback_and_nothing_is_left(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, kept: dict[str, bytes]
) -> None:
    plan, closed, seen = quick_plan(), list[RoundReport](), list[object]()

    def look(report: RoundReport) -> None:
        closed.append(report)
        if report.number == 1:
            seen.extend([command_lines("flower-superlink"), command_lines("client.link.supernode"), listening()])

    with leaving_nothing(temporary, monkeypatch):
        report = run_over_processes(stations_of(plan, THREE), plan, on_round=look)
    expected = loopback_engine(1)(stations_of(plan, THREE), plan, lambda _: None)
    assert report.model.centroids_sha256 == expected.model.centroids_sha256
    assert report.bytes_up == expected.bytes_up
    assert tuple(closed) == report.rounds
    (superlink,), supernodes, addresses = seen  # type: ignore[misc]
    assert "--enable-supernode-auth" in superlink
    assert "--ssl-certfile" in superlink
    assert len(supernodes) == 3
    assert all("--isolation process" in line and "--auth-supernode-private-key" in line for line in supernodes)
    assert "--insecure" not in " ".join([superlink, *supernodes])
    assert addresses == {"127.0.0.1"}
    travelled = {Path(name).name for name in kept if "/apps/" in name}
    assert travelled == {"pyproject.toml"}, "no code"


@pytest.mark.flower
def test_a_protected_run_ends_with_a_model_and_charges_every_bureau(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledgers: dict[str, Ledger] = {}

    @contextmanager
    def watched(names: list[str]) -> Iterator[dict[str, Ledger]]:
        with passing_ledgers(names) as opened:
            ledgers.update(opened)
            yield opened

    monkeypatch.setattr(bureaus, "passing_ledgers", watched)
    division = {"passes_per_level": 1, "polish_rounds": 1}
    terms = {"leaves_per_cluster": 1, "division": division, "epsilon_thousandths": 20_000}
    plan, claims = (
        world_plan(2, Protection.SECURE, **terms),
        bureaus.WorldClaims(world=World(n_bureaus=3, n_claims=3000, seed=4)),
    )
    gathered, messages = bureaus.gather_bureaus(claims, plan.features, plan.cost_cap_yuan), list[bytes]()
    plan = fitted(plan, 3, gathered.n_claims, gathered.n_persons)
    with leaving_nothing(temporary, monkeypatch), gathered.stations(plan, 1) as stations:
        report = run_over_processes(stations, plan, record=messages.append)
        spent = {name: sum(ledger.spending.by_session.values()) for name, ledger in ledgers.items()}
    gathered.close()
    assert len(report.model.clusters) == 2
    assert report.model.provenance.cohort == tuple(sorted(gathered.by_name))
    assert spent.keys() == gathered.by_name.keys()
    assert all(charge > 0 for charge in spent.values())
    assert messages, "the transcript of masked sums was handed over"


@pytest.mark.flower
def test_what_a_station_fails_with_reaches_no_file_of_the_run_and_nothing_is_left(
    temporary: Path, monkeypatch: pytest.MonkeyPatch, kept: dict[str, bytes]
) -> None:
    plan = quick_plan()
    stations = stations_of(plan, THREE) | {"east": failing_from(stations_of(plan)["east"], 2)}
    with leaving_nothing(temporary, monkeypatch), pytest.raises(CohortError, match="2 bureaus take part"):
        run_over_processes(stations, plan)
    assert any(b"STATION_SILENT" in held for held in kept.values()), "it did fail, and its courier said so"
    assert [name for name, held in kept.items() if PLANTED in held] == []


SCRIPT = """
from tests.flower.test_processes import THREE, quick_plan
from tests.flower.worlds import stations_of
from simulations.processes.engine import run_over_processes
run_over_processes(stations_of(quick_plan(), THREE), quick_plan())
"""


def until(happened: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


@pytest.mark.flower
def test_after_ctrl_c_over_processes_nothing_is_left() -> None:
    with tempfile.TemporaryDirectory(prefix="fc", dir="/tmp") as temporary:
        command = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", SCRIPT],
            env=os.environ | {"TMPDIR": temporary, "PYTHONPATH": str(Path(__file__).parents[2])},
            stderr=subprocess.PIPE,
            text=True,
        )
        until(lambda: len(marked_by(temporary)) > 5)
        command.send_signal(signal.SIGINT)
        _, told = command.communicate(timeout=60)
        assert "KeyboardInterrupt" in told
        assert marked_by(temporary) == []
        assert list(Path(temporary).iterdir()) == []


@pytest.mark.flower
def test_after_the_command_is_killed_every_process_ends_by_itself() -> None:
    with tempfile.TemporaryDirectory(prefix="fc", dir="/tmp") as temporary:
        command = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", SCRIPT],
            env=os.environ | {"TMPDIR": temporary, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        until(lambda: len(marked_by(temporary)) > 9)
        command.kill()
        command.wait()
        until(lambda: marked_by(temporary) == [], 10.0)


@pytest.fixture(scope="module")
def superlink() -> Iterator[Rehearsal]:
    """A SuperLink without bureaus."""
    with tempfile.TemporaryDirectory(prefix="fc", dir="/tmp") as temporary, rehearsing(Path(temporary) / "r") as found:
        found.start_superlink()
        found.await_superlink()
        yield found


@pytest.mark.flower
def test_a_client_without_tls_is_refused(superlink: Rehearsal) -> None:
    connection = http.client.HTTPConnection(superlink.address, timeout=5.0)
    connection.request("GET", "/health")
    with pytest.raises((http.client.HTTPException, OSError)):
        connection.getresponse()
    connection.close()


@pytest.mark.flower
def test_a_client_that_trusts_others_does_not_believe_the_superlink(superlink: Rehearsal) -> None:
    for trust, believed in ((None, False), (superlink.root, True)):
        context = ssl.create_default_context(cafile=trust and str(trust))
        connection = http.client.HTTPSConnection(superlink.address, timeout=5.0, context=context)
        if believed:
            connection.request("GET", "/health")
            assert connection.getresponse().status == 200
        else:
            with pytest.raises(ssl.SSLCertVerificationError):
                connection.request("GET", "/health")
        connection.close()


@pytest.mark.flower
def test_a_supernode_with_no_key_or_one_that_is_not_registered_is_refused(
    superlink: Rehearsal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    register, start = superlink._registration, superlink.children.start

    def but_bureau_1(key: Path) -> list[str]:
        return [sys.executable, "-c", ""] if "bureau-1" in str(key) else register(key)

    def bureau_2_without_key(name: str, *command: str, home: Path | None = None) -> object:
        if name == "SuperNode of bureau-2":
            place = command.index("--auth-supernode-private-key")
            command = (*command[:place], *command[place + 2 :])
        return start(name, *command, home=home)

    monkeypatch.setattr(superlink, "_registration", but_bureau_1)
    monkeypatch.setattr(superlink.children, "start", bureau_2_without_key)
    superlink.admit(tmp_path, 3, "ab" * 32)
    superlink.start_couriers()
    superlink.start_supernodes()
    told, admitted = superlink.children._told, "SuperNode ID"
    names = [f"SuperNode of bureau-{place}" for place in range(3)]
    until(lambda: all(admitted in told(name) or "Exit Code" in told(name) for name in names))
    assert [admitted in told(name) for name in names] == [True, False, False]
    until(superlink.children.ended)
    with pytest.raises(EngineError, match=r"^the SuperNode of bureau-[12] ended.*: ERROR.*initialize the connection"):
        superlink.children.insist_on_life()


@pytest.mark.slow
@pytest.mark.flower
def test_the_command_finds_what_it_finds_over_loopback(tmp_path: Path) -> None:
    hashes = set()
    for name in ("loopback", "processes"):
        given = ["--engine", name, "--bureaus", "3", "--claims-total", "20000", "--protection", "none"]
        assert main([*given, "--no-reference", "--out", str(tmp_path / name)]) == 0
        hashes.add(json.loads((tmp_path / name / "result.json").read_text())["centroids_sha256"])
    assert len(hashes) == 1
