import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.accounting.charges import rdp_epsilon
from common.errors import PlanError
from common.plan import Phase
from common.privacy import Division, Privacy
from common.private.budget import LEAST_COST, allotment, measure_costs_of, n_levels, sum_costs_of
from common.private.forecast import forecast
from tests.common.private_run import private_plan


@given(
    st.integers(50, 20_000),
    st.integers(2, 300),
    st.builds(
        Division,
        seeding=st.integers(100, 800),
        measure=st.integers(20, 150),
        growth=st.integers(900, 1700),
        passes_per_level=st.integers(1, 3),
        polish_rounds=st.integers(1, 9),
    ),
)
@settings(derandomize=True, deadline=None, max_examples=30)
def test_rounds_together_cost_what_the_guarantee_allows_and_no_less(
    epsilon_thousandths: int, n_leaves: int, division: Division
) -> None:
    privacy = Privacy(expected_units=9, epsilon_thousandths=epsilon_thousandths, division=division)
    try:
        found = allotment(privacy, n_leaves)
    except PlanError:
        assert epsilon_thousandths < 1000, "only a small budget cannot be divided"
        return
    parts = [found.root, found.histogram, *(cost for level in found.levels for cost in level), found.polish]
    assert sum(parts) + found.measure == found.total
    assert len(found.levels) == n_levels(n_leaves)
    assert all(len(level) == division.passes_per_level for level in found.levels)
    epsilon = privacy.guarantee.epsilon
    assert rdp_epsilon((found.total,), 1e-6) <= epsilon < rdp_epsilon((found.total + 2,), 1e-6)


def test_shares_are_those_of_the_division() -> None:
    found = allotment(Privacy(expected_units=9), 8)
    assert found.measure / found.total == pytest.approx(0.06, abs=1e-4)
    assert found.polish / found.total == pytest.approx(0.44, abs=1e-4)
    assert found.histogram / found.total == pytest.approx(0.5 * 0.04, abs=1e-4)
    assert found.levels[1][0] / found.levels[0][0] == pytest.approx(1.7, abs=1e-3)
    assert found.levels[0][0] * 2 / found.root == pytest.approx(1.7, abs=1e-3)


def test_a_budget_too_small_for_its_rounds_is_refused_with_what_to_do() -> None:
    with pytest.raises(PlanError, match="too little for 19 rounds: raise it"):
        allotment(Privacy(expected_units=9, epsilon_thousandths=10), 24)


@given(st.integers(LEAST_COST, 10**12), st.integers(1, 4096))
def test_a_rounds_cost_is_divided_without_rest(cost: int, n_features: int) -> None:
    for parts in (sum_costs_of(cost, n_features, Division()), measure_costs_of(cost)):
        assert sum(parts) == cost
        assert min(parts) >= 1


def test_counts_get_noise_that_suits_a_shift_of_half_a_radius() -> None:
    counts, sums, _ = sum_costs_of(10**9, 64, Division())
    assert sums / counts == pytest.approx(2 * 8, rel=1e-3), "variances are as 2 sqrt(d) to 1"


def test_a_forecast_names_every_round_at_its_price() -> None:
    plan = private_plan(5, n_clusters=3)
    assert plan.privacy is not None
    found = forecast(plan)
    assert sum(one.cost for one in found) == allotment(plan.privacy, plan.max_leaves).total
    assert [one.phase for one in found][:2] == [Phase.SEEDING, Phase.RADIUS]
    assert [one.n_centroids for one in found] == [1, 1, 2, 2, 4, 4, 8, 8, 9, 9, *[3] * 7]
    assert all(sum(block.cost for block in one.blocks) == one.cost for one in found)
    with pytest.raises(ValueError, match="without protection"):
        forecast(plan.model_copy(update={"privacy": None}))
