"""What holds for all rules together: order, batches, memory and layout do not change what is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from client.router.registers import Deaths, Registers, drug_items
from client.router.rules.chains import STEPS
from client.router.rules.evaluate import Findings, evaluate
from client.router.rules.event import EVENT_WIDTH, NO_DAY, NOBODY, Events, Field, events_of, first_days, last_days
from client.router.rules.finding import Finding
from client.router.rules.history import MOST_OTHERS, NEAR_DAYS, History
from client.router.rules.rule import Assigned
from client.router.rules.table import default_rules
from client.router.rules.tags import tags_of
from common.columns import CodeColumn
from tests.client.router.rules.bulk import FIRST_DAY, bulk
from tests.client.router.rules.cases import routed, stay

RULES = default_rules()
MANY = 600
CLAIMS = bulk(MANY, seed=1, persons=40)
CLUSTERS = Assigned(cluster=np.arange(MANY, dtype=np.int32) % 3 - 1, usual=np.full((2, 14), 0.05))


def registers() -> Registers:
    drawn = np.random.default_rng(3)
    keys = [CLAIMS.claim_keys[row] for row in range(0, MANY, 5)]
    return Registers(
        deaths=Deaths(person_id=np.arange(1, 40, 9, dtype=np.uint64), day=np.full(5, FIRST_DAY + 200)),
        requested_operations={key: frozenset({"4701"}) for key in keys},
        drug_items=drug_items(
            person_ids=CLAIMS.table.person_id[::5],
            claim_keys=keys,
            codes=["X"] * len(keys),
            days=drawn.integers(0, 99, len(keys)),
            days_supplied=np.full(len(keys), 30),
        ),
    )


KNOWN = registers()


def told(findings: Findings) -> list[tuple[Finding, ...]]:
    return [findings.of(row) for row in range(len(findings))]


def test_all_rules_hit_in_the_drawn_batch() -> None:
    findings = evaluate(RULES, CLAIMS, History(), KNOWN, assigned=CLUSTERS)
    texts = {findings.texts[place].rule_id for place in findings.rules}
    elsewhere = {"R10", "R11"}  # no key comes twice here, and nobody has a crowd of claims
    assert texts == {rule.text.rule_id for rule in RULES} - elsewhere
    assert 0 < findings.hard.sum() < findings.any.sum() < MANY


def test_what_is_found_does_not_depend_on_the_order_of_the_batch() -> None:
    history = History()
    history.remember(events_of(bulk(300, seed=2, persons=40), 0))
    before = evaluate(RULES, CLAIMS, history, KNOWN, assigned=CLUSTERS)
    order = np.random.default_rng(5).permutation(MANY)
    shuffled = replace(CLUSTERS, cluster=CLUSTERS.cluster[order])
    after = evaluate(RULES, CLAIMS.select(order), history, KNOWN, assigned=shuffled)
    found = told(before)
    assert told(after) == [found[row] for row in order]
    assert told(before.select(order)) == told(after)
    assert (before.select(order).hard == after.hard).all()


def test_of_batches_one_after_the_other_the_later_claim_of_a_pair_is_hit_and_the_union_is_that_of_one_batch() -> None:
    whole = evaluate(RULES, CLAIMS, History(), KNOWN)
    history, hits = History(), []
    for start in range(0, MANY, 100):
        part = CLAIMS.select(np.arange(start, start + 100))
        events = events_of(part, 0)
        hits += told(evaluate(RULES, part, history, KNOWN, events=events))
        history.remember(events)
    for row, found in enumerate(hits):
        assert {one.rule_id for one in found} <= {one.rule_id for one in whole.of(row)}
    paired = {"R01", "R02", "R03"}
    sole = [[one for one in found if one.rule_id not in paired] for found in hits]
    assert sole == [[one for one in found if one.rule_id not in paired] for found in told(whole)]
    last = evaluate(RULES, CLAIMS.select(np.arange(500, 600)), _memory(500), KNOWN)
    assert told(last) == told(whole)[500:]


def _memory(n_claims: int) -> History:
    history = History()
    history.remember(events_of(CLAIMS.select(np.arange(n_claims)), 0))
    return history


def test_the_order_in_which_a_batch_is_remembered_changes_nothing() -> None:
    events = events_of(CLAIMS, 0)
    one, other = History(), History()
    one.remember(events)
    other.remember(events[::-1])
    assert (one.table() == other.table()).all()


def test_a_history_comes_back_whole_from_its_table() -> None:
    history = _memory(500)
    again = History.of(history.table())
    assert told(evaluate(RULES, CLAIMS, again, KNOWN)) == told(evaluate(RULES, CLAIMS, history, KNOWN))
    again.remember(events_of(CLAIMS.select(np.arange(500, 600)), 0))
    assert len(again) == MANY


def test_an_event_depends_on_its_claim_alone() -> None:
    events = events_of(CLAIMS, 9)
    assert events.shape == (MANY, EVENT_WIDTH)
    for row in (0, 17, MANY - 1):
        assert (events_of(CLAIMS.select(np.array([row])), 9)[0] == events[row]).all()
    table = CLAIMS.table
    recoded = CodeColumn(indices=table.diagnoses[0].indices + 1, values=("OTHER", *table.diagnoses[0].values))
    recoded.indices[table.diagnoses[0].indices < 0] = -1
    other = replace(CLAIMS, table=replace(table, diagnoses=(recoded, *table.diagnoses[1:])))
    assert (events_of(other, 9) == events).all()


def test_the_days_of_care_are_the_first_that_are_given() -> None:
    undated = {"adm_time": None, "dscg_time": None, "setl_time": None}
    claims = routed(
        stay(), stay(adm_time=None), stay(adm_time=None, dscg_time=None), stay(dscg_time=None), stay(**undated)
    )
    first = FIRST_DAY + 83
    events = events_of(claims, 0)
    assert first_days(events).tolist() == [first, first + 5, first + 5, first, NO_DAY]
    assert last_days(events).tolist() == [first + 5, first + 5, first + 5, first, NO_DAY]


def test_a_stay_with_one_day_and_its_length_has_both_days() -> None:
    claims = routed(stay(adm_time=None, act_ipt_days=5), stay(dscg_time=None, act_ipt_days=5), stay())
    events = events_of(claims, 0)
    assert (events[:, [Field.ADMITTED, Field.DISCHARGED]] == [FIRST_DAY + 83, FIRST_DAY + 88]).all()


def naive_others(own: Events, remembered: Events) -> set[tuple[int, int]]:
    """Every pair, looked at one by one."""
    spans = first_days(own), last_days(own), first_days(remembered), last_days(remembered)
    first, last, other_first, other_last = (span.tolist() for span in spans)
    pairs = set()
    for row in range(len(own)):
        for place in range(len(remembered)):
            person = own[row, Field.PERSON] == remembered[place, Field.PERSON] != NOBODY
            near = first[row] - NEAR_DAYS <= other_last[place] and other_first[place] - NEAR_DAYS <= last[row]
            if (person and near) or own[row, Field.CLAIM] == remembered[place, Field.CLAIM]:
                pairs.add((row, int(remembered[place, Field.CLAIM])))
    return pairs


@pytest.mark.parametrize("persons", [3, 40, 5000])
def test_the_others_of_a_claim_are_found_all_and_alone(persons: int) -> None:
    own = events_of(bulk(150, seed=4, persons=persons), 0)
    past = events_of(bulk(2_500, seed=6, persons=persons), 0)
    own[:20, Field.CLAIM] = past[:20, Field.CLAIM]
    history = History()
    for start in range(0, len(past), 700):
        history.remember(past[start : start + 700])
    others = history.others(own)
    pairs = set(zip(others.rows.tolist(), others.events[:, Field.CLAIM].tolist(), strict=True))
    expected = naive_others(own, past)
    if persons > 3:
        assert pairs == expected
    else:  # a person with very many claims is compared with the newest ones alone
        assert pairs <= expected
        assert max(np.bincount(others.rows)) <= 3 * MOST_OTHERS


def test_within_a_batch_every_pair_is_found_both_ways_and_no_claim_with_itself() -> None:
    own = events_of(bulk(300, seed=4, persons=40), 0)
    others = History().others_within(own)
    pairs = set(zip(others.rows.tolist(), others.events[:, Field.CLAIM].tolist(), strict=True))
    themselves = {(row, int(own[row, Field.CLAIM])) for row in range(len(own))}
    assert pairs == naive_others(own, own) - themselves


def test_what_was_decided_long_ago_is_forgotten() -> None:
    history = History(days=10)
    history.remember(events_of(routed(stay("A")), 100))
    history.remember(events_of(routed(stay("B")), 101))
    assert history.forget(110) == 0
    assert history.forget(111) == 1
    assert (len(history), len(history.others(events_of(routed(stay("C")), 111)).rows)) == (1, 1)


def test_a_flood_of_claims_of_one_person_keeps_every_lookup_short() -> None:
    history = History()
    history.remember(events_of(bulk(20_000, persons=1), 0))
    flood = bulk(50, seed=8, persons=1)
    flood = replace(flood, table=replace(flood.table, person_id=np.ones(50, np.uint64)))
    history.remember(events_of(replace(flood, claim_keys=tuple(f"x{number}" for number in range(50))), 0))
    assert len(history.others(events_of(flood, 0)).rows) <= 50 * 3 * MOST_OTHERS
    assert STEPS >= MOST_OTHERS


def test_an_empty_batch_has_no_findings() -> None:
    empty = CLAIMS.select(np.empty(0, np.intp))
    assert len(evaluate(RULES, empty, _memory(10), KNOWN)) == 0
    assert len(tags_of(empty, events_of(empty, 0), _memory(10)).tcm) == 0
