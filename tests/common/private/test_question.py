from fractions import Fraction

import numpy as np
import pytest

from common.accounting.charges import charge
from common.grid import GRID_UNITS
from common.noise.randomness import AesStream
from common.plan import Phase
from common.privacy import Privacy
from common.private.answering import raw_answer
from common.private.budget import allotment
from common.private.noising import noised
from common.private.question import Question, blocks, counted_on, n_words
from tests.common.private_run import blocks_of, private_plan, raw_words
from tests.common.rows import blobs

PHASES = [Phase.SEEDING, Phase.RADIUS, Phase.LLOYD, Phase.MEASURE]
PLAN = private_plan(4, n_clusters=3)
ROWS = blobs(300, 4, 3, seed=1)


def question(phase: Phase = Phase.LLOYD, **changes: object) -> Question:
    k = 1 if phase is Phase.RADIUS else 3
    fields = {
        "phase": phase,
        "centroids": np.arange(4 * k, dtype=np.int64).reshape(k, 4) * 1000,
        "radii": np.full(k, GRID_UNITS // 2),
        "cost": 100_000,
    }
    return Question(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("terms", [{}, {"unit": "person", "weighting": "capped", "claims_per_person": 3}])
def test_the_noise_of_a_block_costs_exactly_what_is_charged_for_it(phase: Phase, terms: dict[str, object]) -> None:
    plan = private_plan(4, terms, n_clusters=3)
    parts = blocks_of(plan, question(phase))
    assert sum(part.cost for part in parts) == 100_000
    for part in parts:
        assert charge(part.squared_sensitivity, part.variance) == part.cost
        assert isinstance(part.variance, Fraction)


@pytest.mark.parametrize("phase", PHASES)
def test_an_answer_has_the_words_of_its_blocks(phase: Phase) -> None:
    asked = question(phase)
    words = raw_words(PLAN, asked, ROWS)
    assert words.dtype == np.int64
    assert len(words) == sum(part.n_words for part in blocks_of(PLAN, asked)) == n_words(PLAN, phase, len(asked.radii))


@pytest.mark.parametrize("phase", PHASES)
def test_answers_about_parts_of_the_claims_add_up(phase: Phase) -> None:
    asked = question(phase)
    whole = raw_words(PLAN, asked, ROWS)
    parts = [raw_words(PLAN, asked, part) for part in (ROWS[:100], ROWS[100:101], ROWS[101:])]
    assert np.array_equal(whole, sum(parts))


def test_sensitivity_grows_with_claims_and_bureaus_of_a_person() -> None:
    one = Privacy(expected_units=9)
    many = Privacy(expected_units=9, weighting="capped", claims_per_person=3, bureaus_per_person=2)
    assert one.squared_sensitivity == GRID_UNITS**2
    assert many.squared_sensitivity == (6 * GRID_UNITS) ** 2
    assert many.contribution == 6


def test_equal_digests_are_equal_questions() -> None:
    asked = question()
    others = [
        question(Phase.SEEDING),
        question(centroids=asked.centroids + 1),
        question(radii=asked.radii + 1),
        question(cost=100_001),
        question(centroids=asked.centroids[:2], radii=asked.radii[:2]),
    ]
    assert question().digest() == asked.digest()
    assert len({one.digest() for one in [asked, *others]}) == 6


def test_noise_is_added_to_every_word_and_is_that_of_the_blocks() -> None:
    parts = blocks(PLAN.privacy or Privacy(expected_units=9), Phase.LLOYD, 300, 4, 100_000)
    noise = noised(np.zeros(300 * 6, np.int64), parts, 1, AesStream(bytes(32))).words
    edges = np.cumsum([0, *(part.n_words for part in parts)])
    for part, start, end in zip(parts, edges[:-1], edges[1:], strict=True):
        assert noise[start:end].std() == pytest.approx(float(part.variance) ** 0.5, rel=0.15)
    quarter = noised(np.zeros(300 * 6, np.int64), parts, 4, AesStream(bytes(32))).words
    assert quarter[300:1500].std() == pytest.approx(noise[300:1500].std() / 2, rel=0.15)


def test_words_that_do_not_fit_their_blocks_get_no_noise() -> None:
    parts = blocks_of(PLAN, question())
    for words in (np.zeros(17, np.int64), np.zeros(19, np.int64), np.zeros(18)):
        with pytest.raises(ValueError, match="do not fit"):
            noised(words, parts, 1, AesStream(bytes(32)))


def test_whose_noise_is_counted_on() -> None:
    assert counted_on(PLAN) == 1
    assert counted_on(private_plan(4, {"honest_floor": 5}, protection="secure")) == 5


def test_the_histogram_counts_every_claim_once() -> None:
    words = raw_words(PLAN, question(Phase.RADIUS), ROWS)
    assert words.sum() == 300 * GRID_UNITS


def test_costs_are_measured_between_a_thousandth_of_the_cap_and_the_cap() -> None:
    from common.costs import costs_of  # noqa: PLC0415
    from common.kernel import row_norms  # noqa: PLC0415
    from common.private.bounding import yuan_of  # noqa: PLC0415

    fen = np.array([0, 1, 20_000, 632_456, 20_000_000, 10**12], np.int64)  # none, below, low end, middle, cap, above
    rows = np.zeros((6, 4), np.float32)
    asked = question(Phase.MEASURE, centroids=np.zeros((1, 4), np.int64), radii=np.array([GRID_UNITS]))
    places = []
    for at in range(6):
        words = raw_answer(
            asked,
            rows[:1],
            row_norms(rows[:1]),
            costs_of(fen[at : at + 1], 200_000),
            np.array([GRID_UNITS]),
            cap_yuan=200_000,
        )
        n, total, squares = (float(word) / GRID_UNITS for word in words[2:])
        assert n == (0.0 if at == 0 else 1.0)
        assert squares == pytest.approx(total**2, abs=1e-5)
        places.append(total)
    assert places == pytest.approx([0.0, -1.0, -1.0, 0.0, 1.0, 1.0], abs=1e-3)
    assert yuan_of(np.array([-1.0, 0.0, 1.0]), 200_000) == pytest.approx([200.0, 6324.6, 200_000.0], rel=1e-3)


def test_the_grid_is_fine_enough_for_the_least_noise_that_any_plan_asks_of_a_bureau() -> None:
    terms = {"epsilon_thousandths": 100_000, "honest_floor": 10_000}
    plan = private_plan(4, terms, protection="secure", n_clusters=3)
    assert plan.privacy is not None
    whole = allotment(plan.privacy, plan.max_leaves).total
    for phase in PHASES:
        parts = blocks_of(plan, question(phase, cost=whole))
        nothing = np.zeros(sum(part.n_words for part in parts), np.int64)
        noised(nothing, parts, counted_on(plan), AesStream(bytes(32)))
