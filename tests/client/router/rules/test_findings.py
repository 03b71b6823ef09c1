"""The shape of findings, the table of rules, and a bureau's own rule."""

from __future__ import annotations

import hashlib
import tomllib
from decimal import Decimal
from typing import ClassVar, Literal

import numpy as np
import pytest
from pydantic import ValidationError

from client.router.registers import Registers, drug_items
from client.router.rules import table
from client.router.rules.digest import NOTHING, column_digests, digest, reference
from client.router.rules.drugs import RepeatedDrugs
from client.router.rules.evaluate import evaluate
from client.router.rules.finding import MOST_CHARACTERS, Finding, RuleText, Severity, finding, in_english
from client.router.rules.history import History
from client.router.rules.operations import UnrequestedOperation
from client.router.rules.rule import Hits, Rule, Seen, hits_where
from client.router.rules.table import READY_MADE, default_rules, example_rules, register, rules_from, text_of
from common.columns import CodeColumn
from common.errors import InputError
from tests.client.router.rules.cases import found, routed, stay, visit

INTERFACE = ("rule_id", "rule_name", "vola_cont", "vola_amt", "sev_deg", "vola_evid", "vola_bhvr_type")


class Expensive(Rule):
    """A bureau's own rule."""

    text: ClassVar[RuleText] = RuleText(
        rule_id="X01",
        severity=Severity.LIGHT,
        name="费用过高",
        english_name="expensive",
        content="总费用过高",
        english_content="costs much",
        behaviour="过度诊疗",
        english_behaviour="more services than needed",
    )
    kind: Literal["expensive"] = "expensive"
    above_yuan: int = 4_000

    def find(self, seen: Seen) -> Hits:
        expensive = seen.claims.table.total > self.above_yuan * 100
        return hits_where(seen, expensive, ["much=1"] * int(expensive.sum()))


@pytest.fixture
def own_rule(monkeypatch: pytest.MonkeyPatch) -> type[Rule]:
    monkeypatch.setattr(table, "_known", dict(table._known))
    return register(Expensive)


def test_a_finding_has_the_fields_of_the_interface_and_no_others() -> None:
    assert tuple(Finding.model_fields) == INTERFACE
    (one,) = found(Expensive(), stay()).of(0)
    assert one.model_dump(mode="json") == {
        "rule_id": "X01",
        "rule_name": "费用过高",
        "vola_cont": "总费用过高",
        "vola_amt": "5000.00",
        "sev_deg": "轻度可疑",
        "vola_evid": "much=1",
        "vola_bhvr_type": "过度诊疗",
    }
    with pytest.raises(ValidationError):
        Finding.model_validate(one.model_dump() | {"psn_name": "x"})


def test_amounts_are_yuan_to_the_cent() -> None:
    assert found(Expensive(), stay(total="4000.01")).of(0)[0].vola_amt == Decimal("4000.01")


def test_every_rule_has_an_id_of_its_own_and_words_in_both_languages() -> None:
    texts = [rule.text for rule in READY_MADE]
    assert [text.rule_id for text in texts] == [
        "R01",
        "R02",
        "R03",
        "R04",
        "R05",
        "R06",
        "R07",
        "R08",
        "R09",
        "R10",
        "R11",
    ]
    for text in texts:
        chinese, english = (text.name, text.content, text.behaviour), in_english(text)
        assert all(not part.isascii() for part in chinese)
        assert all(part.isascii() and part for part in english.values())
        assert set(english) == set(INTERFACE) - {"vola_amt", "vola_evid"}
        assert text_of(text.rule_id) is text


def test_findings_of_several_rules_stand_in_the_order_of_the_policy_and_one_hard_rule_holds() -> None:
    rules = rules_from({"diagnosis_conflict": {"hard": True}})  # the rule after it hits the same claim and is not hard
    idle = {"iteminfo": [{"med_chrgitm_type": "01", "amt": "900"}], "total": "900"}
    batch = routed(stay("A"), stay("B", begins=60, diseinfo=[{"diag_code": "N40"}], **idle), stay("C", begins=90))
    findings = evaluate(rules, batch, History(), Registers())
    assert [findings.rule_ids(row) for row in range(3)] == [(), ("R05", "R06"), ()]
    assert (findings.any.tolist(), findings.hard.tolist()) == ([False, True, False], [False, True, False])
    assert not evaluate(default_rules(), batch, History(), Registers()).hard.any()


