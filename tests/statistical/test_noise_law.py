from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from common.noise import bernoulli
from common.noise.bernoulli import geometric, is_below
from common.noise.discrete_gaussian import _draw, discrete_gaussian
from common.noise.randomness import AesStream, random_words
from tests.statistical.laws import Draws, fit, two_sample, uniformity

ACCEPT = 1e-3
"""About twenty p-values stand here, so that one below 0.05 is no news; wrong laws must lie far below."""
REJECT = 1e-6


def stream(number: int) -> AesStream:
    return AesStream(number.to_bytes(32, "big"))


@pytest.mark.parametrize("variance", [Fraction(16), Fraction(145, 7), Fraction(10_000)])
def test_a_hundred_and_fifty_fits_of_the_law_have_uniform_p_values(variance: Fraction) -> None:
    source = stream(1)
    assert uniformity(lambda size: discrete_gaussian(variance, size, source), float(variance)) > ACCEPT


def test_the_law_holds_below_the_refused_deviations_too() -> None:
    source = stream(2)
    assert uniformity(lambda size: _draw(Fraction(1), size, source), 1.0) > ACCEPT


def test_a_deviation_two_per_cent_off_is_rejected() -> None:
    source = stream(3)
    wrong = Fraction(16) * Fraction(102, 100) ** 2
    assert uniformity(lambda size: discrete_gaussian(wrong, size, source), 16.0) < REJECT


def test_a_mean_shifted_by_a_tenth_of_a_unit_is_rejected() -> None:
    source, shifts = stream(4), np.random.default_rng(4)

    def shifted(size: int) -> Draws:
        return discrete_gaussian(16, size, source) + (shifts.random(size) < 0.1)

    assert uniformity(shifted, 16.0) < REJECT


def test_a_rounded_continuous_gaussian_is_rejected() -> None:
    normal = np.random.default_rng(5)
    assert uniformity(lambda size: np.rint(normal.normal(0.0, 1.0, size)).astype(np.int64), 1.0) < REJECT


def test_zero_drawn_with_either_sign_is_rejected() -> None:
    source, coins = stream(6), np.random.default_rng(6)

    def doubled_zero(size: int) -> Draws:
        draws = discrete_gaussian(16, size, source)
        zero_mass = np.mean(draws == 0)
        draws[coins.random(size) < zero_mass / (1 + zero_mass)] = 0
        return draws

    assert uniformity(doubled_zero, 16.0) < REJECT


@pytest.mark.parametrize("times", [15, pytest.param(150, marks=pytest.mark.slow)])
def test_ten_bureaus_with_a_tenth_of_the_variance_add_up_to_the_law(times: int) -> None:
    source = stream(7)

    def total(size: int) -> Draws:
        return discrete_gaussian(16, 10 * size, source).reshape(10, size).sum(axis=0)

    assert uniformity(total, 160.0, times) > ACCEPT


def test_ten_deviations_of_half_a_unit_do_not_add_up_to_the_law() -> None:
    source = stream(8)
    tiny = Fraction(1, 4)
    assert uniformity(lambda size: _draw(tiny, 10 * size, source).reshape(10, size).sum(axis=0), 2.5, times=8) < REJECT


def test_the_law_is_that_of_an_independent_sampler() -> None:
    opendp = pytest.importorskip("opendp.prelude", reason="opendp is the oracle here, and is not installed")
    opendp.enable_features("contrib")
    domain = opendp.vector_domain(opendp.atom_domain(T="i64")), opendp.l2_distance(T="i64")
    theirs, wider = (
        np.array(opendp.m.make_gaussian(*domain, scale=scale)([0] * 20_000), np.int64) for scale in (10.0, 11.0)
    )
    ours = discrete_gaussian(100, 20_000, stream(9))
    assert two_sample(ours, theirs) > 1e-4
    assert two_sample(ours, wider) < REJECT


