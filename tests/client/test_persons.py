import numpy as np

from client.persons import Persons
from client.rowstore import RowStore
from common.grid import GRID_UNITS
from common.privacy import Privacy
from common.private.lbg import first
from common.weighting import Weighting
from tests.common.private_run import private_plan, raw_words
from tests.parties import CAP_YUAN, bureau_rows, store_of, totals

ROWS = bureau_rows(3, 40_000)
IDS = np.random.default_rng(5).integers(0, 15_000, len(ROWS)).astype(np.uint64)


def test_a_persons_claims_share_one_weight_over_all_chunks() -> None:
    persons = Persons()
    for part in np.array_split(IDS, 7):
        persons.append(part)
    weights = persons.weights(Weighting.SHARED, 1, 0, len(IDS))
    totals_of_persons = np.bincount(IDS.astype(np.int64), weights)
    assert totals_of_persons.max() <= GRID_UNITS
    assert totals_of_persons[np.unique(IDS)].min() > 0.99 * GRID_UNITS
    assert np.array_equal(weights[1000:1200], persons.weights(Weighting.SHARED, 1, 1000, 200))
    assert persons.distinct() == len(np.unique(IDS))


def test_weights_follow_when_claims_or_terms_change() -> None:
    persons = Persons()
    persons.append(np.array([7, 7], np.uint64))
    assert persons.weights(Weighting.SHARED, 1, 0, 2).tolist() == [GRID_UNITS // 2] * 2
    assert persons.weights(Weighting.CAPPED, 1, 0, 2).tolist() == [GRID_UNITS, 0]
    persons.append(np.array([7, 8], np.uint64))
    assert persons.weights(Weighting.SHARED, 1, 0, 4).tolist() == [GRID_UNITS // 3] * 3 + [GRID_UNITS]


def test_a_store_answers_the_same_however_its_rows_came() -> None:
    plan = private_plan(ROWS.shape[1])
    asked = first(plan).question
    terms = Privacy(expected_units=9)

    def answer(pieces: int) -> np.ndarray:
        with RowStore(ROWS.shape[1], CAP_YUAN) as store:
            for rows, ids in zip(np.array_split(ROWS, pieces), np.array_split(IDS, pieces), strict=True):
                store.append(rows.copy(), totals(rows), ids)
            return store.answer(asked, terms)

    assert np.array_equal(answer(1), answer(9))
    assert answer(1)[0] <= store_of(ROWS).n_persons * GRID_UNITS
    assert not np.array_equal(answer(1), raw_words(plan, asked, ROWS)), "persons weigh less than claims"
