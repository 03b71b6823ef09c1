"""What is believed after a window: what moves, what is born, what dies, and what keeps its name."""

import numpy as np
import pytest
from pydantic import ValidationError

from common.grid import GRID_UNITS, from_grid
from common.stream.guide import cap_of
from common.stream.state import Change, StreamState
from tests.common.stream.streams import (
    NO_NOISE,
    NOISE,
    PLACES,
    SPREAD,
    SQUARE_UNITS,
    D,
    after,
    cluster,
    seen,
    state,
    window,
)

FAR = np.array([-0.4, -0.4, 0.3, 0.1])


def happened(one: StreamState, *changes: Change) -> list[int]:
    return [event.identity for event in one.events if event.change in changes]


def with_scout(before: StreamState, count: float, place: np.ndarray, square: float) -> dict[str, object]:
    """A window in which so many claims lie about a place that is far from every cluster."""
    like = seen(before)
    counts, offsets, squares = like.counts.copy(), like.offsets.copy(), like.squares.copy()
    n = len(before.clusters)
    centroids = from_grid(before.centroid_units())[n:]
    if len(centroids):
        nearest = n + int(np.argmin(((centroids - place) ** 2).sum(axis=1)))
        counts[nearest] = count
        offsets[nearest] = count * (place - centroids[nearest - n])
        apart = square + ((place - centroids[nearest - n]) ** 2).sum()
        squares[nearest] = count * min(apart, like.radii[nearest] ** 2)
    return {"counts": counts, "offsets": offsets, "squares": squares}


def follow(before: StreamState, n_windows: int, count: float, **changes: float) -> StreamState:
    for _ in range(n_windows):
        more = with_scout(before, count, FAR, changes.get("square", SPREAD))
        at_bureaus = np.zeros(len(before.cells))
        at_bureaus[len(before.clusters) - 1] = changes.get("bureaus", 0.0)
        before = after(before, **more, bureaus=at_bureaus)
    return before


def test_claims_as_before_change_nothing_but_the_window() -> None:
    before, found = state(), after(state(), noise=NO_NOISE)
    assert found.window == before.window + 1
    assert [one.centroid for one in found.clusters] == [one.centroid for one in before.clusters]
    assert [one.square for one in found.clusters] == [one.square for one in before.clusters]
    assert found.events == ()


def test_a_cluster_moves_to_the_faded_mean_of_its_claims() -> None:
    before = state()
    offsets = np.zeros((D, D))
    offsets[0] = 900 * np.array([0.0, 0.03, 0.0, 0.0])
    moved = from_grid(np.array(after(before, noise=NO_NOISE, offsets=offsets).clusters[0].centroid))
    # 2,100 claims are left of 3,000, and 900 come: three tenths of the way
    assert moved == pytest.approx([0.5, 0.009, 0.0, 0.0], abs=2e-6)


def test_no_cluster_moves_further_than_half_its_radius() -> None:
    before = state()
    offsets = np.full((D, D), 1e6)
    for one, other in zip(before.clusters, after(before, offsets=offsets).clusters, strict=True):
        step = from_grid(np.array(one.centroid) - np.array(other.centroid))
        assert np.linalg.norm(step) <= 0.5 * one.radius / GRID_UNITS + 1e-5


def test_a_count_that_drowns_in_noise_changes_no_spread() -> None:
    few = np.array([30.0, 900.0, 900.0, 900.0])
    found = after(state(), counts=few, squares=few * 0.01)
    assert found.clusters[0].square == state().clusters[0].square
    assert found.clusters[1].square > state().clusters[1].square


def test_claims_that_are_far_from_every_cluster_become_one_within_three_windows_in_quarantine() -> None:
    found = follow(after(state()), 3, 350.0)
    assert happened(found, Change.BIRTH) == [5]
    born = found.clusters[-1]
    assert (born.identity, born.quarantined, found.next_identity) == (5, True, 6)
    assert np.linalg.norm(from_grid(np.array(born.centroid)) - FAR) < 0.01


