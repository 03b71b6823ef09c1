"""Circles and labels keep off each other, projections keep what lies close together, axes are round."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.report.centroid_map import NARROW, WIDE, _circles, project
from simulations.report.cost_strip import LIMIT, _Axis
from simulations.report.labels import Box, Circle, place_labels
from simulations.report.mix import MOST_COLUMNS, regional_mix
from simulations.report.naming import ems, shortened
from simulations.report.panels import Panel
from simulations.report.spreading import spread
from simulations.report.svg import element, ticks
from simulations.report.texts import load_catalogue
from tests.simulations.report.stories import story_of

FRAME = Box(0, 0, 600, 400)


def boxes_of(labels: list[object], font: float) -> list[Box]:
    found = []
    for label in labels:
        if label is not None:
            words, x, y, anchor = label  # type: ignore[misc]
            width = ems(words) * font
            left = {"start": x, "middle": x - width / 2, "end": x - width}[anchor]
            found.append(Box(left, y - 0.7 * font, left + width, y + 0.2 * font))
    return found


@settings(derandomize=True, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_no_two_labels_overlap_and_all_lie_in_the_frame(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    circles = [
        Circle(x, y, r)
        for x, y, r in zip(rng.uniform(0, 600, n), rng.uniform(0, 400, n), rng.uniform(3, 30, n), strict=True)
    ]
    boxes = boxes_of(list(place_labels(circles, [["Hypertension", "高血压"]] * n, 12.0, FRAME)), 12.0)
    assert all(box.lies_in(FRAME) for box in boxes)
    assert not any(one.meets(other) for place, one in enumerate(boxes) for other in boxes[:place])


def test_a_label_without_room_falls_back_to_a_shorter_one_or_is_left_out() -> None:
    circle = [Circle(20, 20, 5)]
    assert place_labels(circle, [["much too long for this", "C1"]], 10.0, Box(0, 0, 50, 40))[0].words == "C1"  # type: ignore[union-attr]
    assert place_labels(circle, [["much too long for this"]], 10.0, Box(0, 0, 50, 40)) == [None]


def test_circles_in_one_place_are_moved_apart() -> None:
    radii = np.array([20.0, 10.0, 10.0, 5.0])
    places = spread(np.full((4, 2), 100.0), radii, (300.0, 300.0))
    apart = np.sqrt(((places[:, None] - places[None, :]) ** 2).sum(axis=2)) + 1e9 * np.eye(4)
    assert (apart >= radii[:, None] + radii[None, :]).all()


def test_circles_that_have_room_stay_where_they_are() -> None:
    places = np.array([[50.0, 50.0], [250.0, 250.0]])
    assert np.abs(spread(places, np.array([20.0, 20.0]), (300.0, 300.0)) - places).max() < 0.1


def test_circles_stay_within_the_map() -> None:
    story = story_of(8, 64)
    for look in (WIDE, NARROW):
        for circle in _circles(project(story).places, [card.count for card in story.cards], look):
            assert circle.r <= circle.x <= look.width - circle.r
            assert circle.r <= circle.y <= look.height - circle.r


def test_the_projection_is_the_weighted_principal_plane() -> None:
    story = story_of(2, 5)
    weights = np.array([card.count for card in story.cards], float)
    values = story.model.centroid_values()
    centred = values - (weights[:, None] * values).sum(axis=0) / weights.sum()
    found = np.linalg.eigvalsh((centred * weights[:, None]).T @ centred)[::-1]
    projection = project(story)
    assert np.allclose((weights[:, None] * projection.places**2).sum(axis=0), found[:2])
    assert np.isclose(projection.share, found[:2].sum() / found.sum())
    assert project(story_of(1, 1)).share == 1.0


def test_the_smallest_of_many_bureaus_are_put_together() -> None:
    story = story_of(64, 5)
    mix = regional_mix(story, load_catalogue())
    counts = np.array([card.bureau_counts for card in story.cards])
    assert len(mix.columns) == mix.shares.shape[1] == MOST_COLUMNS
    assert mix.columns[-1].en == "the other 45"
    assert np.allclose(mix.shares.sum(axis=1), 1.0)
    assert np.isclose(mix.shares[0, -1], counts[0, MOST_COLUMNS - 1 :].sum() / counts[0].sum())
    assert len(regional_mix(story_of(20, 5), load_catalogue()).columns) == 20


def test_ticks_are_round_and_within_the_axis() -> None:
    assert ticks(0.0, 10.0, 5) == [0, 2, 4, 6, 8, 10]
    assert ticks(3.0, 3.0) == [3.0]
    panel = Panel.around([900.0, 110_000.0], 0.0, 100.0, logarithmic=True)
    assert panel.ticks() == [1000.0, 2000.0, 5000.0, 10_000.0, 20_000.0, 50_000.0, 100_000.0]
    assert 0.0 < panel.y(110_000.0) < panel.y(900.0) < 100.0


def test_long_words_end_in_an_ellipsis_and_short_ones_do_not() -> None:
    assert shortened("Haemodialysis", 20.0) == "Haemodialysis"
    assert shortened("慢性阻塞性肺疾病", 5.0) == "慢性阻塞…"
    assert ems(shortened("Chronic obstructive lung disease", 10.0)) <= 10.0


def test_an_element_escapes_what_it_is_given() -> None:
    assert element("text", "<&>", class_='"x"', data_zh="<", gap=None, x=1.50) == (
        '<text class="&#34;x&#34;" data-zh="&lt;" x="1.5">&lt;&amp;&gt;</text>'
    )


def test_no_column_of_the_cost_strip_lies_on_both_sides_of_the_limit() -> None:
    axis = _Axis(1040.0, 12.0, 1.7)
    for cv in np.linspace(0.0, 1.69, 200):
        assert (axis.middle(axis.column(float(cv))) > axis.x(LIMIT)) == (cv >= LIMIT)
        assert abs(axis.middle(axis.column(float(cv))) - axis.x(float(cv))) <= 1.5 * axis.step
    assert axis.column(99.0) == axis.column(1.7)
