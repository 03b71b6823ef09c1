import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.accounting.gaussian_privacy import gaussian_delta, gaussian_epsilon, gaussian_mu

LAW = settings(derandomize=True, deadline=None, max_examples=50)
EPSILONS = st.floats(0.01, 30.0)
DELTAS = st.floats(1e-12, 1e-3)


@pytest.mark.parametrize(
    ("epsilon", "mu"), [(0.1, 0.0275), (0.3, 0.077), (0.5, 0.124), (1, 0.237), (2, 0.448), (4, 0.838)]
)
def test_mu_is_as_published(epsilon: float, mu: float) -> None:
    assert gaussian_mu(epsilon, 1e-6) == pytest.approx(mu, abs=5.1e-4)


@LAW
@given(EPSILONS, DELTAS)
def test_mu_and_epsilon_are_inverse_to_each_other(epsilon: float, delta: float) -> None:
    assert gaussian_epsilon(gaussian_mu(epsilon, delta), delta) == pytest.approx(epsilon, rel=1e-6)


@LAW
@given(EPSILONS, DELTAS)
def test_the_closed_form_is_that_of_dp_accounting(epsilon: float, delta: float) -> None:
    import dp_accounting  # noqa: PLC0415

    assert 1 / gaussian_mu(epsilon, delta) == pytest.approx(dp_accounting.get_sigma_gaussian(epsilon, delta), rel=1e-6)


@LAW
@given(EPSILONS, st.floats(1.01, 3.0), DELTAS)
def test_more_epsilon_or_more_delta_allows_more_mu(epsilon: float, factor: float, delta: float) -> None:
    assert gaussian_mu(epsilon, delta) < gaussian_mu(epsilon * factor, delta)
    assert gaussian_mu(epsilon, delta) < gaussian_mu(epsilon, delta * factor)


def test_delta_alone_covers_the_faintest_release() -> None:
    assert gaussian_delta(1e-7, 0.0) < 1e-6
    assert gaussian_epsilon(1e-7, 1e-6) == 0.0
