"""Lanes: the precedence of reasons, over every set of them there can be."""

from itertools import combinations

import numpy as np

from client.router.deciding.lanes import BIT, LANE_OF, LANES, Lane, Reason, lane_of, lanes_of, reasons_of, words

ALL = tuple(Reason)[:-1]
EVERY_WORD = np.arange(1 << len(ALL), dtype=np.int32)


def test_over_every_set_of_reasons_the_first_decides_and_all_others_stay() -> None:
    order = (
        ("refused_automation", "HUMAN"),
        ("hard_rule", "HOLD"),
        ("held_cluster", "HOLD"),
        ("finding", "REVIEW"),
        ("reviewed_cluster", "REVIEW"),
        ("unconfirmed_cluster", "HUMAN"),
        ("high_risk_cluster", "REVIEW"),
        ("provider_concentration", "REVIEW"),
        ("expired_model", "HUMAN"),
        ("clock_behind", "HUMAN"),
        ("quarantined_cluster", "HUMAN"),
        ("uncounted_providers", "HUMAN"),
        ("unsupported_cluster", "HUMAN"),
        ("novel", "HUMAN"),
        ("not_calibrated", "HUMAN"),
        ("low_confidence", "HUMAN"),
        ("outside_fast_share", "HUMAN"),
        ("spot_check", "REVIEW"),
    )
    assert len(order) == len(ALL)
    for word in EVERY_WORD.tolist():
        given = [place for place in range(len(order)) if word >> place & 1]
        expected = [order[place] for place in given]
        if len(expected) > 1:
            expected = [one for one in expected if one[0] != "spot_check"]
        reasons = reasons_of(word)
        assert [str(reason) for reason in reasons] == ([name for name, _ in expected] or ["routine"])
        assert lane_of(reasons) == (expected[0][1] if expected else "FAST")


def test_the_lanes_of_a_batch_are_those_of_its_claims() -> None:
    together = lanes_of(EVERY_WORD).tolist()
    assert [LANES[place] for place in together] == [lane_of(reasons_of(word)) for word in EVERY_WORD.tolist()]


def test_only_a_claim_without_any_reason_is_fast() -> None:
    fast = [word for word in EVERY_WORD.tolist() if lane_of(reasons_of(word)) is Lane.FAST]
    assert fast == [0]


def test_who_refused_automation_is_always_sent_to_a_person_whatever_else_holds() -> None:
    for n in range(len(ALL)):
        for others in combinations(ALL[1:], n):
            reasons = reasons_of(sum(BIT[reason] for reason in (Reason.REFUSED_AUTOMATION, *others)))
            assert lane_of(reasons) is Lane.HUMAN


def test_no_lane_is_a_rejection() -> None:
    assert set(LANE_OF.values()) == {Lane.FAST, Lane.REVIEW, Lane.HUMAN, Lane.HOLD}
    assert set(LANE_OF) == set(Reason)


def test_words_hold_the_reasons_that_were_given() -> None:
    held = words(3, {Reason.NOVEL: np.array([True, False, True]), Reason.FINDING: np.array([False, False, True])})
    assert [reasons_of(word) for word in held.tolist()] == [
        (Reason.NOVEL,),
        (Reason.ROUTINE,),
        (Reason.FINDING, Reason.NOVEL),
    ]
