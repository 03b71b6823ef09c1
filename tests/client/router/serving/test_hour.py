"""An hour of a hundred thousand claims, with a new model and kills amid it: nothing lost, doubled or left undecided."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.client.router.serving.hour import Hour
from tests.client.router.serving.mishaps import at_moments, happenings
from tests.client.router.serving.reckoning import checked
from tests.client.router.serving.town import town_claims, town_router

N_CLAIMS = 100_000


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_an_hour_with_kills_and_a_new_model_loses_doubles_and_leaves_undecided_nothing(tmp_path: Path) -> None:
    rng = random.Random("an hour")  # noqa: S311
    home, second = town_router(tmp_path / "r")
    hour = Hour(home=home, claims=list(town_claims(N_CLAIMS)))
    with hour.lasting():
        at_moments(hour, happenings(hour, second, rng), rng)
    said = checked(hour)
    assert len(hour.grown) > 2
    print(json.dumps(said, indent=1))  # noqa: T201  the figures of a long run are its result
