"""Explanations: the number is defined, the way to object is there, and nothing is named that must not be."""

import html
import math
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from client.router.deciding.explain import explain, number_words
from client.router.deciding.facts import NAMES, PART_NAMES, facts, summary
from client.router.deciding.lanes import LANE_OF, Lane, Reason
from client.router.deciding.likeness import RARE_SHARE, like_words, strange_words
from client.router.deciding.page import decision_page
from client.router.deciding.picture import OTHERS, cluster_picture, parts_picture, plane_of
from client.router.deciding.policy import Language, Objection
from client.router.deciding.record import DecisionRecord
from client.router.deciding.scoring import MILLION, NO_RADIUS, PARTS
from client.router.deciding.wording import BLOCKS as BLOCKS_IN_WORDS
from client.router.deciding.wording import LANE_NAMES, LANES, PEERS, REASON_NAMES, REASONS, STRANGE, Words, filled
from client.router.rules.conflicts import DiagnosisConflict
from client.router.rules.finding import Finding, finding
from client.router.rules.repeated import DuplicateClaim
from client.router.rules.rule import Rule
from client.router.rules.table import text_of
from client.router.rules.tags import TAGS
from common.columns import ATTRIBUTES
from tests.client.router.deciding.worlds import POLICY, artefacts, decisions, found, routed, routing_model

BLOCKS = routing_model().block_names
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def records(n: int = 300) -> list[DecisionRecord]:
    return [decisions().record(row) for row in range(n)]


def test_the_number_is_the_share_of_reviewed_claims_in_the_same_step_of_the_calibration() -> None:
    calibration = artefacts().calibration
    assert calibration is not None
    for record in records():
        step = calibration.steps[calibration.steps_of(np.array([record.score]))[0]]
        assert (record.similar, record.similar_routine) == (step.reviewed, step.routine)
        assert record.confidence == step.routine / step.reviewed
        told = explain(without_findings(record), POLICY, "en", BLOCKS).number
        share = f"{100 * step.routine / step.reviewed:.1f}%"
        reviewed = f"Of {step.reviewed} reviewed claims that no rule points at, with a similar score, "
        assert told == f"{reviewed}{step.routine} ({share}) were confirmed as routine."


def without_findings(record: DecisionRecord) -> DecisionRecord:
    return record.model_copy(update={"findings": (), "reasons": (Reason.LOW_CONFIDENCE,)})


def test_a_claim_that_a_rule_points_at_is_told_no_share_of_claims_that_none_points_at() -> None:
    with_findings = [one for one in records() if one.findings]
    assert with_findings
    for record in with_findings:
        assert record.similar > 0
        for words in number_words(record):
            assert not re.search(r"\d", words)


def test_without_a_calibration_no_number_is_made_up() -> None:
    given = {"similar": 0, "similar_routine": 0, "confidence": None, "findings": ()}
    record = records(1)[0].model_copy(update=given)
    assert not re.search(r"\d", number_words(record).en + number_words(record).zh)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_explanation_says_what_happens_why_a_number_and_how_to_object(language: str) -> None:
    objection = POLICY.objection.zh if language == "zh" else POLICY.objection.en
    for record in records():
        told = explain(record, POLICY, language, BLOCKS)  # type: ignore[arg-type]
        assert told.outcome == LANES[record.lane].of(language)  # type: ignore[arg-type]
        assert 2 <= len(told.reasons) <= 3
        assert len(set(told.reasons)) == len(told.reasons)
        assert told.text().endswith(objection)
        assert bool(CHINESE.search(told.text())) is (language == "zh")


def test_the_first_reason_is_of_what_decided() -> None:
    for record in records():
        first = explain(record, POLICY, "en", BLOCKS).reasons[0]
        if Reason.HARD_RULE in record.reasons or record.reasons[0] is Reason.FINDING:
            assert first.startswith('Rule "')
        else:
            assert first == REASONS[record.reasons[0]].en


def finding_of(rule: type[Rule]) -> Finding:
    return finding(rule.text, 100, "days=1")