def test_every_rule_runs_with_its_defaults_unless_the_policy_switches_it_off_or_changes_it() -> None:
    assert [type(rule) for rule in default_rules()] == list(READY_MADE)
    fewer = rules_from({"duplicate_claim": {"enabled": False}, "stay_without_treatment": {"least_days": 5}})
    assert [rule.kind for rule in fewer] == [rule.kind for rule in default_rules()][1:]
    assert next(rule for rule in fewer if rule.kind == "stay_without_treatment").model_dump()["least_days"] == 5


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ({"os.system": {}}, "rules.os.system is no rule"),
        ({"duplicate_claim": {"hrad": True}}, "rules.duplicate_claim.hrad"),
        ({"duplicate_claim": {"hard": 1}}, "rules.duplicate_claim.hard"),
        ({"duplicate_claim": {"kind": "near_duplicate_claim"}}, "rules.duplicate_claim.kind"),
        ({"near_duplicate_claim": {"within_days": 16}}, "rules.near_duplicate_claim.within_days"),
        ({"overlapping_stays": {"inpatient": []}}, "rules.overlapping_stays.inpatient"),
        ({"unusual_fee_share": {"declared": {"15": 1}}}, "rules.unusual_fee_share.declared.15"),
        ({"unusual_fee_share": {"declared": {"08": 1001}}}, "rules.unusual_fee_share.declared.08"),
    ],
)
def test_what_no_rule_knows_is_refused_by_name(section: dict[str, dict[str, object]], named: str) -> None:
    with pytest.raises(InputError, match=named):
        rules_from(section)


def test_the_example_names_every_rule_and_every_parameter_and_is_the_default() -> None:
    held = tomllib.loads(example_rules())["rules"]
    assert rules_from(held) == default_rules()
    for rule in READY_MADE:
        assert set(held[rule.model_fields["kind"].default]) == set(rule.model_fields) - {"kind"}


def test_a_bureaus_own_rule_runs_once_it_is_registered(own_rule: type[Rule]) -> None:
    assert rules_from({"expensive": {"above_yuan": 9}})[-1] == Expensive(above_yuan=9)
    assert text_of("X01") is own_rule.text
    with pytest.raises(ValueError, match="no other rule has"):
        register(own_rule)


def test_a_rule_that_is_not_registered_cannot_be_named() -> None:
    with pytest.raises(InputError, match="is no rule"):
        rules_from({"expensive": {}})
    with pytest.raises(ValueError, match="no rule X01"):
        text_of("X01")


@pytest.mark.parametrize(("rows", "evidence"), [([1, 0], ("a", "b")), ([0, 0], ("a", "b")), ([0, 1], ("a",))])
def test_hits_out_of_order_twice_or_without_evidence_are_refused(rows: list[int], evidence: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="ascending"):
        Hits(rows=np.array(rows), amounts=np.zeros(2, np.int64), evidence=evidence)


def test_a_digest_is_the_same_everywhere_and_missing_codes_have_none() -> None:
    assert reference(digest("S1")) == hashlib.sha256(b"S1").hexdigest()[:16]
    column = CodeColumn(indices=np.array([1, -1, 0], np.int32), values=("A", "B"))
    assert column_digests(column, 3).tolist() == [digest("B"), NOTHING, digest("A")]
    assert column_digests(None, 2).tolist() == [NOTHING, NOTHING]


def test_evidence_that_the_interface_has_no_room_for_is_counted_and_refuses_no_claim() -> None:
    operations = [{"oprn_oprt_code": f"{number:02d}.{'9' * 20}"} for number in range(64)]
    registers = Registers(requested_operations={"A": frozenset({"X"})})
    (one,) = found(UnrequestedOperation(), stay("A", oprninfo=operations), registers=registers).of(0)
    named, more = one.vola_evid.removeprefix("oprn_oprt_code=").split(";more=")
    assert len(one.vola_evid) <= MOST_CHARACTERS
    assert len(named.split(",")) + int(more) == 64
    assert {len(code) for code in named.split(",")} == {22}


@pytest.mark.parametrize("length", [MOST_CHARACTERS, MOST_CHARACTERS + 1, 10_000])
def test_one_endless_fact_is_cut(length: int) -> None:
    held = finding(Expensive.text, 1, "x" * length).vola_evid
    assert len(held) <= MOST_CHARACTERS
    assert (held == "x" * length) == (length == MOST_CHARACTERS)


def test_a_registers_code_of_any_length_is_quoted_in_short() -> None:
    lines = {"person_ids": np.array([7, 7], np.uint64), "claim_keys": ["A", "B"], "codes": ["D" * 900] * 2}
    register = drug_items(**lines, days=np.array([0, 1]), days_supplied=np.array([30, 30]))
    (one,) = found(RepeatedDrugs(), visit("B"), registers=Registers(drug_items=register)).of(0)
    assert one.vola_evid == f"drug={'D' * 61}...;days_left=29"
