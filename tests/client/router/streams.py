"""Models of a stream, from the small world's clusters: in any order, with any identities, events and weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from client.router.deciding.artefacts import Artefacts
from client.router.deciding.habits import Habits
from client.router.deciding.model import RoutingModel
from client.router.deciding.policy import RouterPolicy
from common.model import Model, centroids_digest
from common.plan import Plan, Protection
from common.privacy import Privacy
from common.stream.state import Change, Event, StreamCluster, StreamState
from common.stream.window import Window
from tests.client.router.deciding.worlds import PLAN, POLICY, K, artefacts, model

STREAM, OTHER_STREAM = "ab" * 16, "cd" * 16
SQUARE_UNITS = 1 << 30


def happened(window: int, change: str, identity: int, *others: int) -> Event:
    return Event(window=window, change=Change(change), identity=identity, others=others)


def cluster(place: int, identity: int, **changes: object) -> StreamCluster:
    """The small world's cluster at a place, under an identity."""
    found = model()
    square = found.clusters[place].mean_square_distance or 0.0
    held = {
        "identity": identity,
        "born": 1,
        "centroid": found.centroids[place],
        "radius": 1 << 20,
        "count": 3_000 << 20,
        "square": round(square * SQUARE_UNITS),
        "settled": round(square * SQUARE_UNITS),
    }
    return StreamCluster.model_validate(held | changes)


def state(clusters: Sequence[StreamCluster], events: Sequence[Event] = (), window: int = 50) -> StreamState:
    return StreamState(window=window, seeded=1, clusters=tuple(clusters), next_identity=100, events=tuple(events))


def streamed(
    clusters: Sequence[StreamCluster], events: Sequence[Event] = (), *, window: int = 50, stream: str = STREAM
) -> Model:
    """A published model of a stream."""
    found, held = model(), state(clusters, events, window)
    plan = stream_plan(stream, window)
    centroids = held.centroid_units()[: len(clusters)]
    places = [found.centroids.index(one.centroid) if one.centroid in found.centroids else 0 for one in clusters]
    changes = {
        "plan": plan,
        "plan_fingerprint": plan.fingerprint,
        "centroids": tuple(one.centroid for one in clusters),
        "centroids_sha256": centroids_digest(centroids),
        "clusters": tuple(found.clusters[place] for place in places),
        "stream": held,
    }
    return Model.model_validate_json(found.model_copy(update=changes).to_json())


def stream_plan(stream: str = STREAM, number: int = 50) -> Plan:
    window = Window(stream=stream, number=number, closes=900 * number)
    privacy = Privacy(expected_units=3_000)
    changes = {"protection": Protection.NOISE, "privacy": privacy, "window": window}
    return Plan.model_validate({**{name: getattr(PLAN, name) for name in Plan.model_fields}, **changes})


def in_order(identities: Sequence[int], **changes: object) -> list[StreamCluster]:
    """The small world's clusters under these identities, in its order."""
    return [cluster(place, identity, **changes) for place, identity in enumerate(identities)]


IDENTITIES = tuple(range(11, 11 + K))


def routing(found: Model, version: int = 3) -> RoutingModel:
    return RoutingModel.of(found, version=version)


def with_stream(found: RoutingModel, policy: RouterPolicy = POLICY) -> Artefacts:
    """What the small world's router decides with, as if all of it were about a stream in the world's own order.

    Cards, habits and calibration are known by identities ``IDENTITIES``, whatever the model's order.
    """
    held = artefacts()
    assert held.habits is not None
    assert held.calibration is not None
    cards = tuple(one.model_copy(update={"cluster": IDENTITIES[one.cluster]}) for one in held.cards.cards)
    changes = {"model_sha256": found.family, "version": 3, "window": 50, "cards": cards}
    renamed = {f"cluster {place}": f"cluster {identity}" for place, identity in enumerate(IDENTITIES)}
    groups = {renamed.get(name, name): group for name, group in held.habits.groups.items()}
    renamed_habits = held.habits.model_copy(update={"model_sha256": found.family, "groups": groups})
    habits = Habits.from_json(renamed_habits.to_json())
    calibration = held.calibration.model_copy(update={"model_sha256": found.family, "habits_sha256": habits.sha256})
    return replace(
        held,
        model=found,
        policy=policy,
        cards=held.cards.model_copy(update=changes),
        habits=habits,
        calibration=calibration,
    )


def weights(n_features: int, seed: int = 3) -> tuple[int, ...]:
    """Thousandths, 1000 on the mean, some coordinates ten times others."""
    drawn = np.random.default_rng(seed).gamma(0.7, 1.0, n_features)
    return tuple(np.maximum(np.rint(drawn / drawn.sum() * n_features * 1000), 10).astype(int).tolist())
