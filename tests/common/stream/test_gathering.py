"""What one claim can change in a window's answer, and where it goes."""

import numpy as np
import pytest

from client.rowstore import RowStore
from common.grid import GRID_UNITS, from_grid, to_grid
from common.private.gathering import gather
from common.private.lbg import first
from common.private.question import blocks, n_words
from common.stream.guide import Guide
from tests.common.stream.streams import PLACES, D, around, cluster, plan, state

RNG = np.random.default_rng(5)


def guide(n_clusters: int, cells: int, **changes: object) -> Guide:
    held = {
        "reaches": np.full(n_clusters, GRID_UNITS // 4, np.int64),
        "weights": np.full((n_clusters, D), 1000, np.int64),
        "caps": np.full(cells, 5 * GRID_UNITS, np.int64),
    }
    return Guide(**(held | changes))  # type: ignore[arg-type]


def ones(rows: np.ndarray) -> np.ndarray:
    return np.full(len(rows), GRID_UNITS, np.int64)


CENTROIDS = to_grid(np.concatenate([PLACES, np.zeros((1, D))]))
RADII = np.full(D + 1, GRID_UNITS // 5, np.int64)


@pytest.mark.parametrize("seed", range(20))
def test_one_claim_changes_each_block_by_no_more_than_its_bound(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = from_grid(to_grid(rng.uniform(-0.5, 0.5, (200, D)))).astype(np.float32)
    weights = rng.integers(0, GRID_UNITS + 1, 200)
    held = guide(D, D + 1, weights=rng.integers(10, 3000, (D, D)), reaches=rng.integers(0, GRID_UNITS, D))
    whole, _ = gather(rows, weights, CENTROIDS, RADII, held)
    for left_out in range(0, 200, 7):
        rest = np.delete(np.arange(200), left_out)
        without, _ = gather(rows[rest], weights[rest], CENTROIDS, RADII, held)
        bound = weights[left_out]
        for name in ("counts", "sums", "squares", "coordinates"):
            changed = (getattr(whole, name) - getattr(without, name)).astype(float)
            assert np.linalg.norm(changed) <= bound, name
        assert (whole.counts - without.counts).sum() == bound


def test_evidence_moves_by_no_more_than_the_count() -> None:
    rows = around(PLACES, [3, 5, 8, 4])
    held = guide(D, D + 1)
    for n_claims in range(1, len(rows) + 1):
        more, less = (
            gather(part, ones(part), CENTROIDS, RADII, held)[0].words(held, with_coordinates=False)
            for part in (rows[:n_claims], rows[: n_claims - 1])
        )
        at = (D + 1) * (D + 2)
        counts, evidence = more[: D + 1] - less[: D + 1], more[at:] - less[at:]
        assert np.all((evidence >= 0) & (evidence <= counts))
        assert more[at:].max() <= 5 * GRID_UNITS


def test_a_claim_beyond_its_clusters_reach_goes_to_a_scout_and_within_it_to_the_cluster() -> None:
    inside, outside = PLACES[0] * (1 + 0.24 / 0.5), PLACES[0] * (1 + 0.26 / 0.5)
    rows = np.array([inside, outside], np.float32)
    _, labels = gather(rows, ones(rows), CENTROIDS, RADII, guide(D, D + 1))
    assert labels.tolist() == [0, D]


@pytest.mark.parametrize("changes", [{"reaches": np.zeros(D, np.int64)}, {}])
def test_without_a_reach_or_without_scouts_every_claim_has_its_nearest_cluster(changes: dict) -> None:
    rows = np.array([PLACES[0] * 1.9], np.float32)
    cells = D + 1 if changes else D
    _, labels = gather(rows, ones(rows), CENTROIDS[:cells], RADII[:cells], guide(D, cells, **changes))
    assert labels.tolist() == [0]


def test_a_clusters_own_weights_decide_which_cluster_is_nearest() -> None:
    rows = np.array([[0.3, 0.2, 0.0, 0.0]], np.float32)
    first_only = np.full((D, D), 1000)
    first_only[0] = [10, 3970, 10, 10]
    assert gather(rows, ones(rows), CENTROIDS[:D], RADII[:D], guide(D, D))[1].tolist() == [0]
    assert gather(rows, ones(rows), CENTROIDS[:D], RADII[:D], guide(D, D, weights=first_only))[1].tolist() == [0]
    second_only = np.full((D, D), 1000)
    second_only[0] = [3970, 10, 10, 10]
    second_only[1] = [10, 10, 10, 3970]
    assert gather(rows, ones(rows), CENTROIDS[:D], RADII[:D], guide(D, D, weights=second_only))[1].tolist() == [1]


@pytest.mark.parametrize("coordinates", [0, 300])
def test_an_answer_is_as_long_as_its_blocks_whatever_the_claims(coordinates: int) -> None:
    asked = plan(state(), division={"coordinates": coordinates})
    question, privacy = first(asked).question, asked.privacy
    assert privacy is not None
    parts = blocks(privacy, question.phase, len(question.centroids), D, question.cost)
    assert sum(part.cost for part in parts) == question.cost
    for rows in (np.zeros((0, D), np.float32), around(PLACES, [30, 1, 0, 7])):
        store = RowStore(D, asked.cost_cap_yuan)
        store.append(rows, np.ones(len(rows), np.int64), np.arange(len(rows), dtype=np.uint64))
        words = store.answer(question, privacy)
        assert len(words) == sum(part.n_words for part in parts) == n_words(asked, question.phase, len(RADII) - 1)
        assert words[:D].sum() == len(rows) * GRID_UNITS


def test_a_question_names_reach_weights_and_caps() -> None:
    one = first(plan(state())).question
    clusters = tuple(cluster(place + 1, PLACES[place], reach=9_999_99) for place in range(D))
    other = first(plan(state(*clusters))).question
    assert one.digest() != other.digest()
    weighted = tuple(cluster(place + 1, PLACES[place], weights=(500, 1500, 1000, 1000)) for place in range(D))
    assert first(plan(state(*weighted))).question.digest() not in {one.digest(), other.digest()}


def test_a_guide_of_other_cells_is_refused() -> None:
    with pytest.raises(ValueError, match="of these cells"):
        gather(np.zeros((1, D), np.float32), ones(np.zeros(1)), CENTROIDS, RADII, guide(D, D))
