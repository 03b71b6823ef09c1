"""The model: largest cluster first, digests that fit, and nothing altered that is not noticed."""

import json
from hashlib import sha256

import numpy as np
import pytest
from pydantic import ValidationError

from common.features.spec import AttributeBlock, FeatureSpec
from common.grid import GRID_UNITS
from common.kernel import MAX_CENTROID_NORM
from common.model import Model, Provenance, centroids_digest, model_of
from common.plan import Plan, Protection
from common.rounds import Outcome
from common.summary import Summary

PLAN = Plan(
    features=FeatureSpec(name="two", blocks=(AttributeBlock(share=1000, field="gend", values=("1", "2")),)),
    protection=Protection.NONE,
    smallest_cluster=1,
)
PROVENANCE = Provenance(session="00" * 16, rounds=9, cohort=("east", "north"), lost=("south",), version="0.1.0")
HALF = GRID_UNITS // 2

# 3 clusters: 2 rows at (0, 0) without a cost; 4 rows at (0.5, 0) and (-0.5, 0); 3 rows at (0, 0.5)
OUTCOME = Outcome(
    centroids=np.array([[0, 0], [10, 0], [0, HALF]], np.int64),
    summary=Summary(
        counts=np.array([2, 4, 3], np.int64),
        sums=np.array([[0, 0], [0, 0], [0, 3 * HALF]], np.int64),
        squares=np.array([0, 4 << 28, 3 << 28], np.int64),
        costs=np.array([[0, 0, 0, 0, 0], [4, 40, 400, 8, 32], [2, 10, 50, 4, 10]], np.int64),
    ),
    rounds=9,
)
MODEL = model_of(PLAN, OUTCOME, PROVENANCE)


def test_clusters_stand_in_falling_order_of_size_with_their_own_centroids() -> None:
    assert [cluster.count for cluster in MODEL.clusters] == [4, 3, 2]
    assert MODEL.centroids == ((10, 0), (0, HALF), (0, 0))
    assert MODEL.centroid_values()[1].tolist() == [0.0, 0.5]


def test_figures_of_a_cluster_are_those_worked_out_by_hand() -> None:
    largest, second, smallest = MODEL.clusters
    assert (largest.mean_square_distance, second.mean_square_distance) == (0.25, 0.0)
    assert (largest.cost_n, largest.cost_mean, largest.cost_cv) == (4, 2.0, 1.0)  # 32 / 4 - 2**2 = 2**2
    assert (second.cost_n, second.cost_mean, second.cost_cv) == (2, 2.0, 0.5)
    assert (smallest.cost_n, smallest.cost_mean, smallest.cost_cv) == (0, None, None)


def test_quality_is_that_worked_out_by_hand() -> None:
    quality = MODEL.quality
    assert quality.n_claims == 9
    assert quality.inertia == pytest.approx(4 * 0.25 + 4 * (10 / GRID_UNITS) ** 2, rel=1e-12)
    assert quality.share_clusters_cv_below_1 == 0.5
    # log sums 50 of 6, squares 450: total 450 - 2500 / 6, within 0 + 0
    assert quality.riv_log_cost == 1.0
    assert quality.riv_cost == 0.0, "both clusters have the same mean cost"


def test_the_centroids_hash_is_over_shape_and_little_endian_words() -> None:
    words = b"".join(unit.to_bytes(8, "little", signed=True) for row in MODEL.centroids for unit in row)
    assert MODEL.centroids_sha256 == sha256(b"3x2:" + words).hexdigest()


def test_the_hash_tells_shapes_apart_that_have_the_same_words() -> None:
    words = np.arange(6, dtype=np.int64)
    assert len({centroids_digest(words.reshape(shape)) for shape in ((1, 6), (2, 3), (3, 2), (6, 1))}) == 4


def test_a_model_survives_the_way_to_json_and_back() -> None:
    found = Model.model_validate_json(MODEL.to_json())
    assert found == MODEL
    assert found.to_json() == MODEL.to_json()
    assert np.array_equal(found.centroid_units(), MODEL.centroid_units())
    assert json.loads(MODEL.to_json())["format"] == "fedclaims/model/3"


TAMPERED = {
    "format of another version": {"format": "fedclaims/model/33"},
    "format of another kind": {"format": "not a fedclaims/model/3"},
    "a centroid moved by one unit": {"centroids": [[11, 0], [0, HALF], [0, 0]]},
    "clusters in another order": {"centroids": [[0, HALF], [10, 0], [0, 0]]},
    "a centroid fewer": {"centroids": [[10, 0], [0, HALF]]},
    "a feature fewer": {"centroids": [[10], [0], [0]]},
    "ragged centroids": {"centroids": [[10, 0], [0], [0, 0]]},
    "no centroids": {"centroids": []},
    "centroids without features": {"centroids": [[], [], []]},
    "a fraction of a unit": {"centroids": [[10.0, 0], [0, HALF], [0, 0]]},
    "a unit as text": {"centroids": [["10", 0], [0, HALF], [0, 0]]},
    "a unit beyond 64 bits": {"centroids": [[2**64, 0], [0, HALF], [0, 0]]},
    "a unit beyond the bound": {"centroids": [[int(MAX_CENTROID_NORM) * GRID_UNITS + 1, 0], [0, HALF], [0, 0]]},
    "another hash": {"centroids_sha256": "0" * 64},
    "another fingerprint": {"plan_fingerprint": "0" * 64},
    "another plan": {"plan": json.loads(PLAN.model_dump_json()) | {"seed": 1}},
    "a count as a fraction": {"clusters": [cluster.model_dump() | {"count": 2.0} for cluster in MODEL.clusters]},
    "a cluster fewer": {"clusters": [cluster.model_dump() for cluster in MODEL.clusters[:2]]},
    "a figure that is no number": {"quality": MODEL.quality.model_dump() | {"inertia": float("nan")}},
    "an unknown field": {"rows": []},
    "an unknown field inside": {"provenance": PROVENANCE.model_dump() | {"person": "x"}},
}


@pytest.mark.parametrize("changes", TAMPERED.values(), ids=TAMPERED)
def test_an_altered_model_is_refused(changes: dict[str, object]) -> None:
    held = json.dumps(json.loads(MODEL.to_json()) | changes)
    with pytest.raises(ValidationError):
        Model.model_validate_json(held)


@pytest.mark.parametrize("field", json.loads(MODEL.to_json()))
def test_a_model_without_one_of_its_fields_is_refused(field: str) -> None:
    fields = json.loads(MODEL.to_json())
    del fields[field]
    with pytest.raises(ValidationError, match=field):
        Model.model_validate_json(json.dumps(fields))


def test_centroids_moved_together_with_their_hash_still_have_to_fit_the_plan() -> None:
    fields = json.loads(MODEL.to_json())
    wide = np.zeros((3, 3), np.int64)
    fields |= {"centroids": wide.tolist(), "centroids_sha256": centroids_digest(wide)}
    with pytest.raises(ValidationError, match="do not match its clusters and features"):
        Model.model_validate_json(json.dumps(fields))
