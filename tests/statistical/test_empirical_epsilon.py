"""Lower bounds on epsilon from releases alone: below every claim of the honest mechanism, above it for every fault.

The target is the worst there can be: a person whose claims reach the bound of every block in every round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy import stats

from common.accounting.charges import RHO_UNITS, budget, rdp_epsilon
from common.accounting.guarantee import Guarantee, Unit
from common.costs import costs_of
from common.grid import GRID_UNITS, to_grid
from common.kernel import row_norms
from common.noise.randomness import AesStream, RandomBytes
from common.plan import Phase
from common.privacy import Privacy
from common.private.answering import raw_answer
from common.private.budget import allotment
from common.private.noising import noised
from common.private.question import Question, parted
from common.weighting import Weighting, weigh
from simulations.audit import Trials, at_least, at_most, epsilon_lower_bound, released
from tests.common.rows import blobs, on_grid
from tests.statistical import faults
from tests.statistical.faults import Answer, Words
from tests.statistical.neighbours import CAP_YUAN, parts_of

N_FEATURES = 2
N_TRIALS = 40_000
TELLING = 0.05
"""The delta at which a bound from some ten thousand trials comes closest to the claim."""

Releasing = Callable[[Sequence[Answer], int, RandomBytes], Trials]
Sides = tuple[list[Answer], list[Answer]]
"""All answers about data without the target, and with it."""

CROWD = blobs(300, N_FEATURES, 4, seed=31, spread=0.5)
TARGET = np.repeat(on_grid(np.array([[0.8, 0.5]])), 2, axis=0)


def terms(epsilon: float) -> Privacy:
    return Privacy(epsilon_thousandths=round(1000 * epsilon), expected_units=300, leaves_per_cluster=2)


def asked(seed: int, cost: int, phase: Phase = Phase.LLOYD, k: int = 2) -> Question:
    """Small radii around other places in each round, so that the target reaches every bound from another side."""
    centroids = to_grid(blobs(k, N_FEATURES, k, seed).astype(np.float64))
    return Question(phase=phase, centroids=centroids, radii=np.full(k, GRID_UNITS // 20), cost=cost)


def raw_words(question: Question, n_of_target: int, weighting: Weighting) -> Words:
    rows = np.concatenate([CROWD, TARGET[:n_of_target]])
    weights = weigh(np.append(np.arange(300), [300, 300])[: len(rows)].astype(np.uint64), weighting)
    costs = costs_of(np.full(len(rows), CAP_YUAN * 100), CAP_YUAN)
    return raw_answer(question, rows, row_norms(rows), costs, weights, cap_yuan=CAP_YUAN)


def sides(questions: Sequence[Question], weighting: Weighting = Weighting.SHARED) -> Sides:
    parts = [parts_of(terms(1.0), each) for each in questions]
    without, within = ([raw_words(each, n, weighting) for each in questions] for n in (0, len(TARGET)))
    return list(zip(without, parts, strict=True)), list(zip(within, parts, strict=True))


def changes(both: Sides) -> list[Words]:
    """What the target changes, answer by answer."""
    return [present - absent for (absent, _), (present, _) in zip(*both, strict=True)]


def bounds(
    both: Sides, releasing: Releasing, deltas: Sequence[float] = (TELLING,), n_trials: int = N_TRIALS
) -> list[float]:
    """A lower bound for each delta, from fixed seeds."""
    source = AesStream(bytes(31) + b"\x07")
    absent, present = (releasing(side, n_trials, source) for side in both)
    return [epsilon_lower_bound(absent, present, np.concatenate(changes(both)), delta) for delta in deltas]


def cost_of(epsilon: float, delta: float = 1e-6) -> int:
    return budget(Guarantee(epsilon=epsilon, delta=delta, unit=Unit.PERSON))


def session(epsilon: float) -> list[Question]:
    """A whole run for two clusters: every round that its plan pays for."""
    privacy = terms(epsilon)
    paid = allotment(privacy, 4)
    polish = [paid.polish // privacy.division.polish_rounds] * privacy.division.polish_rounds
    polish[0] += paid.polish - sum(polish)
    passes = [(cost, 2 << level) for level, costs in enumerate(paid.levels) for cost in costs]
    rounds = [
        (Phase.SEEDING, 1, paid.root),
        (Phase.RADIUS, 1, paid.histogram),
        *((Phase.SEEDING, k, cost) for cost, k in passes),
        *((Phase.LLOYD, 2, cost) for cost in polish),
        (Phase.MEASURE, 2, paid.measure),
    ]
    assert sum(cost for *_, cost in rounds) == paid.total
    return [asked(seed, cost, phase, k) for seed, (phase, k, cost) in enumerate(rounds)]


def alone(answers: Sequence[Answer], n_trials: int, seeds: RandomBytes) -> Trials:
    return faults.at_a_bureau(answers, 1, n_trials, seeds)


def sum_of(n_bureaus: int) -> Releasing:
    return lambda answers, n_trials, seeds: faults.in_a_secure_sum(answers, 2, n_bureaus, n_trials, seeds)


def test_trials_have_the_noise_of_their_blocks_and_of_nothing_else() -> None:
    (words, parts), seed = one(10**8)[1][0], bytes(32)
    lone = released(words, parts, 2, 1, AesStream(seed))[0]
    assert (lone == noised(words, parts, 2, AesStream(seed)).words).all()
    stds = np.repeat([float(part.variance / 2) ** 0.5 for part in parts], [part.n_words for part in parts])
    many = (released(words, parts, 2, 20_000, AesStream(seed)) - words) / stds
    for wrong, low, high in ((1.0, 0.0, 5.0), (1.05, 5.0, np.inf)):
        deviations = np.append(many.mean(axis=0), (np.square(many * wrong).mean(axis=0) - 1.0) / 2**0.5) * 20_000**0.5
        assert low < np.abs(deviations).max() < high


def test_the_target_costs_all_that_is_charged() -> None:
    questions = [*session(1.0), asked(7, cost_of(4))]
    both = sides(questions)
    for question, change, (_, parts) in zip(questions, changes(both), both[0], strict=True):
        cut = parted(change, tuple(part.n_words for part in parts))
        losses = [float(words @ words) / float(2 * part.variance) for words, part in zip(cut, parts, strict=True)]
        assert 0.999 < sum(losses) * RHO_UNITS / question.cost <= 1.0


@pytest.mark.parametrize("releasing", [alone, sum_of(2), sum_of(3)], ids=["alone", "a sum of two", "a sum of three"])
@pytest.mark.parametrize(("epsilon", "delta"), [(1.0, 1e-6), (1.0, TELLING), (4.0, 1e-3), (4.0, TELLING)])
def test_the_bound_of_one_round_stays_below_its_claim(releasing: Releasing, epsilon: float, delta: float) -> None:
    cost = cost_of(epsilon, delta)
    (found,) = bounds(sides([asked(7, cost)]), releasing, (delta,))
    assert 0.0 < found < rdp_epsilon((cost,), delta) <= epsilon


@pytest.mark.parametrize("releasing", [alone, sum_of(2)], ids=["alone", "a sum of two"])
def test_the_bound_comes_near_the_claim_so_that_it_can_find_something(releasing: Releasing) -> None:
    assert bounds(sides([asked(7, cost_of(4.0, TELLING))]), releasing)[0] > 0.6 * 4.0


LONG = pytest.param(4.0, 200_000, marks=pytest.mark.slow)


@pytest.mark.parametrize(("epsilon", "n_trials"), [(1.0, 16_000), (4.0, 16_000), LONG])
def test_the_bound_of_a_whole_session_stays_below_the_claim_of_its_total(epsilon: float, n_trials: int) -> None:
    questions, deltas = session(epsilon), (1e-6, 1e-3, TELLING)
    total = sum(each.cost for each in questions)
    claims = [rdp_epsilon((total,), delta) for delta in deltas]
    found = bounds(sides(questions), alone, deltas, n_trials)
    assert claims[0] <= epsilon
    assert all(0.0 < bound < claim for bound, claim in zip(found, claims, strict=True))
    assert max(bound / claim for bound, claim in zip(found, claims, strict=True)) > 0.3


def one(price: int) -> Sides:
    return sides([asked(7, price)])


def three(price: int) -> Sides:
    return sides([asked(seed, price // 3) for seed in (7, 8, 9)])


def unshared(price: int) -> Sides:
    return sides([asked(7, price)], Weighting.EACH_CLAIM)


def two_bureaus(price: int) -> Sides:
    """A second bureau, which holds no claims, answers the same round."""
    absent, present = one(price)
    nothing = [(np.zeros_like(words), parts) for words, parts in absent]
    return absent + nothing, present + nothing


def again(price: int) -> Sides:
    return one(price)[0] * 2, one(price)[1] * 2


@pytest.fixture(scope="module")
def price() -> int:
    """A whole plan's, of epsilon 4."""
    return cost_of(4.0)