def test_floats_and_rationals_decide_every_coin_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = discrete_gaussian(Fraction(1_000, 7), 2_000, stream(10))
    asked = []

    def counted(word: int, exponent: Fraction, source: AesStream) -> bool:
        asked.append(exponent)
        return is_below(word, exponent, source)

    monkeypatch.setattr(bernoulli, "UNDECIDED", 2.0)
    monkeypatch.setattr(bernoulli, "is_below", counted)
    assert np.array_equal(discrete_gaussian(Fraction(1_000, 7), 2_000, stream(10)), fast)
    assert len(asked) > 5_000


def test_the_slow_path_alone_has_the_law(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bernoulli, "UNDECIDED", 2.0)
    draws = discrete_gaussian(16, 6_000, stream(11))
    assert fit(draws, 16.0) > ACCEPT
    assert fit(draws, 18.0) < 1e-3


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_a_coin_its_first_word_leaves_open_is_thrown_with_the_probability_that_is_left(steps: int) -> None:
    source = stream(12)
    scaled = bernoulli.exp_bounds(Fraction(steps), 60)[0] * 2**64
    word, left = int(scaled), float(scaled - int(scaled))
    heads = sum(is_below(word, Fraction(steps), source) for _ in range(2_000))
    counts = geometric(np.full(2_000, word, np.uint64), source)
    assert set(counts.tolist()) <= {steps - 1, steps}
    for found in (heads, int((counts == steps).sum())):
        assert stats.binomtest(found, 2_000, left).pvalue > 1e-3
        assert stats.binomtest(found, 2_000, (left + 0.5) % 1).pvalue < REJECT


def test_counts_of_heads_are_geometric_beyond_the_table_too() -> None:
    source = stream(13)
    far = geometric(np.zeros(50_000, np.uint64), source) - bernoulli.STEPS
    near = geometric(random_words(source, 50_000), source)
    expected = 50_000 * np.append(np.exp(-np.arange(6.0)) * (1 - np.exp(-1)), np.exp(-6.0))
    for counts in (far, near):
        assert stats.chisquare(np.bincount(np.minimum(counts, 6), minlength=7), expected).pvalue > ACCEPT
    assert stats.chisquare(np.bincount(np.minimum(near + (near == 2), 6), minlength=7), expected).pvalue < REJECT


def test_calls_on_one_stream_are_independent_and_calls_on_one_seed_are_not() -> None:
    source = stream(14)
    one, other = (discrete_gaussian(10_000, 50_000, source) for _ in range(2))
    again = discrete_gaussian(10_000, 50_000, stream(14))
    assert stats.pearsonr(one, other).pvalue > ACCEPT
    assert stats.pearsonr(np.abs(one), np.abs(other)).pvalue > ACCEPT
    assert stats.pearsonr(one[1:], one[:-1]).pvalue > ACCEPT
    assert stats.pearsonr(one, again).pvalue < REJECT


def test_moments_are_right_at_a_deviation_of_two_to_the_thirty() -> None:
    draws = discrete_gaussian(1 << 60, 200_000, stream(15)) / 2.0**30
    deviations = [
        draws.mean() / 200_000**-0.5,
        (draws.var() - 1) / (2 / 200_000) ** 0.5,
        stats.skew(draws) / (6 / 200_000) ** 0.5,
        stats.kurtosis(draws) / (24 / 200_000) ** 0.5,
    ]
    assert max(map(abs, deviations)) < 3.5
    assert stats.kstest(draws, "norm").pvalue > ACCEPT
    assert stats.kstest(1.02 * draws, "norm").pvalue < REJECT


@pytest.mark.parametrize("std", [1 << 30, 1 << 40])
def test_the_last_bits_of_wide_noise_are_uniform_as_those_of_scaled_floats_are_not(std: int) -> None:
    def last_bits(draws: Draws) -> float:
        return float(stats.chisquare(np.bincount(draws & 255, minlength=256)).pvalue)

    coarse = np.random.default_rng(16).normal(size=50_000).astype(np.float32) * np.float32(std)
    assert last_bits(discrete_gaussian(std**2, 50_000, stream(16))) > ACCEPT
    assert last_bits(coarse.astype(np.int64)) < REJECT
