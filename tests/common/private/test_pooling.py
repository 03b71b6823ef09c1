import numpy as np
import pytest

from common.private.pooling import followed, pooled


def test_pooling_brings_noisy_means_closer_to_the_truth() -> None:
    rng = np.random.default_rng(1)
    before, after = [], []
    for _ in range(50):
        truth = rng.normal(size=(20, 30)) * np.where(np.arange(30) < 5, 1.0, 0.05)
        variances = rng.uniform(0.01, 0.3, 20)
        noisy = truth + rng.normal(size=truth.shape) * np.sqrt(variances)[:, None]
        means, _ = pooled(noisy, variances, rng.uniform(1.0, 9.0, 20))
        before.append(((noisy - truth) ** 2).sum())
        after.append(((means - truth) ** 2).sum())
    assert np.mean(after) < 0.5 * np.mean(before)


def test_without_noise_pooling_changes_nothing() -> None:
    means = np.random.default_rng(2).normal(size=(6, 3))
    found, left = pooled(means, np.full(6, 1e-12), np.arange(1.0, 7.0))
    assert found == pytest.approx(means, abs=1e-9)
    assert left == pytest.approx(np.zeros(6), abs=1e-9)


def test_means_that_differ_by_noise_alone_become_one() -> None:
    rng = np.random.default_rng(3)
    found, left = pooled(rng.normal(size=(500, 4)) * 0.1, np.full(500, 0.02), np.ones(500))
    assert np.abs(found - found.mean(axis=0)).max() < 1e-12
    assert left.tolist() == [0.0] * 500


def test_a_trail_is_the_inverse_variance_mean_of_its_rounds() -> None:
    first = followed(None, np.array([[1.0]]), np.array([0.5]), 1.0)
    assert first.means.tolist() == [[1.0]]
    assert first.variances.tolist() == [0.5]
    both = followed(first, np.array([[4.0]]), np.array([1.0]), 1.0)  # weights 2 and 1
    assert both.means.tolist() == [[2.0]]
    assert both.variances.tolist() == pytest.approx([1 / 3])
    faded = followed(first, np.array([[4.0]]), np.array([1.0]), 0.5)  # weights 1 and 1
    assert faded.means.tolist() == [[2.5]]
    assert faded.variances.tolist() == pytest.approx([(0.25 * 2 + 1) / 4])
    assert followed(first, np.array([[4.0]]), np.array([1.0]), 0.0).means.tolist() == [[4.0]]
