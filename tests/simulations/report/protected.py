"""Stories of small runs that really were protected: generated claims, stations with ledgers, seeded noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import NamedTuple

from common.features.default import default_spec
from common.noise.randomness import AesStream
from common.plan import Plan, Protection
from common.privacy import Privacy
from common.wire import AnyMessage, decode
from server.session import SessionReport
from simulations.bureaus import Bureaus, WorldClaims, gather_bureaus
from simulations.cards import bureau_stories, cluster_cards
from simulations.conducting import conduct
from simulations.inside import look_inside
from simulations.loopback import Answer, Loopback
from simulations.story import Story
from simulations.terms import fitted
from simulations.world import World
from tests.simulations.report.stories import result_of

EPSILON, N_BUREAUS, N_CLAIMS, N_CLUSTERS = 4, 3, 4_000, 24


class Run(NamedTuple):
    """A run that really was.

    Attributes:
        story: What it has to tell; without a reference.
        transcript: Every message of a masked run, in order.
    """

    story: Story
    transcript: tuple[AnyMessage, ...]


class Lossy(Loopback):
    """Loses some answers on the way."""

    def __init__(self, stations: Mapping[str, Answer], loses: Callable[[AnyMessage], bool]) -> None:
        """Connect to stations.

        Args:
            stations: By name.
            loses: Whether an answer is lost.
        """
        super().__init__(stations, 1)
        self._loses = loses

    def exchange(self, requests: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        """The answers that are not lost."""
        yield from (answer for answer in super().exchange(requests) if not self._loses(decode(answer[1])))


def protected_story(protection: Protection = Protection.NOISE) -> Story:
    """What a run under this protection has to tell; without a reference."""
    return protected_run(protection).story


@cache
def protected_run(
    protection: Protection, n_bureaus: int = N_BUREAUS, loses: Callable[[AnyMessage], bool] = lambda _: False
) -> Run:
    """A small run under this protection, some answers of which may be lost."""
    plan = Plan(
        features=default_spec(),
        n_clusters=N_CLUSTERS,
        protection=protection,
        privacy=Privacy(epsilon_thousandths=1000 * EPSILON, expected_units=1),
    )
    world = World(n_bureaus=n_bureaus, n_claims=N_CLAIMS, seed=3)
    bureaus = gather_bureaus(WorldClaims(world=world), plan.features, plan.cost_cap_yuan)
    try:
        return _run(bureaus, fitted(plan, n_bureaus, bureaus.n_claims, bureaus.n_persons), loses)
    finally:
        bureaus.close()


def with_privacy(story: Story, **changes: object) -> Story:
    """The story with some terms of its plan changed; what came out stays."""
    privacy = story.model.plan.privacy
    assert privacy is not None
    plan = story.model.plan.model_copy(update={"privacy": Privacy.model_validate(privacy.model_dump() | changes)})
    return replace(story, model=story.model.model_copy(update={"plan": plan}))


def _run(bureaus: Bureaus, plan: Plan, loses: Callable[[AnyMessage], bool]) -> Run:
    held: list[bytes] = []
    with bureaus.stations(plan, 1, AesStream(bytes(32))) as stations, Lossy(stations, loses) as transport:
        session = conduct(plan, tuple(sorted(stations)), transport, lambda _: None, held.append)
    return Run(story=_story(bureaus, session), transcript=tuple(map(decode, held)))


def _story(bureaus: Bureaus, session: SessionReport) -> Story:
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