@pytest.mark.parametrize(
    ("about", "releasing"),
    [
        pytest.param(one, faults.no_noise, id="no noise"),
        pytest.param(one, faults.a_bureau_forgets, id="one of two bureaus adds no noise"),
        pytest.param(one, faults.a_quarter_of_the_variance, id="a quarter of the variance"),
        pytest.param(one, faults.a_block_is_bare, id="a block without noise"),
        pytest.param(unshared, alone, id="claims of one person not shared"),
        pytest.param(unshared, sum_of(2), id="claims of one person not shared, in a sum"),
        pytest.param(three, faults.one_seed_for_all, id="one seed for all rounds"),
        pytest.param(two_bureaus, faults.one_seed_for_all, id="one seed for two bureaus"),
        pytest.param(three, faults.noise_kept_from_the_first_round, id="noise kept from the first round"),
        pytest.param(again, alone, id="answered twice for one price"),
    ],
)
def test_a_planted_fault_is_caught(about: Callable[[int], Sides], releasing: Releasing, price: int) -> None:
    (found,) = bounds(about(price), releasing)
    assert found > rdp_epsilon((price,), TELLING)


@pytest.mark.parametrize("about", [one, three, two_bureaus])
def test_without_a_fault_the_same_answers_stay_below_the_claim(about: Callable[[int], Sides], price: int) -> None:
    assert bounds(about(price), alone)[0] < rdp_epsilon((price,), TELLING)


