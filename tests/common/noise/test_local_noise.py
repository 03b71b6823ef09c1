from fractions import Fraction

import pytest

from common.noise.local_noise import LocalNoiseTooSmallError, distorted_rho, local_variance, sum_distortion


@pytest.mark.parametrize(("std", "tau"), [(1.0, 5.2e-4), (1.5, 2.3e-9), (2.0, 7.2e-17), (3.0, 2.6e-38), (4.0, 2.6e-68)])
def test_distortion_of_a_sum_is_as_published(std: float, tau: float) -> None:
    assert sum_distortion(Fraction(std) ** 2, 2) == pytest.approx(tau, rel=0.05)
    assert tau * 0.95 <= sum_distortion(Fraction(std) ** 2, 300) <= 1.6 * tau


def test_one_bureau_alone_has_no_distortion() -> None:
    assert sum_distortion(Fraction(1), 1) == 0.0


def test_distortion_does_not_show_from_four_grid_units_on() -> None:
    plain = 1 / (2 * 300 * 16)
    assert sum_distortion(Fraction(16), 300) < 1e-67
    assert distorted_rho(Fraction(1), Fraction(16), 300, 100_000) == pytest.approx(plain, rel=1e-15)


def test_distortion_shows_at_half_a_grid_unit() -> None:
    plain = 1 / (2 * 300 * 0.25)
    assert distorted_rho(Fraction(1), Fraction(1, 4), 300, 100_000) > 1_000 * plain


def test_the_honest_floor_carries_the_whole_variance() -> None:
    assert 7 * local_variance(Fraction(1_000, 3), 7) == Fraction(1_000, 3)


def test_a_local_deviation_below_four_grid_units_is_refused() -> None:
    assert local_variance(Fraction(160), 10) == 16
    with pytest.raises(LocalNoiseTooSmallError, match=r"3\.81 grid units is refused"):
        local_variance(Fraction(160), 11)


@pytest.mark.parametrize("floor", [0, -1])
def test_a_floor_of_nobody_is_refused(floor: int) -> None:
    with pytest.raises(ValueError, match="counted on"):
        local_variance(Fraction(160), floor)
