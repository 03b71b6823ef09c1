"""Stories of small runs that really were protected: generated claims, stations with ledgers, seeded noise."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from common.features.default import default_spec
from common.noise.randomness import AesStream
from common.plan import Plan, Protection
from common.privacy import Privacy
from server.session import SessionReport
from simulations.bureaus import Bureaus, WorldClaims, gather_bureaus
from simulations.cards import bureau_stories, cluster_cards
from simulations.engines import loopback_engine
from simulations.inside import look_inside
from simulations.story import Story
from simulations.terms import fitted
from simulations.world import World
from tests.simulations.report.stories import result_of

EPSILON, N_BUREAUS, N_CLAIMS, N_CLUSTERS = 4, 3, 4_000, 24


@cache
def protected_story(protection: Protection = Protection.NOISE) -> Story:
    """What a run under this protection has to tell; without a reference."""
    plan = Plan(
        features=default_spec(),
        n_clusters=N_CLUSTERS,
        protection=protection,
        privacy=Privacy(epsilon_thousandths=1000 * EPSILON, expected_units=1),
    )
    world = World(n_bureaus=N_BUREAUS, n_claims=N_CLAIMS, seed=3)
    bureaus = gather_bureaus(WorldClaims(world=world), plan.features, plan.cost_cap_yuan)
    try:
        return _story(bureaus, fitted(plan, N_BUREAUS, bureaus.n_claims, bureaus.n_persons))
    finally:
        bureaus.close()


def with_privacy(story: Story, **changes: object) -> Story:
    """The story with some terms of its plan changed; what came out stays."""
    privacy = story.model.plan.privacy
    assert privacy is not None
    plan = story.model.plan.model_copy(update={"privacy": Privacy.model_validate(privacy.model_dump() | changes)})
    return replace(story, model=story.model.model_copy(update={"plan": plan}))


def _story(bureaus: Bureaus, plan: Plan) -> Story:
    with bureaus.stations(plan, 1, AesStream(bytes(32))) as stations:
        session: SessionReport = loopback_engine(1)(stations, plan, lambda _: None)
    inside = look_inside(bureaus, session.model)
    stories = bureau_stories(bureaus, session, {})
    return Story(
        result=result_of(session.model, stories) | {"reference_inertia": None, "inertia_ratio": None},
        model=session.model,
        rounds=session.rounds,
        bureaus=stories,
        cards=cluster_cards(session.model, inside, bureaus, {}),
        rejected={},
    )