def test_few_far_claims_make_no_cluster_however_long() -> None:
    found = follow(after(state()), 30, 40.0)
    assert happened(found, Change.BIRTH) == []


def test_far_claims_that_do_not_belong_together_make_no_cluster_and_more_scouts() -> None:
    found = follow(after(state()), 12, 350.0, square=10 * SPREAD)
    assert happened(found, Change.BIRTH) == []
    assert len(found.scouts) > 1


def test_nothing_counts_as_far_until_the_spreads_of_a_seeding_have_settled() -> None:
    young = state(seeded=50)
    assert all(one.reach == 0 for one in after(young, 5).clusters)
    assert not after(young, 5).scouts
    assert all(one.reach > 0 for one in after(young, 7).clusters)


def test_a_new_cluster_leaves_quarantine_once_bureaus_and_claims_are_certain() -> None:
    born = follow(after(state()), 3, 350.0)
    like = 3_600 * born.clusters[-1].share / SQUARE_UNITS
    assert happened(follow(born, 6, 0.0, bureaus=like), Change.CONFIRMED) == [5]


def test_a_new_cluster_of_one_bureau_stays_in_quarantine_for_ever() -> None:
    born = follow(after(state()), 3, 350.0)
    for _ in range(60):
        cap = cap_of(born.clusters[-1], window(born, fewest_bureaus=2)) / GRID_UNITS
        born = follow(born, 1, 0.0, bureaus=cap)
    assert born.clusters[-1].quarantined
    assert happened(born, Change.CONFIRMED) == []


def test_a_cluster_without_claims_dies_after_four_windows_below_the_noise() -> None:
    counts = np.array([0.0, 900.0, 900.0, 900.0])
    found = state()
    while not happened(found, Change.DEATH) and found.window < 80:
        found = after(found, counts=counts[: len(found.clusters)])
    assert happened(found, Change.DEATH) == [1]
    assert [one.identity for one in found.clusters] == [2, 3, 4]
    assert found.window >= 50 + 4


def test_a_pinned_cluster_moves_but_never_dies() -> None:
    clusters = [cluster(place + 1, PLACES[place], pinned=place == 0) for place in range(D)]
    offsets = np.zeros((D, D))
    offsets[0, 1] = 1e-3
    counts = np.array([0.0, 900.0, 900.0, 900.0])
    found = after(state(*clusters), 40, counts=counts, offsets=offsets, squares=counts * SPREAD)
    assert [one.identity for one in found.clusters] == [1, 2, 3, 4]
    assert found.clusters[0].centroid != clusters[0].centroid


@pytest.mark.parametrize("pinned", [None, 1, 2])
def test_two_clusters_that_nothing_tells_apart_become_one_and_the_pinned_or_elder_keeps_its_name(
    pinned: int | None,
) -> None:
    near = PLACES[0] + np.array([0.0, 0.5 * (SPREAD / D) ** 0.5, 0.0, 0.0])
    clusters = [
        cluster(1, PLACES[0], born=2, pinned=pinned == 1),
        cluster(2, near, born=9, pinned=pinned == 2),
        cluster(3, PLACES[2]),
    ]
    found = after(state(*clusters))
    stays = 2 if pinned == 2 else 1
    assert [one.identity for one in found.clusters] == [stays, 3] or [one.identity for one in found.clusters] == [3]
    merge = next(event for event in found.events if event.change is Change.MERGE)
    assert (merge.identity, merge.others) == (stays, (3 - stays,))
    joined = next(one for one in found.clusters if one.identity == stays)
    assert joined.count == pytest.approx(
        2 * (0.7**0.75 * 3_000 + 900) * GRID_UNITS, rel=0.01
    )  # a window of 3/4 of the usual


