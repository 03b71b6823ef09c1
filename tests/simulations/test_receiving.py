"""What arrives is claims like any others: features, rules and router take them."""

from __future__ import annotations

import numpy as np
import pytest

from client.claims.mapping import load_mapping
from client.router.registers import Registers
from client.router.rules.evaluate import evaluate
from client.router.rules.history import History
from client.router.rules.table import default_rules
from common.features.default import default_spec
from common.features.rows import Featuriser
from simulations.receiving import receive
from simulations.world import ArrivingBureau, ArrivingWorld


@pytest.fixture(scope="module")
def bureau() -> ArrivingBureau:
    return ArrivingWorld(seed=2, hours=48, claims_per_hour=1_000, n_bureaus=2).bureaus[0]


def test_every_claim_that_arrives_is_accepted_in_the_order_of_arrival(bureau: ArrivingBureau) -> None:
    opens, closes = bureau.world.opens + 9 * 3_600 + 1_000, bureau.world.opens + 11 * 3_600 + 7
    batches = list(receive(bureau, opens, closes))
    settled = np.concatenate([claims.settled for claims in batches])
    assert len(settled) == sum(len(batch) for batch in bureau.received(opens, closes).batches(["setl_id"]))
    assert (np.diff(settled) >= 0).all()
    assert settled.min() >= opens
    assert settled.max() < closes
    assert len(batches) == 3


def test_a_window_in_which_nothing_arrives_has_no_claims(bureau: ArrivingBureau) -> None:
    assert list(receive(bureau, bureau.world.opens, bureau.world.opens)) == []


def test_a_person_has_one_pseudonym_in_all_windows(bureau: ArrivingBureau) -> None:
    names, pseudonyms = [], []
    for hour in (9, 10, 33, 34):
        opens = bureau.world.opens + hour * 3_600
        names += [key for batch in bureau.received(opens, opens + 3_600).batches(["psn_no"]) for key in batch[0]]
        pseudonyms += [key for claims in receive(bureau, opens, opens + 3_600) for key in claims.table.person_id]
    assert len(set(pseudonyms)) == len(set(names)) < len(names)
    assert len(set(zip(names, pseudonyms, strict=True))) == len(set(names))


def test_features_and_rules_take_claims_that_arrive(bureau: ArrivingBureau) -> None:
    opens = bureau.world.opens + 10 * 3_600
    (claims,) = receive(bureau, opens, opens + 900)
    mapping = load_mapping("nhsa_4101_wide")
    assert mapping.operations is not None
    rows = Featuriser(default_spec(mapping.diagnoses.system, mapping.operations.system)).rows(claims.table)
    assert rows.shape[0] == len(claims)
    assert (np.square(rows.astype(np.float64)).sum(axis=1) <= 1).all()
    findings = evaluate(default_rules(), claims, History(), Registers())
    assert findings.any.mean() < 0.3
    assert not findings.hard.all()
