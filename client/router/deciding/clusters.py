"""What counts for each cluster of a model: the policy's word, or the card, its own or that of what it came from.

A merged cluster gets the worse of the cards, and the stricter of the words; a split one has those of the cluster it was
split from until it has its own; a new one has none, and its claims go to a person.
"""

from __future__ import annotations

from collections.abc import Mapping

from client.router.deciding.cards import ClusterCard, ClusterCards
from client.router.deciding.kinship import Kin
from client.router.deciding.lanes import Reason
from client.router.deciding.model import RoutingModel
from client.router.deciding.policy import ClusterWord, RouterPolicy
from client.router.deciding.streamed import Streamed

_BY_WORD: dict[str, Reason | None] = {
    "fast": None,
    "review": Reason.REVIEWED_CLUSTER,
    "human": Reason.QUARANTINED_CLUSTER,
    "hold": Reason.HELD_CLUSTER,
}

_STRICTEST: tuple[ClusterWord, ...] = ("hold", "review", "human", "by_cards", "fast")
"""The first of several words counts where clusters have merged."""

_STRICT = frozenset(_STRICTEST[:3])
_WORST = (Reason.HIGH_RISK_CLUSTER, Reason.UNSUPPORTED_CLUSTER, None)


def counting_cards(model: RoutingModel, cards: ClusterCards, policy: RouterPolicy) -> tuple[ClusterCard | None, ...]:
    """Per cluster the card that counts for it, under its number; None without one.

    Guarantees:
        * Where more has happened in a stream since the cards were made than the model tells, none counts.
        * A cluster that merged with one that has no card has none, unless both were one when the cards were made.
    """
    streamed, made = model.streamed, cards.window or 0
    if streamed is not None and made + 1 < streamed.told_since:
        return (None,) * len(model)
    held = {card.cluster: card for card in cards.cards}
    found = (_card(kin, held, made, policy) for kin in model.kin)
    return tuple(
        None if card is None else card.model_copy(update={"cluster": kin.identity})
        for card, kin in zip(found, model.kin, strict=True)
    )


def cluster_reasons(model: RoutingModel, cards: ClusterCards, policy: RouterPolicy) -> tuple[Reason | None, ...]:
    """Per cluster why its claims do not pass by themselves, or None; the policy's word goes before its card.

    Guarantees:
        * Words of the policy count for the one model, or the one stream, that it names. Under another one, and where a
          number is none of its clusters, no cluster passes by itself.
        * A word that is stricter than the cards is never lost: where nothing tells what became of a stream's cluster
          that has one, no cluster passes by itself.
    """
    if policy.clusters and not _about(model, policy):
        return (Reason.QUARANTINED_CLUSTER,) * len(model)
    counting = counting_cards(model, cards, policy)

    def reason(kin: Kin, card: ClusterCard | None) -> Reason | None:
        word = _word(kin, policy.clusters)
        return _objection(card, policy) if word == "by_cards" else _BY_WORD[word]

    return tuple(reason(kin, card) for kin, card in zip(model.kin, counting, strict=True))


def provider_shares(counting: tuple[ClusterCard | None, ...], policy: RouterPolicy) -> dict[tuple[int, str], int]:
    """Place and provider to the provider's share of the cluster's recent claims, per mille, if there are enough.

    Args:
        counting: The card of each cluster.
        policy: Says how many are enough.
    """
    return {
        (place, provider): share
        for place, card in enumerate(counting)
        if card is not None and card.recent >= policy.min_provider_claims
        for provider, share in card.providers
    }


def _about(model: RoutingModel, policy: RouterPolicy) -> bool:
    """Whether the numbers in the policy are of this model's clusters."""
    if model.streamed is None:
        return model.sha256.startswith(policy.clusters_of) and max(policy.clusters) < len(model)
    strict = {number for number, word in policy.clusters.items() if word in _STRICT}
    return (
        model.streamed.name.startswith(policy.clusters_of)
        and max(policy.clusters) < model.streamed.next_identity
        and not strict - _told(model, model.streamed)
    )


def _told(model: RoutingModel, streamed: Streamed) -> frozenset[int]:
    """Clusters of which the model tells what became of them."""
    return streamed.ended.union(kin.identity for kin in model.kin)


def _word(kin: Kin, words: Mapping[int, ClusterWord]) -> ClusterWord:
    inherited: ClusterWord = "by_cards" if kin.elder is None else _word(kin.elder, words)
    said = [words.get(kin.identity, inherited), *(_word(one, words) for _, one in kin.absorbed)]
    return min(said, key=_STRICTEST.index)


def _card(kin: Kin, held: Mapping[int, ClusterCard], made: int, policy: RouterPolicy) -> ClusterCard | None:
    own = held.get(kin.identity)
    if own is None and kin.elder is not None:
        own = _card(kin.elder, held, made, policy)
    since = (_card(one, held, made, policy) for window, one in kin.absorbed if window > made)
    return min((own, *since), key=lambda card: _badness(card, policy))


def _badness(card: ClusterCard | None, policy: RouterPolicy) -> tuple[int, float, float]:
    """Smaller is worse."""
    place = _WORST.index(_objection(card, policy))
    return (place, -1.0, -1.0) if card is None else (place, -card.lower, -card.upper)


def _objection(card: ClusterCard | None, policy: RouterPolicy) -> Reason | None:
    return Reason.UNSUPPORTED_CLUSTER if card is None else card.objection(policy)