def test_two_pinned_clusters_never_merge() -> None:
    clusters = [cluster(place + 1, PLACES[0], pinned=True) for place in range(2)]
    assert happened(after(state(*clusters), 5), Change.MERGE) == []


def test_clusters_that_are_told_apart_stay_two() -> None:
    near = PLACES[0] + np.array([0.0, 5 * (SPREAD / D) ** 0.5, 0.0, 0.0])
    found = after(state(cluster(1, PLACES[0]), cluster(2, near)), 5)
    assert [one.identity for one in found.clusters] == [1, 2]


def test_a_cluster_that_stays_much_wider_than_it_was_becomes_two_that_say_where_they_come_from() -> None:
    before = state()
    wide = np.array([9.0, 1.0, 1.0, 1.0]) * SPREAD * 900
    found = before
    while not found.events and found.window < 70:
        found = after(found, squares=wide, radii=np.full(D, 1.0))
    assert found.window >= 50 + 4
    splits = [event for event in found.events if event.change is Change.SPLIT]
    assert [(event.identity, event.others) for event in splits] == [(5, (1,)), (6, (1,))]
    assert {one.identity for one in found.clusters} == {2, 3, 4, 5, 6}


def test_noise_alone_makes_no_change_in_a_thousand_windows() -> None:
    rng, found = np.random.default_rng(1), state()
    for _ in range(1000):
        like = seen(found)
        cells = len(found.cells)
        found = after(
            found,
            counts=like.counts.clip(0, 900) * (np.arange(cells) < D) + NOISE.counts * rng.normal(size=cells),
            offsets=like.radii[:, None] * NOISE.sums * rng.normal(size=(cells, D)),
            squares=like.squares * (np.arange(cells) < D) + like.radii**2 * NOISE.squares * rng.normal(size=cells),
            bureaus=NOISE.bureaus * rng.normal(size=cells),
        )
    assert found.events == ()
    assert found.window == 1050


def test_a_state_with_two_clusters_of_one_name_or_of_a_name_to_come_is_refused() -> None:
    for clusters, following in (((1, 1), 5), ((1, 7), 7)):
        with pytest.raises(ValidationError, match="identities"):
            state(*(cluster(identity, PLACES[0]) for identity in clusters), next_identity=following)


def test_the_share_follows_slowly_and_a_surge_adds_up() -> None:
    clusters = [cluster(1, PLACES[0], share=SQUARE_UNITS // 40), *(cluster(k + 1, PLACES[k]) for k in (1, 2, 3))]
    found = after(state(*clusters), 2, counts=np.array([400.0, 1000.0, 1000.0, 1000.0]))
    first, second = found.clusters[:2]
    assert first.surge > 8_000
    assert second.surge == 0
    assert first.share < SQUARE_UNITS // 30


def test_squares_are_means_of_the_whole_cluster() -> None:
    found = after(state(), 60, noise=NO_NOISE, squares=np.full(D, 900 * 2 * SPREAD))
    assert found.clusters[0].square == pytest.approx(2 * SPREAD * SQUARE_UNITS, rel=1e-3)


def test_memory_fades_with_claims_so_that_a_night_does_not_take_the_place_of_a_day() -> None:
    before = state()
    by_day = after(before, counts=np.full(D, 900.0), noise=NO_NOISE).clusters[0].count
    by_night = after(before, counts=np.full(D, 90.0), noise=NO_NOISE).clusters[0].count
    assert by_day == pytest.approx((0.7 * 3_000 + 900) * GRID_UNITS, rel=1e-6)
    assert by_night == pytest.approx((0.7**0.1 * 3_000 + 90) * GRID_UNITS, rel=1e-6)


def test_at_night_where_all_counts_drown_in_noise_nothing_dies() -> None:
    found = state()
    for _ in range(40):
        found = after(found, counts=np.array([8.0, 12.0, 10.0, 10.0]))
    assert happened(found, Change.DEATH, Change.MERGE) == []
