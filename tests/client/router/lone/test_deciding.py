"""A claim alone gets the bytes of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
import pytest

from client.router.bench import Bench
from client.router.claims import RoutedClaims, routed_claims
from client.router.deciding.artefacts import Artefacts
from client.router.lone.asking import asked_id
from client.router.lone.claim import LoneClaim, lone_claim
from client.router.lone.event import event_of
from client.router.lone.ready import get_ready
from client.router.registers import Deaths, Registers, drug_items
from client.router.rules.event import events_of
from client.router.rules.finding import RuleText, Severity
from client.router.rules.history import MOST_OTHERS, History
from client.router.rules.rule import Hits, Rule, Seen, hits_where
from client.router.rules.stays import StayWithoutTreatment
from client.router.rules.table import default_rules, rules_from
from client.router.rules.usual import usual_fee_shares
from client.router.store.asking import asked_ids
from common.claim import Claim
from tests.client.router.deciding.worlds import NOW, artefacts, model
from tests.client.router.routed import claim
from tests.common.claims import random_claims

TODAY = NOW // 86_400
ODD = (
    {"iteminfo": [], "adm_time": None, "dscg_time": None},
    {"medfee_sumamt": "-12.34", "refd_setl_flag": True, "iteminfo": []},
    {"medfee_sumamt": "999999999999.99", "iteminfo": []},
    {"diseinfo": [{"diag_code": "."}], "fixmedins_code": " ", "med_type": None},
    {"diseinfo": [{"diag_code": "zzz9"}, {"diag_code": "O80", "maindiag_flag": True}], "tcm_dise_code": "x.1"},
    {"claim_key": '"\\ \u00e9\u4e2d\U0001f600', "dscr_text": "\u4e2d\u6587 text", "reflin_medins_no": "H9"},
    {"act_ipt_days": 4, "adm_time": None, "age": 0, "nwb_age": 3, "gend": "9"},
    {"act_ipt_days": 4, "dscg_time": None, "insutype": "310", "insu_admdvs": "3501", "hosp_lv": "a.b"},
    {"oprninfo": [{"oprn_oprt_code": "0"}, {"oprn_oprt_code": "47.01", "main_oprn_flag": True}]},
    {"adm_time": "1969-12-31T23:59:59+08:00", "dscg_time": "1970-01-02T00:00:00", "hosp_part_amt": "0.01"},
    {"iteminfo": [{"med_chrgitm_type": "01", "amt": "5"}, {"med_chrgitm_type": "01", "amt": "995"}]},
)


def odd_claims() -> list[Claim]:
    plain = {"fund_pay_sumamt": None}
    return [claim(0, **{"claim_key": f"odd-{number}"} | plain | change) for number, change in enumerate(ODD)]


def bench(found: Artefacts | None = None, rules: tuple[Rule, ...] | None = None) -> Bench:
    chosen = default_rules() if rules is None else rules
    return Bench(artefacts=found or artefacts(), rules=chosen, usual=usual_fee_shares(model()))


def person_of(one: Claim) -> int:
    return int.from_bytes(one.psn_key.encode()[-6:].rjust(8, b"\xff"), "big")


def refuses(one: Claim) -> bool:
    return one.psn_key.endswith("7")


def lone_of(one: Claim) -> LoneClaim:
    return lone_claim(one, person_of(one), refused=refuses(one))


def batch_of(claims: Sequence[Claim]) -> RoutedClaims:
    refused = {one.psn_key for one in claims if refuses(one)}
    return routed_claims(claims, [person_of(one) for one in claims], refused)


def registers(claims: Sequence[Claim]) -> Registers:
    """Some have died, some drugs were dispensed twice, some operations were not requested."""
    persons = np.unique(np.array([person_of(one) for one in claims[::30]], np.uint64))
    keys = [one.claim_key for one in claims[::20]]
    drugs = drug_items(
        person_ids=np.repeat(np.uint64(5), 2 * len(keys)),
        claim_keys=[*keys, *keys],
        codes=["D1"] * (2 * len(keys)),
        days=np.arange(2 * len(keys)),
        days_supplied=np.full(2 * len(keys), 30),
    )
    return Registers(
        deaths=Deaths(person_id=persons, day=np.full(len(persons), 20_200, np.int64)),
        requested_operations={one.claim_key: frozenset({"36.0700"}) for one in claims[::5]},
        drug_items=drugs,
    )


def test_10_000_claims_decided_alone_have_the_records_of_one_batch() -> None:
    claims = [
        one.model_copy(update={"psn_key": f"person-{place}"}) for place, one in enumerate(random_claims(10_000, 5))
    ]
    found, history, none = bench(), History(), Registers()
    batch = found.decide(batch_of(claims), history, none, NOW)
    alone = [found.lone.decide(lone_of(one), history, none, NOW) for one in claims]
    assert [one.record for one in alone] == [one.record for one in batch.records()]
    assert [one.decision_id for one in alone] == [one.decision_id for one in batch.records()]
    assert [one.lane for one in alone] == list(batch.lanes())
    assert len({one.lane for one in alone}) > 1


def agree(found: Bench, claims: Sequence[Claim], known: Registers) -> list[str]:
    """One after the other, each as a batch of one beside it; what was decided is remembered. What rules found."""
    history, ids = History(), []
    for one in claims:
        alone = found.lone.decide(lone_of(one), history, known, NOW)
        batch = found.decide(batch_of([one]), history, known, NOW)
        [written] = batch.records()
        assert alone.record == written.record
        assert alone.decision_id == written.decision_id
        assert (alone.confidence, *alone.reasons) == (batch.record(0).confidence, *map(str, batch.record(0).reasons))
        history.remember(alone.events)
        ids += [finding.rule_id for finding in batch.findings_of(0)]
    return ids


def test_claims_that_rules_find_something_against_have_the_records_of_batches_of_one() -> None:
    claims = random_claims(600, 8)
    again = [one.model_copy(update={"claim_key": f"again-{one.claim_key}"}) for one in claims[:100]]
    dearer = claims[0].model_copy(update={"claim_key": "dear", "medfee_sumamt": claims[0].medfee_sumamt * 99})
    hit = agree(bench(), [*claims, *again, *claims[:20], dearer], registers(claims))
    assert set(hit) >= {"R01", "R03", "R04", "R05", "R07", "R08", "R09"}


def test_claims_of_a_person_with_more_than_are_compared_have_the_records_of_batches_of_one() -> None:
    claims = [claim(0, claim_key=f"many-{number}", psn_part_amt="300") for number in range(MOST_OTHERS + 3)]
    several = [one.model_copy(update={"iteminfo": (), "fund_pay_sumamt": None}) for one in claims]
    assert "R11" in agree(bench(), several, Registers())


def test_odd_claims_have_the_records_of_batches_of_one() -> None:
    agree(bench(), odd_claims() * 2, Registers())


@pytest.mark.parametrize(
    "less",
    [{"calibration": None}, {"calibration": None, "habits": None}],
    ids=["without a calibration", "without habits"],
)
def test_with_less_than_everything_the_records_are_those_of_batches_of_one(less: dict[str, None]) -> None:
    found = replace(artefacts(), **less)
    agree(bench(found), [*random_claims(100, 9), *odd_claims()], Registers())


def test_under_an_expired_model_the_records_are_those_of_batches_of_one() -> None:
    found = replace(artefacts(), model=replace(artefacts().model, expires=NOW))
    agree(bench(found), random_claims(50, 9), Registers())


def test_rules_with_other_parameters_find_the_same_alone() -> None:
    rules = rules_from(
        {
            "unusual_fee_share": {"declared": {"09": 100}, "least_yuan": 0, "margin": 0, "inpatient": ["11", "2.1"]},
            "stay_without_treatment": {"least_days": 1, "least_yuan_a_day": 500},
            "near_duplicate_claim": {"enabled": False},
        }
    )
    hit = agree(bench(rules=rules), [*random_claims(300, 10), *odd_claims()], Registers())
    assert {"R06", "R08"} <= set(hit)


class Everybody(StayWithoutTreatment):
    """A bureau's own rule, made of another one: finds something against every claim."""

    text: ClassVar[RuleText] = RuleText(
        rule_id="B01",
        severity=Severity.LIGHT,
        name="x",
        english_name="x",
        content="x",
        english_content="x",
        behaviour="x",
        english_behaviour="x",
    )
    kind: Literal["everybody"] = "everybody"  # type: ignore[assignment]

    def find(self, seen: Seen) -> Hits:
        return hits_where(seen, np.ones(len(seen.claims), np.bool_), ["all"] * len(seen.claims))


def test_a_rule_of_the_bureaus_own_always_runs() -> None:
    hit = agree(bench(rules=(*default_rules(), Everybody())), random_claims(30, 11), Registers())
    assert hit.count("B01") == 30


def test_what_is_asked_alone_is_what_is_asked_in_a_batch() -> None:
    claims = [*random_claims(5_000, 12), *odd_claims()]
    assert [asked_id(lone_of(one)) for one in claims] == asked_ids(batch_of(claims))
    assert len({asked_id(lone_of(one)) for one in claims}) == len(claims)


def test_what_is_remembered_of_a_claim_alone_is_what_is_remembered_in_a_batch() -> None:
    claims = [*random_claims(5_000, 13), *odd_claims()]
    assert [event_of(lone_of(one), TODAY) for one in claims] == events_of(batch_of(claims), TODAY).tolist()


def test_getting_ready_changes_no_decision() -> None:
    [one], found, ready = random_claims(1, 14), bench(), bench()
    get_ready(ready)
    history = History()
    records = [each.lone.decide(lone_of(one), history, Registers(), NOW).record for each in (found, ready)]
    assert records[0] == records[1]
