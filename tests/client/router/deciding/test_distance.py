"""Where rows lie: exact distances, contributions that add up, the nearest centroid of training."""

import numpy as np
import pytest

from client.router.deciding.distance import NONE, locate, nearest_two
from client.router.deciding.model import RoutingModel
from common.features.default import default_spec
from common.features.spec import AttributeBlock, FeatureSpec, NumberBlock
from common.grid import GRID_UNITS
from common.kernel import e_step, row_norms
from common.model import Cluster
from tests.client.router.deciding.worlds import routing_model, rows

SMALL = FeatureSpec(
    name="small",
    blocks=(
        AttributeBlock(share=500, field="gend", values=("1", "2")),
        NumberBlock(share=500, field="total", lower=0, upper=100),
    ),
)
HALF = GRID_UNITS // 2
NOTHING = Cluster(
    count=None, mean_square_distance=None, cost_n=None, cost_mean=None, cost_geometric_mean=None, cost_cv=None
)


def model_at(units: np.ndarray, spec: FeatureSpec) -> RoutingModel:
    return RoutingModel(
        features=spec,
        units=units,
        clusters=(NOTHING,) * len(units),
        sha256="0" * 64,
        version=0,
        expires=None,
        lineage=(("a",),) * len(units),
    )


def random_rows(n: int, d: int, seed: int) -> np.ndarray:
    """Rows anywhere in the unit ball, on the grid."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(size=(n, d))
    raw *= (rng.random(n) / np.sqrt((raw**2).sum(axis=1)))[:, None]
    return (np.trunc(raw * GRID_UNITS) / GRID_UNITS).astype(np.float32)


def test_distances_and_contributions_are_those_worked_out_by_hand() -> None:
    model = model_at(np.array([[0, 0, 0], [HALF, 0, HALF]], np.int64), SMALL)
    found = locate(np.array([[0.5, 0.25, 0.0]], np.float32), model)
    # to the first 1/4 + 1/16, to the second 1/16 + 1/4: a tie, the lower number wins
    assert (found.nearest[0], found.second[0]) == (0, 1)
    assert found.square[0] == found.second_square[0] == (5 << 40) // 16
    assert found.contributions[0].tolist() == [(5 << 40) // 16, 0]


def test_contributions_of_100_000_random_claims_add_up_to_the_distance_exactly() -> None:
    spec = default_spec()
    rng = np.random.default_rng(3)
    units = rng.integers(-GRID_UNITS // 8, GRID_UNITS // 8, (16, spec.n_features))
    held = random_rows(100_000, spec.n_features, 4)
    found = locate(held, model_at(units, spec))
    assert (found.contributions.sum(axis=1) == found.square).all()
    whole = np.rint(held.astype(np.float64) * GRID_UNITS).astype(np.int64)
    assert (((whole - units[found.nearest]) ** 2).sum(axis=1) == found.square).all()
    assert (((whole - units[found.second]) ** 2).sum(axis=1) == found.second_square).all()


def test_the_nearest_cluster_is_that_of_training() -> None:
    held, model = rows(), routing_model()
    assert (locate(held, model).nearest == e_step(held, row_norms(held), model.units).labels).all()


def test_the_second_is_the_nearest_of_all_others() -> None:
    spec = default_spec()
    units = np.random.default_rng(5).integers(-GRID_UNITS // 8, GRID_UNITS // 8, (7, spec.n_features))
    held = random_rows(500, spec.n_features, 6)
    squares = ((np.rint(held[:, None].astype(np.float64) * GRID_UNITS) - units) ** 2).sum(axis=2)
    found = locate(held, model_at(units, spec))
    assert (np.stack((found.nearest, found.second), axis=1) == np.argsort(squares, axis=1, kind="stable")[:, :2]).all()


def test_a_row_alone_lies_where_it_lies_among_many() -> None:
    held, model = rows(), routing_model()
    together = locate(held, model)
    for row in range(0, len(held), 100):
        alone = locate(held[row : row + 1], model)
        assert (alone.nearest[0], alone.square[0]) == (together.nearest[row], together.square[row])
        best, second, square, _ = nearest_two(held[row].astype(np.float64), model.centroids)
        assert (best, second, square * (1 << 40)) == (alone.nearest[0], alone.second[0], alone.square[0])


def test_a_model_of_one_cluster_has_no_second() -> None:
    found = locate(np.zeros((2, 3), np.float32), model_at(np.zeros((1, 3), np.int64), SMALL))
    assert found.second.tolist() == found.second_square.tolist() == [NONE, NONE]


def test_rows_of_another_length_or_type_are_refused() -> None:
    model = model_at(np.zeros((1, 3), np.int64), SMALL)
    for wrong in (np.zeros((2, 4), np.float32), np.zeros((2, 3)), np.zeros((3, 2), np.float32).T):
        with pytest.raises(ValueError, match="3 features"):
            locate(wrong, model)
