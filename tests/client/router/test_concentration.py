"""Providers' shares: counted as claims are decided, the same alone and together, and never guessed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from client.router.concentration import RECENT_DAYS, Concentration
from client.router.deciding.artefacts import Artefacts
from client.router.deciding.cards import ClusterCards
from client.router.deciding.weighing import UNCOUNTED
from client.router.memories import Piece
from client.router.rules.event import EVENT_WIDTH, Field
from common.columns import MISSING, CodeColumn
from tests.client.router.deciding.worlds import NOW, POLICY, K, artefacts
from tests.client.router.streams import happened, in_order, routing, streamed, with_stream

TODAY = NOW // 86_400
LEAST = POLICY.min_provider_claims
NAMES = ("A", "B", "C", "D")


def without_cards(**changes: object) -> Artefacts:
    none = ClusterCards(model_sha256=artefacts().model.sha256, made_at=0)
    return replace(artefacts(), cards=none, policy=POLICY.model_copy(update=changes))


def given(share: int, recent: int = LEAST) -> Artefacts:
    """Cards that say a share of provider A in every cluster, of so many claims."""
    held = tuple(
        card.model_copy(update={"recent": recent, "providers": (("A", share),)}) for card in artefacts().cards.cards
    )
    return replace(artefacts(), cards=artefacts().cards.model_copy(update={"cards": held}))


def piece(clusters: list[int], places: list[int], day: int = TODAY, model: str = "") -> Piece:
    events = np.zeros((len(clusters), EVENT_WIDTH), np.int64)
    events[:, Field.REMEMBERED] = day
    return Piece(
        events=events,
        family=model or artefacts().model.sha256,
        clusters=np.array(clusters, np.int32),
        providers=CodeColumn(indices=np.array(places, np.int32), values=NAMES),
    )


def shares(found: Concentration, held: Piece) -> list[int]:
    return found.shares(held.clusters.astype(np.int64), held.providers).tolist()


@pytest.mark.parametrize("with_cards", [True, False])
def test_claims_get_the_same_shares_together_as_one_after_another(*, with_cards: bool) -> None:
    rng, chosen = np.random.default_rng(3), given(400) if with_cards else without_cards()
    clusters, places = rng.integers(0, K, 900).tolist(), rng.choice([MISSING, 0, 0, 0, 1, 2], 900).tolist()
    before = piece(clusters[:200], places[:200])
    together, alone = Concentration.of([before], chosen), Concentration.of([before], chosen)
    one_by_one = []
    for cluster, place in zip(clusters[200:], places[200:], strict=True):
        one_by_one.append(alone.share(cluster, None if place == MISSING else NAMES[place]))
        alone.remember(piece([cluster], [place]))
    held = piece(clusters[200:], places[200:])
    assert shares(together, held) == one_by_one
    assert (UNCOUNTED in one_by_one) is not with_cards
    together.remember(held)
    again = piece(clusters, places)
    assert shares(together, again) == shares(alone, again)


def test_a_share_is_of_the_claims_that_were_decided_before_worked_out_by_hand() -> None:
    found = Concentration(without_cards(min_provider_claims=2))
    held = piece([1, 1, 1, 2, 1, 1], [0, 1, 0, 0, MISSING, 0])
    assert shares(found, held) == [UNCOUNTED, UNCOUNTED, 500, UNCOUNTED, 0, 500]
    found.remember(held)
    assert [found.share(1, name) for name in ("A", "B", "C", None)] == [600, 200, 0, 0]


def test_below_the_policys_minimum_the_cards_say_the_share_if_they_know_enough() -> None:
    for chosen, expected in ((given(700), 700), (given(700, LEAST - 1), UNCOUNTED), (without_cards(), UNCOUNTED)):
        found = Concentration.of([piece([0] * (LEAST - 1), [1] * (LEAST - 1))], chosen)
        assert found.share(0, "A") == expected
        assert found.share(0, "B") == found.share(0, None) == min(expected, 0)
        found.remember(piece([0], [1]))
        assert (found.share(0, "A"), found.share(0, "B"), found.share(0, None)) == (0, 1000, 0)


def test_what_is_no_longer_recent_does_not_count() -> None:
    old, new = piece([0] * 40, [0] * 40, TODAY - RECENT_DAYS), piece([0] * 40, [1] * 40)
    found = Concentration.of([old, new], without_cards())
    found.forget(TODAY)
    assert found.share(0, "A") == 500
    found.forget(TODAY + 1)
    assert (found.share(0, "A"), found.share(0, "B")) == (0, 1000)
    assert ("A" in {provider for _, provider in found._pairs}, len(found._days)) == (False, 1)
    found.forget(TODAY + RECENT_DAYS + 1)
    assert (found.share(0, "B"), found._pairs) == (UNCOUNTED, {})


def test_claims_that_another_model_put_into_clusters_do_not_count() -> None:
    found = Concentration.of([piece([0] * 90, [0] * 90, model="f" * 64)], without_cards())
    assert found.share(0, "A") == UNCOUNTED
    other = replace(artefacts().model, sha256="f" * 64)
    strangers = replace(
        without_cards(),
        model=other,
        habits=None,
        calibration=None,
        cards=ClusterCards(model_sha256="f" * 64, made_at=0),
    )
    with pytest.raises(ValueError, match="counted anew"):
        found.guard(strangers)


def test_other_cards_and_another_policy_count_from_then_on() -> None:
    found = Concentration.of([piece([0] * 4, [1] * 4)], without_cards())
    found.guard(given(300))
    assert found.share(0, "A") == 300
    found.guard(without_cards(min_provider_claims=4))
    assert found.share(0, "B") == 1000


def kindred(least: int) -> Artefacts:
    """Of a stream in which cluster 50 took in 13, and 61 and 62 were split from 12, which had taken in 14."""
    events = [happened(40, "merge", 12, 14), happened(51, "merge", 50, 13)]
    events += [happened(51, "split", half, 12) for half in (61, 62)]
    model = routing(streamed(in_order((61, 50, 62)), events, window=51))
    given = with_stream(model, POLICY.model_copy(update={"min_provider_claims": least}))
    return replace(given, cards=given.cards.model_copy(update={"cards": ()}))


def numbered(numbers: list[int], places: list[int], chosen: Artefacts) -> Piece:
    return piece(numbers, places, model=chosen.model.family)


def test_in_a_stream_claims_get_the_same_shares_together_as_one_after_another() -> None:
    rng, chosen = np.random.default_rng(4), kindred(40)
    numbers = rng.choice([12, 14, 13, 50, 99], 300).tolist()
    before = numbered(numbers, rng.choice([MISSING, 0, 0, 1], 300).tolist(), chosen)
    together, alone = Concentration.of([before], chosen), Concentration.of([before], chosen)
    clusters, places = rng.integers(0, 3, 300), rng.choice([MISSING, 0, 1, 1, 2], 300)
    one_by_one = []
    for cluster, place in zip(clusters.tolist(), places.tolist(), strict=True):
        one_by_one.append(alone.share(cluster, None if place == MISSING else NAMES[place]))
        alone.remember(numbered([int(chosen.model.numbers[cluster])], [place], chosen))
    providers = CodeColumn(indices=places.astype(np.int32), values=NAMES)
    assert together.shares(clusters, providers).tolist() == one_by_one


def test_counts_follow_mergers_and_splits_worked_out_by_hand() -> None:
    chosen = kindred(4)
    found = Concentration.of([numbered([50, 13, 13, 13, 12, 12, 14, 99], [0, 1, 1, 1, 0, 0, 2, 3], chosen)], chosen)
    assert [found.share(1, name) for name in ("A", "B")] == [250, 750]
    assert found.share(0, "A") == UNCOUNTED
    found.remember(numbered([61], [3], chosen))
    assert [found.share(0, name) for name in ("A", "C", "D")] == [500, 250, 250]
    assert found.share(2, "A") == UNCOUNTED
    found.remember(numbered([61, 61, 61], [3, 3, 3], chosen))
    assert [found.share(0, name) for name in ("A", "D")] == [0, 1000]