SOFT, HARD = finding_of(DiagnosisConflict), finding_of(DuplicateClaim)


@pytest.mark.parametrize("reasons", [(Reason.HARD_RULE, Reason.FINDING), (Reason.REFUSED_AUTOMATION, Reason.HARD_RULE)])
def test_rules_that_stop_claims_are_told_before_all_others(reasons: tuple[Reason, ...]) -> None:
    record = records(1)[0]
    inputs = record.inputs.model_copy(update={"hard_rule": True})
    given = {
        "findings": (SOFT, HARD),
        "inputs": inputs,
        "reasons": (*reasons, Reason.NOVEL),
        "lane": LANE_OF[reasons[0]],
    }
    told = explain(record.model_copy(update=given), POLICY, "zh", BLOCKS).reasons
    assert HARD.rule_name in told[0]
    assert SOFT.rule_name in " ".join(told[1:])
    assert any("拒绝" in one for one in told) is (Reason.REFUSED_AUTOMATION in reasons)


def test_which_rules_stop_claims_is_what_the_policy_says() -> None:
    record = records(1)[0]
    inputs = record.inputs.model_copy(update={"hard_rule": True})
    given = {"findings": (HARD, SOFT), "inputs": inputs, "reasons": (Reason.HARD_RULE,), "lane": Lane.HOLD}
    rules = {"duplicate_claim": {"hard": False}, "diagnosis_conflict": {"hard": True}}
    policy = POLICY.model_copy(update={"rules": rules})
    assert SOFT.rule_name in explain(record.model_copy(update=given), policy, "zh", BLOCKS).reasons[0]


def operated() -> DecisionRecord:
    """A claim with an operation that is strange in nothing."""
    record = next(one for one in records() if one.inputs.operation is not None and one.peers is not None)
    return without_findings(record).model_copy(update={"strangeness": (0, 0, 0, 0, 0)})


@pytest.mark.parametrize(("share", "rare"), [(0.37, False), (0.06, False), (0.04, True)])
def test_an_operation_is_called_rare_only_below_the_declared_share(share: float, *, rare: bool) -> None:
    record = operated().model_copy(update={"strangeness": (0, 0, 0, round(-math.log(share) * MILLION), 0)})
    assert RARE_SHARE == 0.05
    assert (filled(STRANGE["rarity"]) in strange_words(record, BLOCKS)) is rare


def test_without_an_operation_or_claims_to_compare_with_nothing_is_called_rare() -> None:
    record = operated().model_copy(update={"strangeness": (0, 0, 0, 9 * MILLION, 0)})
    assert strange_words(record, BLOCKS)
    nothing = record.inputs.model_copy(update={"operation": None})
    assert not strange_words(record.model_copy(update={"inputs": nothing}), BLOCKS)
    assert not strange_words(record.model_copy(update={"peers": None, "n_peers": 0}), BLOCKS)


def routine(**changes: object) -> DecisionRecord:
    given = {"reasons": (Reason.ROUTINE,), "lane": Lane.FAST, "findings": (), "strangeness": (0, 0, 0, 0, 0)}
    record = next(one for one in records() if one.peers is not None and one.inputs.stay_days >= 0)
    return record.model_copy(update=given | changes)


def test_a_routine_claim_is_like_others_in_what_was_compared_and_in_nothing_else() -> None:
    told = explain(routine(), POLICY, "en", BLOCKS).reasons
    assert told[0] == REASONS[Reason.ROUTINE].en
    assert told[1].startswith("In the total cost, the days of stay and the kinds of fees the claim is like ")
    strange = routine(strangeness=(9 * MILLION, 0, 0, 0, 0))
    assert like_words(strange)[0].en.startswith("In the days of stay and the kinds of fees ")
    inputs = strange.inputs.model_copy(update={"stay_days": -1})
    assert like_words(strange.model_copy(update={"inputs": inputs}))[0].zh.startswith("这份结算单的费用构成与")


