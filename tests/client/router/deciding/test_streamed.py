"""Clusters of a stream: known by their identities, whatever their order; none passes before it is confirmed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from client.router.deciding.artefacts import Artefacts
from client.router.deciding.cards import ClusterCard
from client.router.deciding.clusters import cluster_reasons, counting_cards
from client.router.deciding.deciding import decide, replay
from client.router.deciding.decisions import Decisions
from client.router.deciding.distance import locate
from client.router.deciding.explain import explain
from client.router.deciding.habits import Habits
from client.router.deciding.lanes import Lane, Reason
from client.router.deciding.policy import RouterPolicy
from client.router.registers import Registers
from client.router.rules.history import History
from common.claim import Claim
from common.columns import MISSING, CodeColumn
from common.errors import RefusedError
from common.model import Model
from common.stream.state import MOST_EVENTS
from tests.client.router.deciding.worlds import NOW, POLICY, K, found, routed, rows
from tests.client.router.lone.test_deciding import batch_of, bench, lone_of
from tests.client.router.streams import (
    IDENTITIES,
    OTHER_STREAM,
    STREAM,
    cluster,
    happened,
    in_order,
    routing,
    streamed,
    with_stream,
)
from tests.common.claims import random_claims

ORDER = (3, 0, 5, 1, 4, 2)
TRUSTING = RouterPolicy(clusters=dict.fromkeys(IDENTITIES, "fast"), clusters_of=STREAM[:12])


def strangers(n_claims: int, seed: int) -> list[Claim]:
    """Claims of a person each: what rules hold against each other differs in a batch."""
    drawn = random_claims(n_claims, seed)
    return [one.model_copy(update={"psn_key": f"person-{place}"}) for place, one in enumerate(drawn)]


def decided(given: Artefacts) -> Decisions:
    return decide(routed(), rows(), found(), given, NOW)


def usual() -> Artefacts:
    return with_stream(routing(streamed(in_order(IDENTITIES))))


def shuffled(version: int = 4) -> Artefacts:
    """The same clusters in another order, in a later version and window."""
    model = streamed([in_order(IDENTITIES)[place] for place in ORDER], window=51)
    return with_stream(routing(model, version))


def test_a_claim_of_a_cluster_in_quarantine_goes_to_a_person_whatever_calibration_and_cards_say() -> None:
    clusters = [cluster(place, one, quarantined=place == 2) for place, one in enumerate(IDENTITIES)]
    given = with_stream(routing(streamed(clusters)))
    held = decided(given)
    mine = held.weighed.places.nearest == 2
    assert "FAST" in {str(lane) for lane in np.array(decided(usual()).lanes())[mine]}
    for row in np.flatnonzero(mine).tolist():
        record = held.record(row)
        assert Reason.UNCONFIRMED_CLUSTER in record.reasons
        assert record.lane is Lane.HUMAN or record.reasons[0] in {Reason.HARD_RULE, Reason.FINDING}
    assert not any(Reason.UNCONFIRMED_CLUSTER in held.record(row).reasons for row in np.flatnonzero(~mine)[:50])


def test_neither_high_risk_nor_a_trusting_policy_takes_a_cluster_out_of_quarantine() -> None:
    clusters = in_order(IDENTITIES, quarantined=True)
    given = with_stream(routing(streamed(clusters)), TRUSTING)
    risky = tuple(one.model_copy(update={"lower": 0.95, "upper": 0.99}) for one in given.cards.cards)
    for one in (given, replace(given, policy=POLICY, cards=given.cards.model_copy(update={"cards": risky}))):
        lanes = np.array([str(lane) for lane in decided(one).lanes()])
        assert set(lanes[~found().any]) == {"HUMAN"}


def test_an_unconfirmed_cluster_is_explained_in_both_languages() -> None:
    given = with_stream(routing(streamed(in_order(IDENTITIES, quarantined=True))))
    held = decided(given)
    [row] = np.flatnonzero([held.record(row).reasons[0] is Reason.UNCONFIRMED_CLUSTER for row in range(60)])[:1]
    chinese, english = (explain(held.record(int(row)), POLICY, language) for language in ("zh", "en"))
    assert "还没有在足够多的地区得到证实" in chinese.text()
    assert "not yet confirmed by enough bureaus" in english.text()


def test_lanes_reasons_scores_and_peers_survive_another_order_of_the_clusters() -> None:
    before, after = decided(usual()), decided(shuffled())
    assert before.lanes() == after.lanes()
    assert (before.weighed.words == after.weighed.words).all()
    assert (before.weighed.scores.scores == after.weighed.scores.scores).all()
    assert (before.weighed.scores.peers == after.weighed.scores.peers).all()
    assert (before.circumstances.provider_shares == after.circumstances.provider_shares).all()
    assert (np.array(ORDER)[after.weighed.places.nearest] == before.weighed.places.nearest).all()
    assert len(set(before.lanes())) > 2


def test_a_record_says_whose_cards_were_taken_over_and_replays() -> None:
    own, taken = usual(), shuffled()
    assert decided(own).record(0).cards_version is None
    held = decided(taken)
    for row in range(0, 100, 9):
        record = held.record(row)
        assert record.cards_version == 3
        assert replay(record, taken) == record
    with pytest.raises(RefusedError):
        replay(held.record(0), own)


def test_what_belongs_to_another_stream_is_refused() -> None:
    other = routing(streamed(in_order(IDENTITIES), stream=OTHER_STREAM))
    with pytest.raises(RefusedError, match="about another model"):
        replace(usual(), model=other)


def test_claims_alone_get_the_records_of_a_batch_under_cards_that_were_taken_over() -> None:
    given = bench(shuffled())
    claims = strangers(300, 21)
    batch = given.decide(batch_of(claims), History(), Registers(), NOW)
    alone = [given.lone.decide(lone_of(one), History(), Registers(), NOW) for one in claims]
    assert [one.record for one in alone] == [one.record for one in batch.records()]


def reasons(model: Model, policy: RouterPolicy) -> list[Reason | None]:
    given = with_stream(routing(model), policy)
    return list(cluster_reasons(given.model, given.cards, policy))


def test_words_of_the_policy_follow_the_identity() -> None:
    policy = POLICY.model_copy(update={"clusters": {IDENTITIES[2]: "hold"}, "clusters_of": STREAM[:12]})
    assert reasons(streamed(in_order(IDENTITIES)), policy)[2] is Reason.HELD_CLUSTER
    after = reasons(streamed([in_order(IDENTITIES)[place] for place in ORDER]), policy)
    assert [place for place, one in enumerate(after) if one is Reason.HELD_CLUSTER] == [ORDER.index(2)]
    elsewhere = streamed(in_order(IDENTITIES), stream=OTHER_STREAM)
    given = routing(elsewhere)
    assert set(cluster_reasons(given, with_stream(given).cards, policy)) == {Reason.QUARANTINED_CLUSTER}


def test_a_held_cluster_stays_held_when_it_splits_and_when_it_merges_with_a_trusted_one() -> None:
    held, trusted = IDENTITIES[2], IDENTITIES[1]
    policy = POLICY.model_copy(update={"clusters": {held: "hold", trusted: "fast"}, "clusters_of": STREAM[:12]})
    halves = [*in_order(IDENTITIES[:2]), cluster(3, 60), cluster(4, 61)]
    split = [happened(51, "split", one, held) for one in (60, 61)]
    assert reasons(streamed(halves, split, window=51), policy) == [None, None, *[Reason.HELD_CLUSTER] * 2]
    merged = streamed(in_order(IDENTITIES[:2]), [happened(51, "merge", trusted, held)], window=51)
    assert reasons(merged, policy)[1] is Reason.HELD_CLUSTER


def test_a_strict_word_for_a_cluster_of_which_nothing_is_told_lets_nothing_pass() -> None:
    model = streamed(in_order(IDENTITIES))
    words = {"hold": True, "review": True, "human": True, "fast": False}
    for word, closes in words.items():
        policy = POLICY.model_copy(update={"clusters": {70: word}, "clusters_of": STREAM[:12]})
        assert (set(reasons(model, policy)) == {Reason.QUARANTINED_CLUSTER}) is closes
        dead = streamed(in_order(IDENTITIES), [happened(40, "death", 70)])
        assert set(reasons(dead, policy)) != {Reason.QUARANTINED_CLUSTER}
        never = POLICY.model_copy(update={"clusters": {100: word}, "clusters_of": STREAM[:12]})
        assert set(reasons(model, never)) == {Reason.QUARANTINED_CLUSTER}


def card(number: int, upper: float = 0.2, lower: float = 0.01) -> ClusterCard:
    return ClusterCard(
        cluster=number,
        source="local",
        reviewed=500,
        adverse=20,
        noise_std=0.0,
        lower=lower,
        upper=upper,
        certainty=0.9,
        recent=900,
    )


def counting(model: Model, *cards: ClusterCard, window: int = 50) -> list[tuple[int, float] | None]:
    given = with_stream(routing(model))
    held = given.cards.model_copy(update={"cards": cards, "window": window})
    every = counting_cards(given.model, held, RouterPolicy(high_risk_share=0.1, largest_risk_share=0.3))
    return [None if one is None else (one.cluster, one.upper) for one in every]


def test_a_merged_cluster_has_the_worse_of_both_cards() -> None:
    model = streamed(in_order((11, 12)), [happened(51, "merge", 11, 13)], window=51)
    risky, unsure = card(13, 0.25, lower=0.2), card(13, 0.6)
    assert counting(model, card(11), card(12), risky) == [(11, 0.25), (12, 0.2)]
    assert counting(model, card(11), card(12), unsure) == [(11, 0.6), (12, 0.2)]
    assert counting(model, card(11, 0.28), card(12), card(13, 0.1)) == [(11, 0.28), (12, 0.2)]
    assert counting(model, card(11), card(12)) == [None, (12, 0.2)]


def test_cards_made_after_a_merge_hold_both_already() -> None:
    model = streamed(in_order((11, 12)), [happened(49, "merge", 11, 13)])
    assert counting(model, card(11), card(12)) == [(11, 0.2), (12, 0.2)]


def test_a_split_cluster_has_its_parents_card_until_it_has_its_own_and_a_new_one_has_none() -> None:
    events = [happened(51, "split", 21, 11), happened(51, "split", 22, 11), happened(51, "birth", 23)]
    model = streamed(in_order((21, 22, 23)), events, window=51)
    assert counting(model, card(11, 0.17)) == [(21, 0.17), (22, 0.17), None]
    assert counting(model, card(11, 0.17), card(21, 0.1)) == [(21, 0.1), (22, 0.17), None]


def test_where_more_has_happened_than_the_model_tells_no_card_counts() -> None:
    events = [happened(60 + place, "confirmed", 11) for place in range(MOST_EVENTS)]
    model = streamed(in_order((11, 12)), events, window=400)
    assert counting(model, card(11), card(12), window=59) == [None, None]
    assert counting(model, card(11), card(12), window=60) == [(11, 0.2), (12, 0.2)]


def test_claims_are_held_against_peers_of_their_cluster_by_its_identity_and_of_its_elder_until_it_has_its_own() -> None:
    habits = usual().usual
    groups = {"all": habits.groups["all"], "cluster 12": habits.groups["cluster 12"]}
    few = Habits.from_json(habits.model_copy(update={"groups": groups}).to_json())
    unknown = CodeColumn(indices=np.zeros(3, np.int32), values=("ZZZZ",))
    nothing = CodeColumn(indices=np.full(3, MISSING, np.int32), values=())
    model = routing(streamed(in_order((60, 12, 13)), [happened(51, "split", 60, 12)], window=51))
    peers = few.kinds(unknown, nothing, np.arange(3), model.kin).peers
    assert [few.names[place] for place in peers] == ["cluster 12", "cluster 12", "all"]


def test_a_ring_of_mergers_ends() -> None:
    ring = [happened(51, "merge", 11, 12), happened(51, "merge", 12, 11), happened(51, "split", 11, 11)]
    assert counting(streamed(in_order((11, 12)), ring, window=51), card(11), card(12)) == [(11, 0.2), (12, 0.2)]


def test_lineage_tells_where_a_cluster_came_from() -> None:
    events = [
        happened(1, "seeded", 11),
        happened(30, "birth", 12),
        happened(35, "confirmed", 12),
        happened(40, "split", 21, 13),
        happened(44, "merge", 21, 14),
    ]
    model = routing(streamed([*in_order((11, 12, 21)), cluster(3, 15, born=7)], events))
    name = STREAM[:12]
    assert model.lineage == (
        (f"{name}#11", "seeded 1"),
        (f"{name}#12", "confirmed 35", "birth 30"),
        (f"{name}#21", "merge 44 14", "split 40 13"),
        (f"{name}#15", "born 7"),
    )


def test_lineage_is_told_in_the_language_of_the_explanation() -> None:
    events = [happened(40, "split", one, 99) for one in IDENTITIES]
    record = decided(with_stream(routing(streamed(in_order(IDENTITIES), events)))).record(0)
    chinese, english = (explain(record, POLICY, language).lineage for language in ("zh", "en"))
    name = record.lineage[0]
    assert chinese == (name, "第40个窗口由第99号类别分出")
    assert english == (name, "split from cluster 99 in window 40")


def test_places_without_a_stream_are_what_they_were() -> None:
    assert locate(rows(), routing(streamed(in_order(IDENTITIES)))).nearest.max() == K - 1