def test_one_seed_for_a_whole_session_is_caught() -> None:
    questions = session(1.0)
    claim = rdp_epsilon((sum(each.cost for each in questions),), TELLING)
    assert bounds(sides(questions), faults.one_seed_for_all, n_trials=16_000)[0] > claim


def coin_flips(rng: np.random.Generator, n_trials: int, odds: float) -> tuple[Trials, Trials]:
    """A bit that is told truly with these odds: epsilon is exactly their logarithm."""
    told = rng.random((2, n_trials, 1)) < odds / (1.0 + odds)
    return (~told[0]).astype(np.int64), told[1].astype(np.int64)


def test_the_bound_exceeds_a_known_epsilon_no_more_often_than_it_may() -> None:
    rng, change, odds = np.random.default_rng(5), np.ones(1, np.int64), 3.0
    drawn = [coin_flips(rng, 400, odds) for _ in range(300)]

    def wrong(confidence: float) -> int:
        found = [epsilon_lower_bound(absent, present, change, 0.0, confidence) for absent, present in drawn]
        return sum(bound > np.log(odds) for bound in found)

    assert stats.binomtest(wrong(0.95), 300, 0.05, alternative="greater").pvalue > 0.05
    assert stats.binomtest(wrong(0.0), 300, 0.05, alternative="greater").pvalue < 1e-6


@pytest.mark.parametrize(("times", "trials"), [(0, 100), (3, 100), (100, 100), (137, 20_000), (19_990, 20_000)])
def test_error_rates_are_bounded_as_clopper_and_pearson_do(times: int, trials: int) -> None:
    interval = stats.binomtest(times, trials).proportion_ci(0.95, "exact")
    assert at_least(times, trials, 0.025) == pytest.approx(interval.low, abs=1e-9)
    assert at_most(times, trials, 0.025) == pytest.approx(interval.high, abs=1e-9)
    assert at_most(times, trials, 0.1) != pytest.approx(interval.high, abs=1e-6) or times == trials


def test_trials_that_do_not_fit_are_refused() -> None:
    words = np.zeros((10, 3), np.int64)
    for absent, present in ((words[:1], words), (words[:, :2], words), (words[:, :2], words[:, :2])):
        with pytest.raises(ValueError, match="two trials"):
            epsilon_lower_bound(absent, present, words[0], 0.1)