def test_a_routine_claim_without_peers_is_said_to_be_like_nobody() -> None:
    alone = routine(peers=None, n_peers=0)
    assert explain(alone, POLICY, "en", BLOCKS).reasons == (REASONS[Reason.ROUTINE].en,)
    assert "like" not in REASONS[Reason.ROUTINE].en


def test_of_what_a_claim_does_not_state_only_that_is_said() -> None:
    inputs = operated().inputs.model_copy(update={"stay_days": -1})
    record = operated().model_copy(update={"strangeness": (0, 9 * MILLION, 0, 0, 0), "inputs": inputs})
    assert [one.en for one in strange_words(record, BLOCKS)] == ["The claim does not state the days of stay."]


def test_a_claim_is_not_called_far_from_a_cluster_that_has_no_usual_distance() -> None:
    far = operated().model_copy(update={"strangeness": (0, 0, 0, 0, 6 * MILLION)})
    assert "nearest kind" in strange_words(far, BLOCKS)[0].en
    nowhere = operated().model_copy(update={"strangeness": (0, 0, 0, 0, round(NO_RADIUS * MILLION))})
    assert not strange_words(nowhere, BLOCKS)


def test_tags_are_told_in_the_language_of_the_explanation_and_lineage_is_handed_on() -> None:
    record = records(1)[0].model_copy(update={"tags": ("first_visit", "tcm"), "region": "350100"})
    chinese, english = (explain(record, POLICY, language, BLOCKS) for language in ("zh", "en"))
    assert chinese.tags == ("首诊", "中医")
    assert "标记：首诊、中医。" in chinese.text()
    assert "Remarks on this claim: first visit, traditional Chinese medicine." in english.text()
    assert chinese.lineage == english.lineage == record.lineage != ()
    without = explain(record.model_copy(update={"tags": ()}), POLICY, "en", BLOCKS)
    assert "Remarks" not in without.text()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_findings_and_facts_are_in_the_language_of_the_page(language: Language) -> None:
    record = next(one for one in records(1500) if one.findings)
    told = dict(facts(record, language))
    text = text_of(record.findings[0].rule_id)
    named = (text.name, text.behaviour) if language == "zh" else (text.english_name, text.english_behaviour)
    assert all(name in told[NAMES["findings"].of(language)] for name in named)
    assert told[NAMES["lineage"].of(language)] == record.lineage[0]
    assert bool(CHINESE.search(summary(record, language))) is (language == "zh")


def test_the_way_to_object_is_the_bureaus_own() -> None:
    policy = POLICY.model_copy(update={"objection": Objection(zh="请到三号窗口。", en="Window 3.")})
    assert explain(records(1)[0], policy, "en").objection == "Window 3."
    assert explain(records(1)[0], policy, "zh").objection == "请到三号窗口。"


def test_no_lane_tells_an_insured_person_that_the_claim_was_rejected() -> None:
    for lane in Lane:
        assert "reject" not in LANES[lane].en.replace("it has not been rejected", "")
        assert "拒绝" not in LANES[lane].zh.replace("它没有被拒绝", "")


def test_every_reason_lane_and_part_has_words_in_both_languages() -> None:
    assert set(REASONS) == set(LANE_OF)
    assert set(LANES) == set(Lane)
    assert set(REASON_NAMES) == set(LANE_OF)
    assert set(LANE_NAMES) == set(Lane)
    assert set(STRANGE) == set(PARTS)
    assert set(BLOCKS_IN_WORDS) >= {*ATTRIBUTES, "codes", "fees", "text", "total", "stay_days", "age_days"}
    told = (LANES, LANE_NAMES, REASONS, REASON_NAMES, STRANGE, PEERS, BLOCKS_IN_WORDS, NAMES, PART_NAMES)
    for words in (one for catalogue in told for one in catalogue.values()):
        assert CHINESE.search(words.zh)
        assert not CHINESE.search(words.en)


def test_no_code_key_or_provider_stands_in_an_explanation() -> None:
    table = routed().table
    codes = {code for column in (*table.diagnoses, *table.operations) for code in column.values}
    for record in records():
        text = explain(record, POLICY, "en", BLOCKS).text() + explain(record, POLICY, "zh", BLOCKS).text()
        assert record.claim_key not in text
        assert not any(code in text for code in codes)


