"""Masked sums end to end: only the masks differ from adding up in the open, and nobody's absence fails a run."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from common.consortium.publishing import SignedPublication, insist_about, insist_signed
from common.consortium.roster import Role
from common.consortium.signed import SignedRoster
from common.masked_messages import Invite, MaskedOffer, MaskedResult, Members, Ready, Survivors
from common.model import Model, model_of
from common.noise.randomness import AesStream, RandomBytes
from common.plan import Plan, Protection
from common.private.asked import PrivateOutcome, PrivateRound
from common.private.noising import noised
from common.private.question import blocks, counted_on
from common.replay.session import replayed
from common.replay.transcript import messages_in
from common.schedule import AnyOutcome, AnyRound, first_asked, next_asked
from common.wire import decode
from server.command import main as coordinator_main
from server.session import SessionReport
from simulations.bureaus import Bureaus, WorldClaims, gather_bureaus
from simulations.command import main
from simulations.conducting import conduct
from simulations.consortium import simulated_consortium
from simulations.loopback import Loopback
from simulations.world import World
from tests.client.masked.parties import opened_sums
from tests.simulations.private_plans import world_plan

Words = npt.NDArray[np.int64]
LATE = MaskedOffer | Members | Invite | Survivors | MaskedResult


def bureaus_of(n_bureaus: int) -> Bureaus:
    plan = world_plan()
    world = World(n_bureaus=n_bureaus, n_claims=6000, seed=4)
    return gather_bureaus(WorldClaims(world=world), plan.features, plan.cost_cap_yuan)


@pytest.fixture(scope="module", params=[3, 10])
def bureaus(request: pytest.FixtureRequest) -> Iterator[Bureaus]:
    found = bureaus_of(request.param)
    yield found
    found.close()


def plan_for(n_bureaus: int) -> Plan:
    floor = max(2, 2 * n_bureaus // 3 - 1)
    terms = {"epsilon_thousandths": 20_000, "honest_floor": floor, "leaves_per_cluster": 2, "expected_units": 10**6}
    plan = world_plan(4, Protection.SECURE, **terms)
    return Plan.model_validate(plan.model_dump() | {"min_cohort": 2 * n_bureaus // 3 + 1})


def seeded(seed: int) -> Callable[[int], bytes]:
    """Seeds of noise, the same in every run on one thread."""
    return AesStream(seed.to_bytes(32, "big"))


class Shuffled(Loopback):
    """Stations answer in one order, and replies come in another."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self._rng = np.random.default_rng(3)

    def exchange(self, requests: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        found = list(super().exchange(requests))
        yield from (found[place] for place in self._rng.permutation(len(found)))


def masked(bureaus: Bureaus, transport: type[Loopback] = Loopback) -> tuple[SessionReport, list[bytes]]:
    """A run under masks, and its transcript."""
    plan, transcript = plan_for(len(bureaus.by_name)), list[bytes]()
    with bureaus.stations(plan, 1, seeded(6)) as stations, transport(stations, 1) as talk:
        report = conduct(plan, tuple(sorted(stations)), talk, lambda _: None, transcript.append)
    return report, transcript


@dataclass(frozen=True)
class InTheOpen:
    """The same rows and the same noise, added up as whole numbers."""

    sums: list[bytes]
    first_answers: list[bytes]
    outcome: PrivateOutcome


@pytest.fixture(scope="module")
def opened(bureaus: Bureaus) -> InTheOpen:
    plan, source = plan_for(len(bureaus.by_name)), seeded(6)
    sums, firsts = list[bytes](), list[bytes]()
    asked: AnyRound | AnyOutcome = first_asked(plan)
    while isinstance(asked, PrivateRound):
        words = [_noised(plan, bureaus, name, asked, source) for name in sorted(bureaus.by_name)]
        total = np.sum([one.astype(object) for one in words], axis=0).astype(np.int64)
        sums.append(total.tobytes())
        firsts = firsts or [one.tobytes() for one in words]
        asked = next_asked(plan, asked, total, len(bureaus.by_name))
    assert isinstance(asked, PrivateOutcome)
    return InTheOpen(sums=sums, first_answers=firsts, outcome=asked)


def _noised(plan: Plan, bureaus: Bureaus, name: str, asked: PrivateRound, source: RandomBytes) -> Words:
    assert plan.privacy is not None
    n_centroids, n_features = asked.centroids.shape
    parts = blocks(plan.privacy, asked.phase, n_centroids, n_features, asked.cost)
    raw = bureaus.by_name[name].store.answer(asked.question, plan.privacy)
    return noised(raw, parts, counted_on(plan), AesStream(source(32))).words


@pytest.mark.parametrize("transport", [Loopback, Shuffled])
def test_sums_and_model_are_those_of_adding_up_in_the_open_bit_for_bit(
    bureaus: Bureaus, opened: InTheOpen, transport: type[Loopback]
) -> None:
    report, transcript = masked(bureaus, transport)
    found = opened_sums(transcript)
    assert [held for _, held in found.values()] == opened.sums
    assert {names for names, _ in found.values()} == {tuple(sorted(bureaus.by_name))}
    assert report.model == model_of(report.model.plan, opened.outcome, report.model.provenance)
    assert not any(held in message for message in transcript for held in opened.first_answers)


def test_the_transcript_replays_to_the_same_model(bureaus: Bureaus) -> None:
    report, transcript = masked(bureaus)
    found = replayed(iter(transcript), simulated_consortium(tuple(sorted(bureaus.by_name))).roster)
    assert found.model == report.model
    assert found.exact


class Unreliable(Loopback):
    """One bureau dies after its third round; another's first answer to everything is lost but while keys are shown."""

    dead, slow = "", ""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self._heard: set[bytes] = set()
        self._round = 0

    def exchange(self, requests: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        for node, reply in super().exchange(requests):
            message, again = decode(requests[node]), requests[node] in self._heard
            self._round = message.number if isinstance(message, Invite) else self._round
            if node == self.slow:
                self._heard.add(requests[node])
            gone = (node == self.dead and self._round > 3) or (node == self.slow and not again)
            if not gone or isinstance(message, MaskedResult):
                yield node, reply


def test_a_dead_bureau_and_a_slow_one_never_fail_a_run_of_ten() -> None:
    bureaus = bureaus_of(10)
    names = sorted(bureaus.by_name)
    Unreliable.dead, Unreliable.slow = names[2], names[5]
    try:
        report, transcript = masked(bureaus, Unreliable)
    finally:
        bureaus.close()
    assert report.lost == (names[2],)
    assert names[5] in report.model.provenance.cohort
    assert all(one.inertia is not None or one.phase == "radius" for one in report.rounds), "no round was lost"
    found = replayed(iter(transcript), simulated_consortium(tuple(names)).roster)
    assert [len(one.survivors) for one in found.rounds[:4]] == [10, 10, 10, 9]
    assert sum(isinstance(decode(held), Ready) for held in transcript) == 10


GIVEN = ["--bureaus", "3", "--claims-total", "9000", "--clusters", "4", "--epsilon", "9", "--no-reference"]


def test_the_command_leaves_a_transcript_that_the_coordinators_command_replays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main([*GIVEN, "--out", str(out)]) == 0
    files = {path.name for path in out.iterdir()}
    expected = {"result.json", "model.json", "report.html", "plan.json"}
    assert files == expected | {"transcript.bin", "roster.json", "publication.json"}
    model = Model.model_validate_json((out / "model.json").read_bytes())
    signed = SignedRoster.from_json((out / "roster.json").read_bytes())
    assert signed.missing() == 0
    publication = SignedPublication.from_json((out / "publication.json").read_bytes())
    insist_signed(publication, signed.roster, frozenset({Role.COORDINATOR}))
    insist_about(publication.publication, (out / "model.json").read_bytes(), model.plan.features.fingerprint)
    with (out / "transcript.bin").open("rb") as file:
        assert replayed(messages_in(file.read), signed.roster).model == model
    capsys.readouterr()
    assert coordinator_main(["replay", str(out / "transcript.bin"), "--roster", str(out / "roster.json")]) == 0
    assert model.centroids_sha256 in capsys.readouterr().out


def test_a_run_without_masks_takes_an_older_transcript_away(tmp_path: Path) -> None:
    for name in ("transcript.bin", "roster.json", "publication.json"):
        (tmp_path / name).write_bytes(secrets.token_bytes(8))
    given = ["--bureaus", "3", "--claims-total", "300", "--clusters", "2", "--no-reference", "--protection", "none"]
    assert main([*given, "--out", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"result.json", "model.json", "report.html", "plan.json"}


def test_a_run_that_fails_leaves_no_part_of_a_transcript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from simulations import command  # noqa: PLC0415

    def failing(*_: object) -> object:
        raise OSError

    monkeypatch.setattr(command, "render_report", failing)
    assert main([*GIVEN, "--out", str(tmp_path / "out")]) == 3
    assert not (tmp_path / "out").exists()
