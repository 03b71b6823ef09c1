"""Remarks: tags and regions stand in records, alone and in a batch, and change nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from client.router.bench import Bench
from client.router.deciding.deciding import replay
from client.router.deciding.decisions import Decisions
from client.router.deciding.record import DecisionRecord
from client.router.deciding.remarks import EVERY_TAGS_SAID, names_of, remarks_in
from client.router.lone.claim import lone_claim
from client.router.lone.tags import lone_tags
from client.router.registers import Registers
from client.router.rules.event import events_of
from client.router.rules.history import History
from client.router.rules.table import default_rules
from client.router.rules.tags import TAGS, tags_of
from client.router.rules.usual import usual_fee_shares
from common.claim import Claim
from tests.client.router.deciding.worlds import NOW, artefacts, decisions, model
from tests.client.router.rules.cases import remembered, routed, stay, visit

PERSON = 7
TAGGED = stay("A", insu_admdvs="350100", tcm_dise_code="BNP010", refl_old_mdtrt_id="M1")
PLAIN = visit("B", day=9)
CLAIMS: tuple[Claim, ...] = (
    TAGGED,
    PLAIN,
    visit("C", insu_admdvs='"\u53a6'),
    visit("D", day=9, reflin_medins_no="H9"),
    visit("E", day=9, iteminfo=[{"med_chrgitm_type": "10", "amt": "200"}]),
    stay("F", adm_time=None, dscg_time=None, setl_time=None),
)


def bench() -> Bench:
    return Bench(artefacts=artefacts(), rules=default_rules(), usual=usual_fee_shares(model()))


def decided(claim: Claim, history: History) -> Decisions:
    return bench().decide(routed(claim), history, Registers(), NOW)


def test_a_record_says_the_tags_and_the_region_of_its_claim() -> None:
    record = decided(TAGGED, History()).record(0)
    assert record.tags == tuple(TAGS)
    assert record.region == "350100"
    spelled = json.loads(record.to_json())
    assert (spelled["tags"], spelled["region"]) == (list(TAGS), "350100")


def test_what_a_claim_does_not_have_is_not_said() -> None:
    record = decided(PLAIN, remembered(visit("Z"))).record(0)
    assert (record.tags, record.region) == ((), None)
    assert not {"tags", "region"} & set(json.loads(record.to_json()))


def test_a_claim_alone_gets_the_remarks_of_a_batch() -> None:
    found = bench()
    for claim, history in product(CLAIMS, (History(), remembered(visit("Z")))):
        batch = routed(claim)
        lone, events = lone_claim(claim, PERSON, refused=False), events_of(batch, 0)
        assert lone_tags(lone, events, history) == tags_of(batch, events, history).of(0)
        alone = found.lone.decide(lone, history, Registers(), NOW)
        assert alone.record == found.decide(batch, history, Registers(), NOW).records()[0].record


def test_a_decision_with_remarks_replays_byte_for_byte() -> None:
    for claim in CLAIMS:
        record = decided(claim, History()).record(0)
        assert replay(record, artefacts()).to_json() == record.to_json()


def test_remarks_change_no_lane_and_no_reason() -> None:
    plain = decisions()
    every = remarks_in(tuple(TAGS), "3501").select(np.zeros(len(plain), np.intp))
    remarked = replace(plain, remarks=every)
    assert remarked.lanes() == plain.lanes()
    fields = {"tags", "region", "decision_id"}
    for row in range(20):
        first, second = (one.record(row).model_dump(exclude=fields) for one in (plain, remarked))
        assert first == second


def test_tags_are_named_in_one_order_however_they_are_kept() -> None:
    assert EVERY_TAGS_SAID[0] == ""
    for bits in range(1 << len(TAGS)):
        names = names_of(bits)
        assert remarks_in(names, None).tags.tolist() == [bits]
        assert list(names) == [name for name in TAGS if name in names]


@pytest.mark.parametrize("given", [{"tags": ("tcm",)}, {"region": "3501"}])
def test_a_remark_that_was_put_into_a_record_later_is_recognised(given: dict[str, object]) -> None:
    record = decided(PLAIN, remembered(visit("Z"))).record(0)
    changed = record.model_copy(update=given)
    with pytest.raises(ValueError, match="was changed"):
        DecisionRecord.model_validate(changed.model_dump())
