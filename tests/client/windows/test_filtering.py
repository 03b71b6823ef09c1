"""What a window costs whom, by hand and by law."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.windows.filtering import admitted, charges_of
from common.accounting.guarantee import Unit
from common.privacy import Privacy
from common.weighting import Weighting


def privacy(weighting: Weighting, cap: int = 1) -> Privacy:
    unit = Unit.CLAIM if weighting is Weighting.EACH_CLAIM else Unit.PERSON
    return Privacy(unit=unit, weighting=weighting, claims_per_person=cap, expected_units=1000)


def test_shared_weights_cost_everybody_the_whole_window() -> None:
    assert charges_of(np.array([1, 2, 50]), 90, privacy(Weighting.SHARED)).tolist() == [90, 90, 90]


def test_capped_weights_cost_the_square_of_the_share_rounded_up() -> None:
    assert charges_of(np.array([1, 2, 3, 9]), 91, privacy(Weighting.CAPPED, 3)).tolist() == [11, 41, 91, 91]


@given(st.integers(1, 10**12), st.integers(1, 1000), st.integers(1, 2000))
def test_nobody_is_charged_less_than_their_loss_or_more_than_the_window(rho: int, cap: int, n_claims: int) -> None:
    (charge,) = charges_of(np.array([n_claims]), rho, privacy(Weighting.CAPPED, cap)).tolist()
    loss = rho * Fraction(min(n_claims, cap), cap) ** 2
    assert loss <= charge < loss + 1
    assert charge <= rho


@pytest.mark.parametrize(("spent", "fits"), [(0, True), (10, True), (11, False)])
def test_the_cap_is_met_exactly_and_not_exceeded_by_one(spent: int, fits: bool) -> None:  # noqa: FBT001  a table
    assert admitted(np.array([spent]), np.array([90]), 100).tolist() == [fits]
