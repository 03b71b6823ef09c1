"""Following a stream over real stations: every tick publishes, or keeps the old model and says why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from common.replay.session import replayed
from common.replay.transcript import messages_in
from server.deployment.conducting import conduct
from server.deployment.stream.begun import begin, pin, reseed
from server.deployment.stream.deciding import MISSED, PAUSED, POOLED, POOLED_ANEW
from server.deployment.stream.following import follow, tick_now
from server.deployment.stream.timing import next_tick
from server.registry.run import State, WantedBy
from server.registry.stream import Begun
from server.registry.tick import Outcome
from server.registry.ticks import NOT_BEGUN, OVERLAPPED
from simulations.consortium import simulated_consortium
from tests.server.deployment.stream.streams import EVERY, NAME, WINDOWED, Streamed, streamed

UP = "published"


@pytest.fixture
def pooling(tmp_path: Path) -> Iterator[Streamed]:
    with streamed(tmp_path, pools=True) as found:
        yield found


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Streamed]:
    with streamed(tmp_path) as found:
        yield found


def test_every_tick_is_one_run_whose_window_closes_at_its_moment(pooling: Streamed) -> None:
    began = pooling.clock()
    pooling.tick(4)
    assert pooling.told == [(number, UP, "") for number in (1, 2, 3, 4)]
    assert [one.closes for one in pooling.ticks] == [began + number * EVERY for number in (1, 2, 3, 4)]
    assert [one.version for one in pooling.ticks] == [1, 2, 3, 4]
    assert pooling.bureaus.entered("north") == [(number, 1000) for number in (1, 2, 3, 4)]
    runs = pooling.office.registry.runs
    assert [len(runs.rounds(one.run or 0)) for one in pooling.ticks[1:]] == [1, 1, 1]
    assert pooling.state.window == 4


def test_claims_that_come_after_the_moment_are_for_the_next_window(pooling: Streamed) -> None:
    pooling.tick(1)
    pooling.clock.now += EVERY + 200
    pooling.bureaus.arrive(pooling.clock() - 100)
    pooling.look()
    assert pooling.bureaus.entered("east")[-1] == (2, 0)
    pooling.clock.now += EVERY - 200
    pooling.look()
    assert pooling.bureaus.entered("east")[-1] == (3, 1000)


def test_ticks_that_the_service_did_not_see_are_missed_and_their_claims_pool(pooling: Streamed) -> None:
    pooling.tick(2)
    for _ in range(3):
        pooling.bureaus.arrive(pooling.clock() + 1)
        pooling.clock.now += EVERY
    pooling.tick()
    assert pooling.told[2:] == [(5, "kept", MISSED), (6, UP, "")]
    assert pooling.ticks[2].since == 3
    assert pooling.bureaus.entered("north")[-1] == (6, 4000)
    assert pooling.office.registry.ticks.counts(NAME) == {MISSED: 3}


def test_a_bureau_that_comes_late_makes_up_for_its_claims_in_its_next_window(tmp_path: Path) -> None:
    with streamed(tmp_path, pools=True, plan_text=f"min_cohort = 3\n{WINDOWED}") as found:
        found.tick(2)
        found.transport.absent.add("south")
        found.tick(2)
        assert [(outcome, "2 bureaus take part" in reason) for _, outcome, reason in found.told[2:]] == [
            ("kept", True)
        ] * 2
        found.transport.absent.clear()
        found.tick()
        assert found.told[-1] == (5, UP, "")
        assert [found.bureaus.entered(name)[-1] for name in ("north", "south")] == [(5, 3000)] * 2


def test_a_tick_that_comes_while_a_run_goes_on_is_kept_and_its_claims_pool(pooling: Streamed) -> None:
    pooling.tick(2)
    runs = pooling.office.registry.runs
    other = runs.order(WantedBy.OPERATOR, pooling.clock())
    runs.start(other.number)
    pooling.bureaus.arrive(pooling.clock() + 1)
    pooling.clock.now += EVERY
    assert follow(pooling.office)
    assert pooling.told[-1] == (3, "kept", OVERLAPPED)
    runs.close(other.number, State.FAILED, "over", pooling.clock())
    pooling.tick()
    assert pooling.told[-1] == (4, UP, "")
    assert pooling.bureaus.entered("north")[-1] == (4, 2000)


def test_an_order_whose_turn_did_not_come_gives_way_to_the_next_tick(stream: Streamed) -> None:
    stream.clock.now += EVERY
    follow(stream.office)
    assert stream.told == [(1, str(Outcome.UNDER_WAY), "")]
    stream.tick()
    assert stream.told == [(1, "kept", NOT_BEGUN), (2, UP, "")]


def test_a_paused_stream_asks_nothing_and_then_asks_about_all_that_came(pooling: Streamed) -> None:
    pooling.tick(2)
    pooling.office.registry.streams.pause(pooling.clock())
    pooling.tick(2)
    pooling.office.registry.streams.resume()
    pooling.tick()
    assert pooling.told[2:] == [(3, "kept", PAUSED), (4, "kept", PAUSED), (5, UP, "")]
    assert pooling.bureaus.entered("north")[-1] == (5, 3000)


def test_a_plan_that_needs_mending_keeps_the_model_and_says_so_until_it_is_mended(stream: Streamed) -> None:
    stream.tick(2)
    held = stream.seat.place.plan.read_text()
    stream.seat.place.plan.write_text(held.replace("clusters = 3", "clusters = 0"))
    stream.tick()
    assert "plan.toml makes no plan" in stream.told[-1][2]
    stream.seat.place.plan.write_text(held)
    stream.tick()
    assert stream.told[-1] == (4, UP, "")


def test_what_is_worth_asking_no_more_when_the_run_begins_is_not_asked(stream: Streamed) -> None:
    stream.tick()
    stream.clock.now += EVERY
    follow(stream.office)
    held = stream.seat.place.plan.read_text()
    stream.seat.place.plan.write_text(held.replace("epsilon = 4.0", "epsilon = 0.02"))
    stream.look()
    assert stream.told[-1] == (2, "kept", POOLED)


def test_a_pin_is_in_the_state_of_the_next_window_until_it_is_taken_out(stream: Streamed) -> None:
    stream.tick(2)
    identity = stream.state.identities[0]
    pin(stream.office, identity, pinned=True)
    stream.tick(2)
    assert {one.identity for one in stream.state.clusters if one.pinned} == {identity}
    pin(stream.office, identity, pinned=False)
    stream.tick()
    assert not any(one.pinned for one in stream.state.clusters)


def test_clusters_are_looked_for_anew_when_somebody_wishes_it_and_keep_their_identities(stream: Streamed) -> None:
    stream.tick(3)
    before = sorted(stream.state.identities)
    assert reseed(stream.office) == 3
    stream.tick(2)
    assert stream.told[3] in {(4, UP, ""), (4, "kept", POOLED_ANEW)}
    assert stream.state.seeded in {4, 5}
    assert sorted(stream.state.identities) == before
    seeded = stream.state.seeded
    stream.tick(2)
    assert stream.state.seeded == seeded, "a wish is fulfilled once"


def test_a_run_that_somebody_orders_is_no_window_and_changes_nothing_in_the_stream(stream: Streamed) -> None:
    stream.tick(2)
    before, run = stream.state, stream.office.registry.runs.order(WantedBy.OPERATOR, stream.clock())
    stream.look()
    found = stream.found(run)
    assert (found.state is State.ORDERED, found.fingerprint) == (False, stream.seat.plan.fingerprint)
    assert stream.office.registry.ticks.of_run(run.number) is None
    assert stream.state == before
    stream.tick()
    assert stream.told[-1][:2] == (3, UP)


def test_one_tick_can_come_now_and_the_next_follows_at_the_usual_distance(stream: Streamed) -> None:
    stream.tick(2)
    stream.clock.now += 60
    tick_now(stream.office)
    stream.look()
    assert stream.told[-1] == (3, UP, "")
    begun = stream.office.registry.streams.begun()
    assert begun is not None
    assert next_tick(begun, 3, stream.clock()).closes == stream.clock() + EVERY


def test_without_a_stream_or_its_section_nothing_is_followed(tmp_path: Path) -> None:
    with streamed(tmp_path, begins=False) as found:
        found.clock.now += 10 * EVERY
        assert follow(found.office) is False
        assert found.ticks == []
    with streamed(tmp_path / "b", section="", begins=False) as found:
        found.office.registry.streams.begin(Begun(name=NAME, began=found.clock(), every=EVERY))
        found.clock.now += 10 * EVERY
        assert follow(found.office) is False
        assert found.ticks == []


def test_two_services_at_one_tick_order_it_once(stream: Streamed) -> None:
    stream.clock.now += EVERY
    assert [follow(stream.office) for _ in range(2)] == [True, False]
    (tick,) = stream.ticks
    ticks = stream.office.registry.ticks
    assert ticks.order(NAME, tick.moment, stream.clock()) is None
    assert ticks.keep(NAME, tick.moment, tick.number, "again", stream.clock()) is False
    assert len(stream.office.registry.runs.newest(10)) == 1


def test_a_stream_begins_once_and_not_where_its_first_window_would_never_be_asked(tmp_path: Path) -> None:
    with streamed(tmp_path, begins=False, plan_text=WINDOWED.replace("3000", "30")) as found:
        with pytest.raises(Exception, match="would never begin"):
            begin(found.office, NAME)
        assert found.office.registry.streams.begun() is None
        found.seat.place.plan.write_text(WINDOWED)
        begin(found.office, NAME)
        with pytest.raises(Exception, match="begun here already"):
            begin(found.office)


def test_a_tick_of_another_coordinators_making_is_conducted_from_the_registry_alone(stream: Streamed) -> None:
    stream.tick(2)
    stream.clock.now += EVERY
    follow(stream.office)
    run = stream.office.registry.runs.waiting()
    assert run is not None
    stream.office.registry.runs.start(run.number)
    stream.seat.reopen()
    stream.conduct(run)
    assert stream.told[-1] == (3, UP, "")
    conduct(stream.office, run.code, lambda _: pytest.fail("a run is taken once"))


def test_anybody_can_replay_a_window_from_its_transcript_and_gets_the_published_model(stream: Streamed) -> None:
    stream.tick(3)
    registry, roster = stream.office.registry, simulated_consortium(stream.names).roster
    for tick in stream.ticks:
        kept, model = registry.runs.transcript(tick.run or 0), registry.models.find(tick.version or 0)
        assert kept is not None
        assert model is not None
        with (stream.seat.place.transcripts / kept.path).open("rb") as file:
            assert replayed(messages_in(file.read), roster).model.to_json() == model.model
