"""``fedclaims-bureau doctor`` finds what is planted, and says the fix; a station with a fault does not start."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from client.command import main
from client.deployment.doctor import surroundings
from client.ledger.ledger import CHAIN_FILE, Ledger
from common.plan import Plan, Protection
from tests.client.deployment.stations import NAMES, OWN, Home, plan_of, roster_of

PLAN = plan_of()
Plant = Callable[[Home], object]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    homes = [Home(tmp_path / name, name, place).begin(PLAN) for place, name in enumerate(NAMES)]
    homes[1].accept(roster_of(homes))
    return homes[1]


def examined(home: Home, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit code, and the worst finding of each check."""
    capsys.readouterr()
    code = main(["doctor", "--dir", str(home.root), "--json", *options])
    found = sorted(
        json.loads(capsys.readouterr().out), key=lambda one: ["fine", "warning", "fault"].index(one["level"])
    )
    said = {
        check: "; ".join(one["said"] for one in found if one["check"] == check)
        for check in {one["check"] for one in found}
    }
    return code, {one["check"]: one | {"said": said[one["check"]]} for one in found}


def plan_file(home: Home, plan: Plan) -> str:
    path = home.root.parent / "plan.json"
    path.write_bytes(plan.canonical())
    return str(path)


def test_a_whole_station_is_found_whole(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = examined(home, capsys, "--plan", plan_file(home, PLAN))
    assert code == 0, [one for one in found.values() if one["level"] == "fault"]
    assert {one["level"] for check, one in found.items() if check != "user"} == {"fine"}
    assert found["user"]["level"] == ("fine" if os.geteuid() else "warning")
    assert {"ledger", "clock", "identity", "roster", "claims", "policy", "socket", "disk", "memory", "plan"} <= set(
        found
    )


def rewrite(path: str, old: str, new: str) -> Plant:
    def plant(home: Home) -> None:
        held = (home.root / path).read_text()
        assert old in held
        (home.root / path).write_text(held.replace(old, new))

    return plant


def shorten_the_ledger(home: Home) -> None:
    path = home.root / "ledger" / CHAIN_FILE
    held = bytearray(path.read_bytes())
    held[40] ^= 1
    path.write_bytes(bytes(held))


def older_clock(home: Home) -> None:
    """The ledger's newest entry is of tomorrow."""
    with Ledger.open(home.root / "ledger", clock=lambda: int(time.time()) + 86_400) as ledger:
        ledger.mark("confirmed:00", bytes(32))


FAULTS: dict[str, tuple[str, Plant, str]] = {
    "a key that others may read": (
        "rights of pseudonym.key", lambda home: (home.root / "pseudonym.key").chmod(0o640), "chmod 600",
    ),
    "a directory that others may enter": ("rights of north", lambda home: home.root.chmod(0o755), "chmod 700"),
    "a policy that others may write": (
        "rights of policy.toml", lambda home: (home.root / "policy.toml").chmod(0o664), "chmod 644",
    ),
    "a missing key": ("ledger key", lambda home: (home.root / "ledger/station.key").unlink(), "restore"),
    "a short pseudonym key": (
        "pseudonym key", lambda home: (home.root / "pseudonym.key").write_bytes(b"short"), "restore",
    ),
    "another name": ("identity", rewrite("station.toml", 'name = "north"', 'name = "norht"'), "join request"),
    "a damaged ledger": ("ledger", shorten_the_ledger, "let nothing leave"),
    "a ledger that others saw longer": (
        "ledger", rewrite("station.toml", 'seen_head = ""', f'seen_head = "9:{"0" * 64}"'), "let nothing leave",
    ),
    "a clock that is behind": ("clock", older_clock, "set the clock"),
    "a policy that does not say everything": (
        "policy", rewrite("policy.toml", "min_cohort", "# min_cohort"), "mend policy.toml",
    ),
    "no claims": ("claims", lambda home: (home.root / "claims.parquet").unlink(), "mend the source"),
    "another mapping": ("claims", rewrite("station.toml", "nhsa_4101_wide", "sih_sus"), "the mapping"),
    "a socket path that is too long": (
        "socket", rewrite("station.toml", "run/station.sock", f"{'x' * 100}/station.sock"), "shorter",
    ),
    "a socket directory that is not there": ("socket", lambda home: (home.root / "run").rmdir(), "mkdir -m 750"),
    "a socket directory that others write": ("socket", lambda home: (home.root / "run").chmod(0o777), "chmod 750"),
    "no such group": ("socket group", rewrite("station.toml", 'group = ""', 'group = "nobodys-group"'), "groupadd"),
    "a damaged roster": ("roster", rewrite("consortium/roster.json", '"version": 1', '"version": 2'), "get the roster"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_with_its_fix_and_keeps_the_station_from_starting(
    home: Home, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    check, plant, fix = FAULTS[name]
    plant(home)
    code, found = examined(home, capsys)
    assert code == 1
    assert found[check]["level"] == "fault"
    assert fix in found[check]["fix"]
    assert main(["start", "--dir", str(home.root)]) == 3
    assert check in capsys.readouterr().err


def test_a_roster_that_has_expired_is_a_fault_and_one_that_soon_will_a_warning(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    for days, level in ((70, "warning"), (100, "fault")):
        monkeypatch.setattr(time, "time", lambda days=days: now + days * 86_400)
        assert examined(home, capsys)[1]["roster"]["level"] == level


def test_no_roster_is_a_warning_and_a_fault_where_only_masked_sums_may_leave(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path / "north").begin()
    assert examined(home, capsys)[1]["roster"]["level"] == "warning"
    home.root.joinpath("policy.toml").write_text(
        home.root.joinpath("policy.toml").read_text().replace('["noise", "secure"]', '["secure"]')
    )
    assert examined(home, capsys)[1]["roster"]["level"] == "fault"


def test_too_little_disk_and_memory_are_seen(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = SimpleNamespace(total=1 << 34, available=1 << 20)
    monkeypatch.setattr(surroundings.shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: machine)
    code, found = examined(home, capsys)
    assert (code, found["disk"]["level"], found["memory"]["level"]) == (1, "fault", "warning")


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("epsilon_per_session = 50.0", "epsilon_per_session = 1.0", "epsilon"),
        ("min_cohort = 3", "min_cohort = 2", ""),
        ('["secure"]', '["noise"]', "protection"),
        ("releases_per_day = 100", "releases_per_day = 3", "limits"),
        ("cell_floor = 11", "cell_floor = 12", "floor"),
    ],
)
def test_a_policy_is_held_against_a_plan(
    home: Home, capsys: pytest.CaptureFixture[str], old: str, new: str, word: str
) -> None:
    rewrite("policy.toml", old, new)(home)
    if "session" in old:
        rewrite("policy.toml", "epsilon_per_release = 50.0", "epsilon_per_release = 1.0")(home)
    code, found = examined(home, capsys, "--plan", plan_file(home, PLAN))
    assert code == bool(word)
    assert word in found["plan"]["said"]


def test_a_plan_for_persons_needs_a_mapping_that_knows_them(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    (home.root / "own.toml").write_text(OWN)
    rewrite("station.toml", 'nhsa_4101_wide"\n# Parquet', 'own.toml"\n# Parquet')(home)
    _, found = examined(home, capsys, "--plan", plan_file(home, PLAN))
    assert "persons" in found["plan"]["said"]
    assert found["persons"]["level"] == "fault"


def test_a_plan_without_protection_is_refused_by_name(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    bare = Plan.model_validate(PLAN.model_dump() | {"protection": Protection.NONE, "privacy": None})
    code, found = examined(home, capsys, "--plan", plan_file(home, bare))
    assert (code, "no protection" in found["plan"]["said"]) == (1, True)


def test_a_station_of_another_user_is_a_fault(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4_711)
    code, found = examined(home, capsys)
    assert (code, found["rights of identity.key"]["level"]) == (1, "fault")
    assert "chown" in found["rights of identity.key"]["fix"]
