"""Conducting an order: what is left in the registry, however a session ends."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.consortium.publishing import insist_follows, insist_signed
from common.consortium.roster import Role
from common.model import Model
from common.replay.session import replayed
from common.replay.transcript import messages_in
from server.deployment.conducting import conduct
from server.deployment.watching import LEFT_OPEN, Watch
from server.registry.run import Purpose, State, WantedBy
from simulations.consortium import simulated_consortium
from tests.server.deployment.coordinators import QUICK
from tests.server.deployment.rehearsed import InProcess, Rehearsed, rehearsed

NONE = 'clusters = 3\nexpected_units = 20000\nprotection = "none"\nmax_rounds = 8\n'


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rehearsed]:
    with rehearsed(tmp_path, monkeypatch, QUICK) as found:
        yield found


def test_a_run_leaves_rounds_heads_a_whole_transcript_and_a_signed_model(three: Rehearsed) -> None:
    first = three.ordered()
    three.conduct(first)
    run = three.found(first)
    assert (run.state, run.reason, run.cohort, run.model) == (State.DONE, "", three.names, 1)
    assert run.fingerprint == three.seat.plan.fingerprint
    assert set(run.heads) == set(three.names)
    registry = three.office.registry
    assert [one["place"] for one in registry.runs.rounds(run.number)] == list(range(1, 8))
    kept = registry.runs.transcript(run.number)
    assert kept is not None
    path = three.seat.place.transcripts / kept.path
    assert (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size) == (kept.sha256, kept.bytes)
    roster, published = simulated_consortium(three.names).roster, registry.models.find(1)
    assert published is not None
    with path.open("rb") as file:
        assert replayed(messages_in(file.read), roster).model.to_json() == published.model
    insist_signed(published.signed, roster, frozenset({Role.COORDINATOR}))
    second = three.ordered()
    three.conduct(second)
    newest = registry.models.newest()
    assert newest is not None
    insist_follows(newest, published.signed.publication)
    assert (newest.version, newest.previous) == (2, published.signed.publication.digest)


def test_past_outcomes_are_counted_around_the_newest_model_and_published_as_the_next_version(three: Rehearsed) -> None:
    early = three.ordered(Purpose.OUTCOMES)
    three.conduct(early)
    assert three.found(early).state is State.FAILED
    assert "no model was published" in three.found(early).reason
    three.conduct(three.ordered())
    counting = three.ordered(Purpose.OUTCOMES)
    three.conduct(counting)
    run, registry = three.found(counting), three.office.registry
    assert (run.state, run.reason, run.purpose, run.model) == (State.DONE, "", Purpose.OUTCOMES, 2)
    assert [one["phase"] for one in registry.runs.rounds(run.number)] == ["measure", "outcomes"]
    models = [registry.models.find(version) for version in (1, 2)]
    first, second = (Model.model_validate_json(one.model) for one in models if one is not None)
    assert sorted(first.centroids) == sorted(second.centroids)
    assert first.outcomes is None
    assert second.outcomes is not None


def test_too_few_bureaus_fail_the_run_with_the_reason_and_who_was_there(three: Rehearsed) -> None:
    three.transport.absent.add(three.names[0])
    run = three.ordered()
    three.conduct(run)
    found = three.found(run)
    assert found.state is State.FAILED
    assert "2 bureaus take part" in found.reason
    assert found.cohort == three.names[1:]
    assert three.office.registry.models.newest() is None
    assert list(three.seat.place.transcripts.glob("*.part")) == []


def test_without_an_order_that_starts_nothing_happens(three: Rehearsed) -> None:
    waiting = three.office.registry.runs.order(three.ordered().wanted_by, three.clock())
    for code in ("", "nonsense", waiting.code):
        conduct(three.office, code, lambda _: pytest.fail("a transport was asked for"))
    assert three.found(waiting).state is State.ORDERED


def test_a_run_that_is_closed_by_others_goes_no_further_than_the_open_round(three: Rehearsed) -> None:
    run, runs = three.ordered(), three.office.registry.runs
    answer = next(iter(three.transport.stations.values()))

    def closing(request: bytes) -> bytes:
        if len(runs.rounds(run.number)) == 2:
            runs.close(run.number, State.ABANDONED, "stopped", three.clock())
        return answer(request)

    three.transport.stations = dict(three.transport.stations) | {three.names[0]: closing}
    three.conduct(run)
    found = three.found(run)
    assert (found.state, found.reason) == (State.ABANDONED, "stopped")
    assert len(runs.rounds(run.number)) == 2
    assert three.office.registry.models.newest() is None


def test_a_plan_that_cannot_be_read_fails_the_run_with_its_reason(three: Rehearsed) -> None:
    three.seat.place.plan.write_text("clusters = 0\nexpected_units = 1\n")
    run = three.ordered()
    three.conduct(run)
    found = three.found(run)
    assert found.state is State.FAILED
    assert "plan.toml makes no plan: n_clusters" in found.reason


def test_a_reply_under_another_bureaus_name_is_dropped(three: Rehearsed) -> None:
    first, second, third = three.names
    stations = dict(three.transport.stations)
    three.transport.stations = {first: stations[first], second: stations[first], third: stations[third]}
    run = three.ordered()
    three.conduct(run)
    assert three.found(run).cohort == (first, third)
    assert three.found(run).state is State.FAILED


def test_what_an_earlier_service_left_open_is_closed_and_what_waited_is_run(three: Rehearsed) -> None:
    runs = three.office.registry.runs
    left = three.ordered()
    runs.claim(left.code, 1, three.clock())
    waiting = runs.order(left.wanted_by, three.clock())
    watch = Watch(three.office, InProcess(three))
    watch.clear()
    assert (three.found(left).state, three.found(left).reason) == (State.ABANDONED, LEFT_OPEN)
    watch.look()
    assert three.found(waiting).state is State.DONE


@pytest.mark.parametrize("fault", ["dead", "late", "too long"])
def test_what_has_ended_without_a_word_is_closed_with_a_reason(three: Rehearsed, fault: str) -> None:
    runs, engine = three.office.registry.runs, InProcess(three)
    engine.launch = lambda _: "0"  # type: ignore[method-assign]
    engine.is_alive = lambda _: fault != "dead"  # type: ignore[method-assign]
    watch, run = Watch(three.office, engine, three.clock), runs.order(WantedBy.OPERATOR, three.clock())
    watch.look()
    if fault != "late":
        runs.claim(run.code, 1, three.clock())
    watch.look()
    assert three.found(run).state is (State.FAILED if fault == "dead" else three.found(run).state)
    three.clock.now += 7 * 3600
    watch.look()
    assert three.found(run).state is State.FAILED
    assert three.found(run).reason


def test_without_protection_there_is_a_model_and_no_transcript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with rehearsed(tmp_path, monkeypatch, NONE) as three:
        run = three.ordered()
        three.conduct(run)
        assert three.found(run).state is State.DONE, three.found(run).reason
        assert three.found(run).cohort == three.names
        assert list(three.seat.place.transcripts.iterdir()) == []
