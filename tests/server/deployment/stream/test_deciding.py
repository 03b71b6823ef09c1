"""What a tick asks, from plan, state and wishes alone."""

from __future__ import annotations

import pytest

from common.errors import PlanError
from common.grid import GRID_UNITS
from common.pacing import RESEED_AT
from common.plan import Plan, Protection
from common.stream.state import StreamCluster, StreamState, Watch
from server.deployment.stream.deciding import MOST_POOLED, POOLED, POOLED_ANEW, Kept, Terms, decided
from server.registry.stream import Wishes
from server.registry.tick import Moment
from simulations.stream.follower import base_plan

D = 16
STREAM = "ab" * 16
CALM, WILD = 0, round((RESEED_AT + 1) * 1000)
NOTHING = Wishes()


def terms_of(expected: int = 5000, *, n_bureaus: int = 3, reseeds: bool = True, **changes: object) -> Terms:
    base = base_plan(D, 4, 1.0, 1)
    assert base.privacy is not None
    privacy = base.privacy.model_copy(update={"expected_units": expected})
    held = {"privacy": privacy, "protection": Protection.SECURE, "min_cohort": 3} | changes
    base = Plan.model_validate(base.model_dump() | {name: _dumped(one) for name, one in held.items()})
    return Terms(stream=STREAM, base=base, n_bureaus=n_bureaus, memory=700, fewest_bureaus=2, reseeds=reseeds)


def _dumped(one: object) -> object:
    return one.model_dump() if hasattr(one, "model_dump") else one


def state_of(claims: int = 5000, drift: int = CALM, *, window: int = 5, seeded: int = 1) -> StreamState:
    cells = [
        StreamCluster(
            identity=number,
            born=1,
            centroid=(number * 1000,) * D,
            radius=GRID_UNITS // 4,
            count=1 << 20,
            square=1 << 28,
        )
        for number in (1, 2, 3)
    ]
    watch = Watch(claims=claims * GRID_UNITS, drift=drift)
    return StreamState(window=window, seeded=seeded, clusters=tuple(cells), next_identity=4, watch=watch)


def moment(number: int) -> Moment:
    return Moment(number=number, closes=1_000_000 + 900 * number)


def test_the_first_window_looks_for_clusters_in_as_many_claims_as_the_plan_expects() -> None:
    plan = decided(terms_of(), moment(7), None, NOTHING)
    assert isinstance(plan, Plan)
    assert plan.window is not None
    assert (plan.window.number, plan.window.closes, plan.window.state, plan.goes_on) == (7, 1_006_300, None, None)
    assert plan.privacy is not None
    assert (plan.privacy.expected_units, plan.n_clusters) == (5000, 4)


def test_a_later_window_goes_on_from_the_state_in_one_round() -> None:
    plan = decided(terms_of(), moment(6), state_of(), NOTHING)
    assert isinstance(plan, Plan)
    assert (plan.goes_on, plan.n_clusters) == (state_of(), 3)


def test_too_few_claims_pool_and_more_ticks_that_were_kept_make_enough() -> None:
    few = state_of(claims=20)
    assert decided(terms_of(), moment(6), few, NOTHING) == Kept(POOLED)
    assert isinstance(decided(terms_of(), moment(60), few, NOTHING), Plan)
    assert decided(terms_of(expected=50), moment(1), None, NOTHING) == Kept(POOLED)


def test_too_few_bureaus_on_the_roster_keep_the_old_model_and_say_how_many() -> None:
    found = decided(terms_of(n_bureaus=2), moment(6), state_of(), NOTHING)
    assert found == Kept("the roster lists 2 bureaus, the plan needs 3")


def test_drift_has_clusters_looked_for_anew_under_their_old_identities_if_claims_are_enough() -> None:
    plan = decided(terms_of(), moment(6), state_of(drift=WILD), NOTHING)
    assert isinstance(plan, Plan)
    assert plan.window is not None
    assert (plan.window.reseeds, plan.window.state, plan.n_clusters) == (True, state_of(drift=WILD), 4)
    never = decided(terms_of(reseeds=False), moment(6), state_of(drift=WILD), NOTHING)
    assert isinstance(never, Plan)
    assert never.goes_on is not None


def test_claims_pool_for_a_while_until_clusters_can_be_looked_for_anew() -> None:
    state = state_of(claims=1000, drift=WILD)
    found = [decided(terms_of(), moment(number), state, NOTHING) for number in range(6, 6 + MOST_POOLED)]
    kept = [one for one in found if isinstance(one, Kept)]
    (first, *_) = [one for one in found if isinstance(one, Plan)]
    assert 0 < len(kept) < MOST_POOLED
    assert set(kept) == {Kept(POOLED_ANEW)}
    assert found[: len(kept)] == kept
    assert first.window is not None
    assert first.window.reseeds


def test_where_even_that_would_not_be_enough_the_stream_goes_on() -> None:
    plan = decided(terms_of(), moment(6), state_of(claims=160, drift=WILD), NOTHING)
    assert isinstance(plan, Plan)
    assert plan.goes_on is not None


def test_whoever_wishes_it_has_clusters_looked_for_anew_once_whatever_the_configuration_says() -> None:
    wishes, terms = Wishes(reseeds_after=5), terms_of(reseeds=False)
    before, after = (
        decided(terms, moment(6), state_of(), wishes),
        decided(terms, moment(8), state_of(window=7, seeded=6), wishes),
    )
    assert isinstance(before, Plan)
    assert before.window is not None
    assert before.window.reseeds
    assert isinstance(after, Plan)
    assert after.goes_on is not None


def test_pins_are_in_the_plan_of_the_next_window_and_change_nothing_else() -> None:
    plan = decided(terms_of(), moment(6), state_of(), Wishes(pins={2: True, 99: True}))
    assert isinstance(plan, Plan)
    assert plan.goes_on is not None
    assert [one.identity for one in plan.goes_on.clusters if one.pinned] == [2]
    again = decided(terms_of(), moment(7), plan.goes_on.model_copy(update={"window": 6}), Wishes(pins={2: False}))
    assert isinstance(again, Plan)
    assert again.goes_on == state_of(window=6)


def test_the_same_is_asked_byte_for_byte_whoever_asks() -> None:
    first, second = (decided(terms_of(), moment(6), state_of(), Wishes(pins={1: True})) for _ in range(2))
    assert isinstance(first, Plan)
    assert isinstance(second, Plan)
    assert first.canonical() == second.canonical()


def test_a_plan_that_protects_nobody_or_does_not_fit_the_state_is_no_plan_of_a_stream() -> None:
    bare = terms_of(privacy=None, protection=Protection.NONE)
    for state in (None, state_of()):
        with pytest.raises(PlanError):
            decided(bare, moment(6), state, NOTHING)
    narrow = state_of()
    cut = tuple(one.model_copy(update={"centroid": (1, 2)}) for one in narrow.clusters)
    with pytest.raises(PlanError, match="does not go on from its state"):
        decided(terms_of(), moment(6), narrow.model_copy(update={"clusters": cut}), NOTHING)
