"""Decisions: every reason in its place, records that replay, a claim alone decided as among many."""

import dataclasses

import numpy as np
import pytest

from client.router.deciding.artefacts import Artefacts
from client.router.deciding.cards import ClusterCards
from client.router.deciding.deciding import decide, replay
from client.router.deciding.decisions import Decisions
from client.router.deciding.lanes import LANE_OF, LANES, Lane, Reason
from client.router.deciding.policy import RouterPolicy
from client.router.deciding.record import DecisionRecord, identity_of, spelling
from client.router.deciding.scoring import MILLION
from client.router.registers import Registers
from client.router.rules.evaluate import evaluate
from client.router.rules.history import History
from client.router.rules.table import default_rules
from common.errors import RefusedError
from tests.client.router.deciding.worlds import NOW, POLICY, artefacts, decisions, found, model, routed, rows

Reasons = list[tuple[Reason, ...]]


def decided(now: int = NOW, **changes: object) -> Decisions:
    return decide(routed(), rows(), found(), dataclasses.replace(artefacts(), **changes), now)  # type: ignore[arg-type]


def with_policy(**changes: object) -> Decisions:
    """The calibration stays: it does not depend on what changes here."""
    return decided(policy=POLICY.model_copy(update=changes))


def reasons(held: Decisions, n: int = 300) -> Reasons:
    return [held.record(row).reasons for row in range(n)]


def test_every_record_replays_to_the_same_record_byte_for_byte() -> None:
    held = decisions()
    for written in held.records():
        record = DecisionRecord.from_json(written.record)
        assert replay(record, artefacts()).to_json() == written.record


def test_records_written_in_a_batch_have_the_one_spelling_and_their_identity() -> None:
    for written in decisions().records():
        record = DecisionRecord.from_json(written.record)
        assert record.to_json() == written.record == spelling(record.model_dump(mode="json"))
        assert record.decision_id == written.decision_id == identity_of(record.model_dump(mode="json"))


def test_records_of_claims_with_any_key_keep_their_one_spelling() -> None:
    keys = ('a"b\\c', "键/数 1", "\u2028\u0000", "x" * 128)
    held = dataclasses.replace(decisions().select(np.arange(4)), claim_keys=keys)
    for key, written in zip(keys, held.records(), strict=True):
        record = DecisionRecord.from_json(written.record)
        assert (record.claim_key, record.to_json()) == (key, written.record)


def test_a_claim_alone_is_decided_as_among_many() -> None:
    together = decisions().records()
    for row in range(0, 1500, 50):
        one = np.array([row])
        alone = decide(routed().select(one), rows()[one], found().select(one), artefacts(), NOW)
        assert alone.records() == [together[row]]


def test_a_record_is_built_as_it_is_written() -> None:
    held = decisions()
    assert [held.record(row).decision_id for row in range(50)] == [one.decision_id for one in held.records()[:50]]


def test_contributions_of_every_record_add_up_to_its_distance() -> None:
    for row in range(300):
        record = decisions().record(row)
        assert sum(record.contributions) == record.square_distance


def test_lanes_and_counts_are_those_of_the_records() -> None:
    held = decisions()
    assert list(held.lanes()[:300]) == [held.record(row).lane for row in range(300)]
    assert sum(held.counts().values()) == len(held)
    assert set(held.counts()) == set(LANES)
    assert all(held.counts().values())


def test_who_refused_automation_goes_to_a_person_and_everyone_who_did() -> None:
    refused = routed().refused_automation
    given = reasons(decisions())
    assert [Reason.REFUSED_AUTOMATION in one for one in given] == refused[:300].tolist()
    assert {LANE_OF[one[0]] for one in given if Reason.REFUSED_AUTOMATION in one} == {Lane.HUMAN}


def test_a_claim_with_a_finding_is_never_fast() -> None:
    held, flagged = decisions(), found()
    lanes = np.array(held.lanes())
    assert flagged.any.sum() > 50
    assert not (lanes[flagged.any] == "FAST").any()
    assert (lanes[flagged.hard & ~routed().refused_automation] == "HOLD").all()
    row = int(np.flatnonzero(flagged.any)[0])
    assert held.record(row).findings == flagged.of(row)


