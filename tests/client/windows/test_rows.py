"""Some rows of a store are a store of their own: whose they are, how decided and what they cost goes along."""

from __future__ import annotations

import numpy as np
import pytest

from client.memory_share import MemoryShare
from client.rowstore import CHUNK_ROWS, RowStore
from common.grid import GRID_UNITS
from common.kernel import Rows
from common.plan import Phase
from common.privacy import Privacy
from common.private.question import Question
from tests.parties import CAP_YUAN, N_FEATURES, bureau_rows, totals

N_ROWS = CHUNK_ROWS + 500
PRIVACY = Privacy(expected_units=1000)
ROWS: Rows = bureau_rows(3, N_ROWS)
PERSONS = np.arange(N_ROWS, dtype=np.uint64) % np.uint64(701)


def store_of(places: np.ndarray, share: MemoryShare | None = None) -> RowStore:
    store = RowStore(N_FEATURES, CAP_YUAN, share)
    store.append(ROWS[places], totals(ROWS[places]), PERSONS[places])
    store._decided._outcomes.append(np.asarray(places % 3, np.int8))
    del store._decided._outcomes[-2]
    return store


def question(phase: Phase) -> Question:
    centroids = np.array([[0, 0, 0], [GRID_UNITS // 2, 0, 0]], np.int64)
    return Question(phase=phase, centroids=centroids, radii=np.full(2, GRID_UNITS), cost=10_000)


@pytest.mark.parametrize("share", [None, 0], ids=["in memory", "mapped"])
@pytest.mark.parametrize("phase", [Phase.LLOYD, Phase.MEASURE, Phase.OUTCOMES])
@pytest.mark.parametrize("step", [1, 7, N_ROWS - 1, 2 * N_ROWS])
def test_an_answer_about_some_rows_is_that_of_a_store_with_no_others(
    share: int | None, phase: Phase, step: int
) -> None:
    places = np.arange(0 if step < N_ROWS else N_ROWS, N_ROWS, step)
    with store_of(np.arange(N_ROWS), None if share is None else MemoryShare(share)) as whole, store_of(places) as alone:
        chosen = whole.select(places)
        assert len(chosen) == len(places)
        assert np.array_equal(chosen.answer(question(phase), PRIVACY), alone.answer(question(phase), PRIVACY))
        chosen.close()
