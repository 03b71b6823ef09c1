"""Explanations: the number is defined, the way to object is there, and nothing is named that must not be."""

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from client.router.deciding.explain import explain, number_words
from client.router.deciding.lanes import LANE_OF, Lane, Reason
from client.router.deciding.page import decision_page
from client.router.deciding.picture import cluster_picture, parts_picture, plane_of
from client.router.deciding.policy import Objection
from client.router.deciding.record import DecisionRecord
from client.router.deciding.scoring import MILLION, PARTS
from client.router.deciding.wording import LANES, PEERS, REASONS, STRANGE, Words
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
        told = explain(record, POLICY, "en", BLOCKS).number
        share = f"{100 * step.routine / step.reviewed:.1f}%"
        reviewed = f"Of {step.reviewed} reviewed claims with a similar score, "
        assert told == f"{reviewed}{step.routine} ({share}) were confirmed as routine."


def test_without_a_calibration_no_number_is_made_up() -> None:
    record = records(1)[0].model_copy(update={"similar": 0, "similar_routine": 0, "confidence": None})
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
        if record.reasons[0] in {Reason.FINDING, Reason.HARD_RULE}:
            assert first.startswith('Rule "')
        else:
            assert first == REASONS[record.reasons[0]].en


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
    assert set(STRANGE) == set(PARTS)
    for words in (*REASONS.values(), *LANES.values(), *STRANGE.values(), *PEERS.values()):
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
    circles = ET.fromstring(cluster_picture(record, model, "zh")).iter("{http://www.w3.org/2000/svg}circle")  # noqa: S314
    assert len(list(circles)) == len(model)
    texts = ET.fromstring(parts_picture(record, model, "en")).iter("{http://www.w3.org/2000/svg}text")  # noqa: S314
    shares = [float(one.text[:-1]) for one in texts if one.text and one.text.endswith("%")]
    assert sum(shares) == pytest.approx(100, abs=0.5)


def test_a_page_escapes_what_a_claim_brings_and_loads_nothing() -> None:
    record = records(1)[0].model_copy(update={"claim_key": "<script>alert(1)</script>"})
    for language in ("zh", "en"):
        page = decision_page(record, POLICY, routing_model(), language)  # type: ignore[arg-type]
        assert "<script>" not in page
        assert "&lt;script&gt;" in page
        assert not re.search(r"(src|href)=|url\(|@import", page)


def test_findings_are_told_by_their_rules_names() -> None:
    row = int(np.flatnonzero(found().any & ~routed().refused_automation)[0])
    record = decisions().record(row)
    told = explain(record, POLICY, "zh", BLOCKS)
    assert record.findings[0].rule_name in told.reasons[0]
    assert isinstance(REASONS[Reason.FINDING], Words)
