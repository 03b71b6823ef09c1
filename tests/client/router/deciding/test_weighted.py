"""Weighted coordinates: the nearest cluster, distances and novelty are those by which a stream assigns claims."""

from __future__ import annotations

import numpy as np

from client.router.deciding.deciding import decide, replay
from client.router.deciding.distance import Places, locate
from client.router.deciding.lanes import BIT, Reason
from client.router.deciding.model import RoutingModel
from client.router.deciding.picture import plane_of
from client.router.registers import Registers
from client.router.rules.history import History
from common.private.gathering import gather
from common.stream.guide import WEIGHT_UNITS, Guide
from common.stream.weighing import weighted_square
from tests.client.router.deciding.test_distance import random_rows
from tests.client.router.deciding.test_streamed import strangers
from tests.client.router.deciding.worlds import NOW, PLAN, POLICY, found, routed, rows
from tests.client.router.lone.test_deciding import batch_of, bench, lone_of
from tests.client.router.streams import IDENTITIES, cluster, in_order, routing, streamed, weights, with_stream

D = PLAN.features.n_features


def weighted_clusters() -> list[object]:
    squares = tuple(np.random.default_rng(1).integers(1, 1 << 20, D).tolist())
    return [cluster(place, one, weights=weights(D, place), squares=squares) for place, one in enumerate(IDENTITIES)]


def weighted() -> RoutingModel:
    return routing(streamed(weighted_clusters()))  # type: ignore[arg-type]


def many() -> np.ndarray:
    return np.concatenate([rows(), random_rows(20_000, D, 4)])


def assigned(model: RoutingModel, held: np.ndarray) -> np.ndarray:
    """To which cluster a bureau's claims go in a window."""
    units = np.ones(len(model), np.int64)
    given = np.full((len(model), D), WEIGHT_UNITS) if model.weights is None else np.rint(model.weights * WEIGHT_UNITS)
    guide = Guide(reaches=0 * units, weights=given.astype(np.int64), caps=units)
    return gather(held, np.ones(len(held), np.int64), model.units, 1000 * units, guide)[1]


def test_a_claim_is_routed_by_the_cluster_that_training_assigns_it_to() -> None:
    held, model = many(), weighted()
    nearest = locate(held, model).nearest
    assert (nearest == assigned(model, held)).all()
    plain = routing(streamed(in_order(IDENTITIES)))
    assert (locate(held, plain).nearest == assigned(plain, held)).all()
    assert (nearest != locate(held, plain).nearest).mean() > 0.02


def by_hand(held: np.ndarray, model: RoutingModel) -> tuple[np.ndarray, np.ndarray]:
    """Weighted squared distances to all clusters, and the parts of the blocks to the nearest."""
    assert model.weights is not None
    parts = (held[:, None].astype(np.float64) - model.centroids) ** 2 * model.weights
    squares = parts.sum(axis=2)
    nearest = parts[np.arange(len(held)), squares.argmin(axis=1)]
    return squares, np.add.reduceat(nearest, model.edges[:-1], axis=1)


def in_units(values: np.ndarray) -> np.ndarray:
    return values * float(1 << 40)


def test_contributions_are_weighted_and_add_up_to_the_distance() -> None:
    held, model = np.ascontiguousarray(many()[::7]), weighted()
    places: Places = locate(held, model)
    squares, blocks = by_hand(held, model)
    ordered = np.sort(squares, axis=1)
    assert (places.contributions.sum(axis=1) == places.square).all()
    for told, true in (
        (places.contributions, blocks),
        (places.square, ordered[:, 0]),
        (places.second_square, ordered[:, 1]),
    ):
        assert np.abs(told - in_units(true)).max() < 1e-9 * float(1 << 40)


def test_weights_that_are_all_alike_change_no_distance() -> None:
    alike = [cluster(place, one, weights=(WEIGHT_UNITS,) * D) for place, one in enumerate(IDENTITIES)]
    held, plain = many(), routing(streamed(in_order(IDENTITIES)))
    found, same = locate(held, routing(streamed(alike))), locate(held, plain)
    assert (found.nearest == same.nearest).all()
    assert np.abs(found.square - same.square).max() <= len(plain.edges)


def test_novel_is_measured_as_the_clusters_own_spread_is() -> None:
    model = weighted()
    assert np.allclose(model.mean_squares, [weighted_square(one) for one in weighted_clusters()], rtol=1e-12)  # type: ignore[arg-type]
    given = with_stream(model)
    held = decide(routed(), rows(), found(), given, NOW)
    squares, _ = by_hand(rows(), model)
    beyond = squares.min(axis=1) > POLICY.novel_beyond**2 * model.mean_squares[squares.argmin(axis=1)]
    assert ((held.weighed.words & BIT[Reason.NOVEL] > 0) == beyond).all()
    assert beyond.any()


def test_weighted_claims_alone_get_the_records_of_a_batch_and_these_replay() -> None:
    artefacts = with_stream(weighted())
    given, claims = bench(artefacts), strangers(2_000, 21)
    batch = given.decide(batch_of(claims), History(), Registers(), NOW)
    alone = [given.lone.decide(lone_of(one), History(), Registers(), NOW) for one in claims]
    assert [one.record for one in alone] == [one.record for one in batch.records()]
    for row in range(0, 2_000, 99):
        record = batch.record(row)
        assert replay(record, artefacts) == record


def test_the_picture_of_a_weighted_claim_has_its_weighted_distances() -> None:
    model = weighted()
    held = decide(routed(), rows(), found(), with_stream(model), NOW)
    for row in range(0, 200, 17):
        record = held.record(row)
        plane = plane_of(record, model)
        length = np.linalg.norm(plane.claim - plane.centroids[record.cluster])
        assert abs(length**2 - record.square_distance / (1 << 40)) < 1e-9
