import numpy as np
import pytest

from common.grid import GRID_UNITS
from common.noise.randomness import AesStream
from common.plan import Phase
from common.private.noising import noised
from common.private.plausible import is_plausible
from tests.common.private.test_question import PLAN, ROWS, question
from tests.common.private_run import blocks_of, raw_words

PHASES = [Phase.SEEDING, Phase.RADIUS, Phase.LLOYD, Phase.MEASURE]


@pytest.mark.parametrize("phase", PHASES)
def test_what_claims_and_noise_make_is_plausible(phase: Phase) -> None:
    source, asked = AesStream(bytes(32)), question(phase)
    for rows in (ROWS, ROWS[:0]):
        raw = raw_words(PLAN, asked, rows)
        for _ in range(50):
            assert is_plausible(PLAN, asked, noised(raw, blocks_of(PLAN, asked), 1, source).words, 1)


@pytest.mark.parametrize("phase", PHASES)
def test_words_that_were_not_masked_as_agreed_are_not(phase: Phase) -> None:
    asked = question(phase)
    size = len(raw_words(PLAN, asked, ROWS))
    rng = np.random.default_rng(1)
    for _ in range(50):
        assert not is_plausible(PLAN, asked, rng.integers(-(2**63), 2**63 - 1, size), 3)


def test_a_cell_cannot_reach_further_than_its_claims() -> None:
    asked = question(Phase.LLOYD)
    words = raw_words(PLAN, asked, ROWS)
    slack = 40 * max(float(part.variance) ** 0.5 for part in blocks_of(PLAN, asked))
    for place in (0, 3, len(words) - 1):
        lie = words.copy()
        lie[place] = -int(slack) * 100 if place == 0 else int(words[:3].sum() + 100 * slack) + GRID_UNITS
        assert not is_plausible(PLAN, asked, lie, 1)