def test_without_a_calibration_no_claim_is_fast() -> None:
    held = decided(calibration=None)
    assert held.counts()[Lane.FAST] == 0
    record = held.record(0)
    assert (record.confidence, record.similar, record.calibration_sha256) == (None, 0, None)
    assert Reason.NOT_CALIBRATED in record.reasons


def test_without_habits_no_claim_has_peers_and_replay_still_holds() -> None:
    given = dataclasses.replace(artefacts(), calibration=None, habits=None)
    record = decide(routed(), rows(), found(), given, NOW).record(0)
    assert (record.peers, record.n_peers, record.habits_sha256) == (None, 0, None)
    assert replay(record, given) == record


def test_without_cards_no_claim_is_fast() -> None:
    held = decided(cards=ClusterCards(model_sha256=artefacts().model.sha256, made_at=NOW))
    assert held.counts()[Lane.FAST] == 0
    assert all(Reason.UNSUPPORTED_CLUSTER in one for one in reasons(held))


def test_a_cluster_without_a_released_radius_is_never_fast_even_if_the_policy_trusts_it() -> None:
    hidden = model().clusters[0].model_copy(update={"mean_square_distance": None})
    changed = dataclasses.replace(artefacts().model, clusters=(hidden, *model().clusters[1:]))
    held = decided(model=changed, policy=POLICY.model_copy(update={"clusters": {0: "fast"}}))
    mine = held.weighed.places.nearest == 0
    assert mine.any()
    assert not (np.array(held.lanes())[mine] == "FAST").any()
    first = held.record(int(np.flatnonzero(mine)[0]))
    assert Reason.UNSUPPORTED_CLUSTER in first.reasons


def test_an_expired_model_sends_every_claim_to_a_person_from_its_last_second_on() -> None:
    assert decided(now=NOW + 999).counts()[Lane.FAST] > 0
    expired = decided(now=NOW + 1000)
    assert expired.counts()[Lane.FAST] == 0
    assert all(Reason.EXPIRED_MODEL in one for one in reasons(expired))


def test_novel_is_beyond_the_multiple_of_the_released_radius() -> None:
    held = with_policy(novel_beyond=1.0)
    places = held.weighed.places
    far = places.square / 2**40 > artefacts().model.mean_squares[places.nearest]
    assert 0 < far.sum() < len(far)
    assert [Reason.NOVEL in one for one in reasons(held)] == far[:300].tolist()


def test_confidence_below_the_policys_goes_to_a_person_and_at_it_passes() -> None:
    calibration = artefacts().calibration
    assert calibration is not None
    limit = float(calibration.shares[-2])
    given = reasons(with_policy(min_confidence=limit))
    low = calibration.confidences(decisions().weighed.scores.scores / MILLION) < limit
    assert [Reason.LOW_CONFIDENCE in one for one in given] == low[:300].tolist()
    assert not low.all()


def test_only_the_fast_share_of_recent_claims_passes_and_the_most_routine_ones() -> None:
    scores = decisions().weighed.scores.scores
    outside = np.array([Reason.OUTSIDE_FAST_SHARE in one for one in reasons(decisions(), 1500)])
    assert outside.mean() == pytest.approx(1 - POLICY.fast_share, abs=0.01)
    assert scores[outside].max() < scores[~outside].min()


def test_the_policys_word_for_a_cluster_goes_before_its_card() -> None:
    held = with_policy(clusters={0: "hold", 1: "review", 2: "human"})
    expected = {0: Reason.HELD_CLUSTER, 1: Reason.REVIEWED_CLUSTER, 2: Reason.QUARANTINED_CLUSTER}
    for row, given in enumerate(reasons(held)):
        word = expected.get(int(held.weighed.places.nearest[row]))
        assert word is None or word in given


