"""The preview says what a station would send: checked against what a station does send."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from client.command import main
from client.ledger.ledger import Ledger
from client.ledger.release import Charge, ReleaseId
from client.policy import Policy, example_policy
from client.preview.preview import Preview, preview
from client.releasing import rho_within
from common.accounting.guarantee import Neighbouring, Unit
from common.messages import RoundReply
from common.noise.randomness import AesStream
from common.plan import Plan
from common.wire import decode, encode
from server.coordinator import Coordinator
from server.session import run_session
from simulations.bureaus import WorldClaims, gather_bureaus
from simulations.loopback import Loopback
from simulations.world import World
from tests.common.private_run import private_plan
from tests.simulations.private_plans import world_plan

SEED = AesStream(bytes(32))


@pytest.fixture(scope="module")
def plan() -> Plan:
    return world_plan(n_clusters=4, epsilon_thousandths=5000)


@pytest.fixture(scope="module")
def found(plan: Plan) -> Preview:
    return preview(plan, "110000", Policy(epsilon_per_release=8, epsilon_per_session=8), SEED)


def test_no_station_sends_more_than_was_shown_and_every_reply_has_the_bytes_that_were_shown(
    plan: Plan, found: Preview
) -> None:
    bureaus = gather_bureaus(WorldClaims(world=World(n_bureaus=3, n_claims=9000, seed=1)), plan.features, 200_000)
    with bureaus.stations(plan, 1, AesStream(bytes(32))) as stations, Loopback(stations, 1) as transport:
        report = run_session(Coordinator(plan, bytes(16), "test"), transport)
    shown = {one.first + place: one for one in found.rounds for place in range(one.times)}
    seeding = [one for one in report.rounds if one.phase == "seeding"]
    for closed in seeding:
        assert closed.n_centroids <= shown[closed.number].n_centroids
        assert closed.bytes_up <= shown[closed.number].message_bytes
        assert closed.cost == shown[closed.number].rho
    assert report.rounds[-1].cost == found.rounds[-1].rho
    assert sum(closed.cost for closed in report.rounds) == found.rho
    assert sum(closed.bytes_up for closed in report.rounds) <= found.total_bytes


def test_every_field_of_a_reply_is_shown_and_the_summary_is_its_parts(found: Preview) -> None:
    for one in found.rounds:
        assert set(one.fields) == set(RoundReply.model_fields)
        assert one.fields["summary"] == 8 * sum(part.words for part in one.parts)
        assert sum(part.rho for part in one.parts) == one.rho
        assert one.message_bytes > sum(size for name, size in one.fields.items() if name in {"summary", "head"})


def test_the_charge_is_what_the_plan_grants(found: Preview) -> None:
    assert 4.99 < found.epsilon <= 5.0
    assert found.rho == sum(one.rho * one.times for one in found.rounds)


def test_the_noise_shown_is_what_one_bureau_adds() -> None:
    alone = preview(private_plan(3), "x", Policy(), SEED)
    secure = private_plan(3, {"honest_floor": 4}, protection="secure")
    together = preview(secure, "x", Policy(), SEED)
    ratios = [
        a.noise_std / b.noise_std
        for one, other in zip(alone.rounds, together.rounds, strict=True)
        for a, b in zip(one.parts, other.parts, strict=True)
    ]
    assert ratios == pytest.approx([2.0] * len(ratios))


def test_the_example_is_a_reply_of_noise_alone(found: Preview, plan: Plan) -> None:
    reply = decode(found.example)
    assert isinstance(reply, RoundReply)
    assert encode(reply) == found.example
    words = np.frombuffer(reply.summary, "<i8")
    stds = np.repeat([part.noise_std for part in found.rounds[0].parts], [part.words for part in found.rounds[0].parts])
    assert 0.7 < (words / 2**20 / stds).std() < 1.3
    assert reply.fingerprint == plan.fingerprint


def test_what_the_policy_objects_to_is_said(plan: Plan) -> None:
    assert preview(plan, "x", Policy(), SEED).objections == (
        "its epsilon, its delta or whom it protects is not enough for the policy",
    )
    floor = Policy(cell_floor=20, epsilon_per_release=8, epsilon_per_session=8, protections=frozenset())
    assert len(preview(plan, "x", floor, SEED).objections) == 2


def test_a_plan_without_protection_has_no_preview(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = private_plan(3).model_dump() | {"protection": "none", "privacy": None}
    (tmp_path / "plan.json").write_bytes(Plan.model_validate(held).canonical())
    assert main(["preview", str(tmp_path / "plan.json")]) == 4
    assert "no protection: exact sums would leave" in capsys.readouterr().err


def test_the_command_shows_it_to_people_and_to_programs(
    tmp_path: Path, plan: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    file, policy = tmp_path / "plan.json", tmp_path / "policy.toml"
    file.write_bytes(plan.canonical() + b"\n")
    policy.write_text(example_policy().replace("session = 1.0", "session = 5.0"))
    assert main(["preview", str(file), "--policy", str(policy), "--bureau", "110000"]) == 0
    page = capsys.readouterr().out
    for words in (plan.fingerprint, "Nothing was sent", "参保人", "policy would let it take part", "epsilon 5"):
        assert words in page
    assert main(["preview", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["fingerprint"] == plan.fingerprint


def test_a_ledger_without_room_is_said(tmp_path: Path, plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    directory, file = tmp_path / "ledger", tmp_path / "plan.json"
    file.write_bytes(plan.canonical())
    Ledger.create(directory, clock=lambda: 1_700_000_000)
    policy = Policy(epsilon_per_release=8, epsilon_per_session=8)
    (tmp_path / "policy.toml").write_text(
        example_policy().replace("session = 1.0", "session = 8.0").replace("release = 1.0", "release = 8.0")
    )
    arguments = ["preview", str(file), "--policy", str(tmp_path / "policy.toml"), "--ledger", str(directory)]
    assert main(arguments) == 0
    assert "would let it take part" in capsys.readouterr().out
    with Ledger.open(directory, clock=lambda: 2_000_000_000) as ledger:
        name = ReleaseId(session=bytes(16), fingerprint="0" * 64, round=1, question="0" * 64)
        most = rho_within(policy.epsilon_per_year, policy.delta)
        charge = Charge(rho=most, unit=Unit.PERSON, neighbouring=Neighbouring.ADD_OR_REMOVE_ONE, data_version="v")
        ledger.reserve(name, charge, policy.limits(rho_within))
    assert main(arguments) == 0
    assert "is not enough for this run" in capsys.readouterr().out


@pytest.mark.parametrize("held", [b"{}", b"not a plan", b""])
def test_what_is_no_plan_is_refused(tmp_path: Path, held: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plan.json").write_bytes(held)
    assert main(["preview", str(tmp_path / "plan.json")]) == 4
    assert main(["preview", str(tmp_path / "nothing.json")]) == 3
    assert "cannot be read" in capsys.readouterr().err
