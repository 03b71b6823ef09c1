"""Tables of choices hold every weight, to half a slot."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.world.tables import SLOTS, choices


def test_choices_worked_out_by_hand() -> None:
    assert choices(np.array([[1.0, 2.0, 1.0], [0.0, 0.0, 5.0]]), 4).tolist() == [0, 1, 1, 2, 2, 2, 2, 2]


@given(weights=st.lists(st.floats(0, 1e6), min_size=1, max_size=40).filter(lambda drawn: sum(drawn) > 1e-3))
@settings(derandomize=True, deadline=None)
def test_every_place_fills_its_share_of_the_slots(weights: list[float]) -> None:
    slots = np.bincount(choices(np.array([weights])), minlength=len(weights))
    assert slots.sum() == SLOTS
    assert np.abs(slots - np.array(weights) / sum(weights) * SLOTS).max() <= 1 + 1e-6
    assert not slots[np.array(weights) == 0].any()