def test_claims_of_a_provider_that_dominates_its_cluster_are_reviewed_and_no_others() -> None:
    few, spec = routed(), artefacts()
    codes = few.table.attributes["fixmedins_code"]
    named = dataclasses.replace(codes, indices=np.arange(len(few), dtype=np.int32) % 2, values=("A", "B"))
    table = dataclasses.replace(few.table, attributes={**few.table.attributes, "fixmedins_code": named})
    cards = spec.cards.model_copy(
        update={"cards": tuple(card.model_copy(update={"providers": (("B", 501),)}) for card in spec.cards.cards)}
    )
    given = dataclasses.replace(spec, cards=ClusterCards.from_json(cards.to_json()))
    held = decide(dataclasses.replace(few, table=table), rows(), found(), given, NOW)
    enough = {card.cluster for card in given.cards.cards if card.recent >= POLICY.min_provider_claims}
    for row, one in enumerate(reasons(held)):
        crowded = row % 2 == 1 and int(held.weighed.places.nearest[row]) in enough
        assert (Reason.PROVIDER_CONCENTRATION in one) is crowded
    at_limit = cards.model_copy(
        update={"cards": tuple(card.model_copy(update={"providers": (("B", 500),)}) for card in spec.cards.cards)}
    )
    given = dataclasses.replace(spec, cards=ClusterCards.from_json(at_limit.to_json()))
    held = decide(dataclasses.replace(few, table=table), rows(), found(), given, NOW)
    assert not any(Reason.PROVIDER_CONCENTRATION in one for one in reasons(held))


def test_spot_checks_take_their_share_of_claims_that_would_be_fast_and_no_one_can_tell_which() -> None:
    without = with_policy(spot_check_share=0.0)
    fast = np.array(without.lanes()) == "FAST"
    checked = np.array(decisions().lanes())[fast] == "REVIEW"
    assert checked.mean() == pytest.approx(POLICY.spot_check_share, abs=0.04)
    assert (np.array(decisions().lanes())[~fast] == np.array(without.lanes())[~fast]).all()
    other = np.array(decided(lot=bytes(32)).lanes())[fast] == "REVIEW"
    assert 0 < (checked & other).sum() < checked.sum()


def test_a_record_is_not_replayed_with_other_artefacts() -> None:
    record = decisions().record(0)
    for other in (
        dataclasses.replace(artefacts(), calibration=None),
        dataclasses.replace(artefacts(), policy=RouterPolicy()),
        dataclasses.replace(artefacts(), cards=ClusterCards(model_sha256=artefacts().model.sha256, made_at=0)),
    ):
        with pytest.raises(RefusedError, match="another model"):
            replay(record, other)


def test_a_forged_record_replays_to_another_one() -> None:
    record = decisions().record(1)
    fields = record.model_dump(mode="json") | {"score": 0.999999}
    forged = DecisionRecord.from_json(spelling(fields | {"decision_id": identity_of(fields)}))
    assert replay(forged, artefacts()) != forged


def test_artefacts_about_different_models_are_refused() -> None:
    given = artefacts()
    cards = ClusterCards(model_sha256="1" * 64, made_at=NOW)
    with pytest.raises(RefusedError, match="another model"):
        dataclasses.replace(given, cards=cards)
    assert given.calibration is not None
    assert given.habits is not None
    with pytest.raises(RefusedError, match="other habits"):
        dataclasses.replace(given, habits=given.habits.model_copy(update={"fitted_at": 1}))
    with pytest.raises(RefusedError, match="other habits or another score"):
        dataclasses.replace(given, calibration=given.calibration.model_copy(update={"scoring": "other"}))
    with pytest.raises(ValueError, match="32 bytes"):
        dataclasses.replace(given, lot=b"short")


def test_arguments_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        decide(routed(), rows()[1:], found(), artefacts(), NOW)


def test_findings_of_other_rules_do_not_change_what_is_replayed() -> None:
    few = evaluate(default_rules()[:1], routed(), History(days=400), Registers())
    held = decide(routed(), rows(), few, artefacts(), NOW)
    assert isinstance(held.artefacts, Artefacts)
    for row in range(20):
        assert replay(held.record(row), artefacts()) == held.record(row)