def test_what_is_strange_is_told_largest_first_and_only_if_it_is_large() -> None:
    record = next(one for one in records() if Reason.OUTSIDE_FAST_SHARE in one.reasons and not one.findings)
    given = record.model_copy(
        update={"strangeness": (0, 9 * MILLION, MILLION, 0, 3 * MILLION), "reasons": (Reason.NOVEL,)}
    )
    told = explain(given, POLICY, "en", BLOCKS).reasons
    assert "days of stay" in told[1]
    assert "nearest kind" in told[2]
    calm = given.model_copy(update={"strangeness": (0, MILLION - 1, 0, 0, 0)})
    assert all("unlike those" not in one for one in explain(calm, POLICY, "en", BLOCKS).reasons)


def test_the_triangle_in_the_picture_is_true_to_scale() -> None:
    model = routing_model()
    for record in records(50):
        plane = plane_of(record, model)
        assert record.second is not None
        assert record.second_square_distance is not None
        to = [((plane.claim - plane.centroids[one]) ** 2).sum() for one in (record.cluster, record.second)]
        assert to == pytest.approx([record.square_distance / 2**40, record.second_square_distance / 2**40])
        between = ((plane.centroids[record.cluster] - plane.centroids[record.second]) ** 2).sum()
        assert between == pytest.approx(((model.centroids[record.cluster] - model.centroids[record.second]) ** 2).sum())


def test_pictures_are_well_formed_and_the_bars_add_up_to_all_of_the_distance() -> None:
    record, model = records(1)[0], routing_model()
    found = ET.fromstring(cluster_picture(record, model, "zh")).iter("{http://www.w3.org/2000/svg}circle")  # noqa: S314
    circles = list(found)
    assert len(circles) == len(model)
    assert {one.get("fill") for one in circles[:-2]} == {OTHERS}  # so that they hide neither of the two
    assert OTHERS not in {one.get("fill") for one in circles[-2:]}
    texts = ET.fromstring(parts_picture(record, model, "en")).iter("{http://www.w3.org/2000/svg}text")  # noqa: S314
    shares = [float(one.text[:-1]) for one in texts if one.text and one.text.endswith("%")]
    assert sum(shares) == pytest.approx(100, abs=0.5)


def test_a_page_escapes_what_a_claim_brings_and_loads_nothing() -> None:
    record = records(1)[0].model_copy(update={"claim_key": "<script>alert(1)</script>"})
    for language in ("zh", "en"):
        page = decision_page(record, POLICY, routing_model(), language)
        assert "<script>" not in page
        assert "&lt;script&gt;" in page
        assert not re.search(r"(src|href)=|url\(|@import", page)


def shown(page: str) -> str:
    """What somebody reads of a page, pictures included."""
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", " ", body))


@pytest.mark.parametrize("row", range(0, 300, 7))
def test_a_page_is_all_in_its_own_language_but_for_codes_and_identities(row: int) -> None:
    record = decisions().record(row).model_copy(update={"tags": tuple(TAGS), "region": "350100"})
    given = {record.decision_id, record.claim_key, record.model_sha256, *record.lineage}
    codes = re.compile("|".join(map(re.escape, given)) + r"|\b[0-9a-f]{64}\b|\bR\d\d\b")
    chinese = codes.sub("", shown(decision_page(record, POLICY, routing_model(), "zh")))
    assert re.findall(r"[A-Za-z]+", chinese) == []
    assert not CHINESE.search(shown(decision_page(record, POLICY, routing_model(), "en")))


def test_findings_are_told_by_their_rules_names() -> None:
    row = int(np.flatnonzero(found().any & ~routed().refused_automation)[0])
    record = decisions().record(row)
    told = explain(record, POLICY, "zh", BLOCKS)
    assert record.findings[0].rule_name in told.reasons[0]
    assert isinstance(REASONS[Reason.FINDING], Words)
