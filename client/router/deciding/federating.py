"""Cluster cards from what all bureaus' past claims became, as a model publishes it, beside the bureau's own."""

from __future__ import annotations

from math import sqrt

from client.router.deciding.cards import ClusterCard, ClusterCards
from client.router.deciding.policy import RouterPolicy
from client.router.deciding.risk import share_bounds
from common.model import Cluster, ClusterOutcomes, Model
from common.outcomes import DECIDED


def federated_cards(model: Model, policy: RouterPolicy) -> tuple[ClusterCard, ...]:
    """A card for each cluster of which enough past claims were decided to be shown; none if nobody counted.

    Guarantees:
        * The bounds hold with the noise of all counts in them, and where adverse outcomes are few enough to be
          hidden, the upper one is that of the most there can be.

    Args:
        model: As published.
        policy: For the certainty of the bounds.
    """
    if model.outcomes is None:
        return ()
    noise_std = model.outcomes.noise_std * sqrt(len(DECIDED))
    found = (
        _card(number, cluster, counted, noise_std, policy)
        for number, cluster, counted in zip(_numbers(model), model.clusters, model.outcomes.clusters, strict=True)
    )
    return tuple(card for card in found if card is not None)


def with_federated(local: ClusterCards, federated: tuple[ClusterCard, ...], policy: RouterPolicy) -> ClusterCards:
    """For each cluster the card that counts; what the bureau knows of its own recent claims stays.

    Guarantees:
        * No other bureau takes back what this one has found: where its own card says high risk, or a larger share than
          all bureaus' card allows, its own counts. Otherwise the closer bounds do.
        * Of two counts of all bureaus the newer one counts.

    Args:
        local: Of the bureau's own reviewed claims, or an earlier count of all bureaus'; may lack clusters.
        federated: Of all bureaus' past claims; may lack clusters.
        policy: For what high risk is.
    """
    own = {card.cluster: card for card in local.cards}
    found = {**own, **{card.cluster: _counting(own.get(card.cluster), card, policy) for card in federated}}
    return local.model_copy(update={"cards": tuple(found[cluster] for cluster in sorted(found))})


def _card(
    number: int, cluster: Cluster, counted: ClusterOutcomes, noise_std: float, policy: RouterPolicy
) -> ClusterCard | None:
    if counted.decided is None or counted.adverse_low is None or counted.adverse_high is None:
        return None
    lower, _ = share_bounds(counted.adverse_low, counted.decided, noise_std=noise_std, certainty=policy.certainty)
    _, upper = share_bounds(counted.adverse_high, counted.decided, noise_std=noise_std, certainty=policy.certainty)
    return ClusterCard(
        cluster=number,
        source="federated",
        reviewed=counted.decided,
        adverse=counted.adverse_high,
        noise_std=noise_std,
        lower=lower,
        upper=upper,
        certainty=policy.certainty,
        recent=0,
        cost_cv=cluster.cost_cv,
    )


def _numbers(model: Model) -> tuple[int, ...]:
    return tuple(range(len(model.clusters))) if model.stream is None else model.stream.identities


def _counting(own: ClusterCard | None, federated: ClusterCard, policy: RouterPolicy) -> ClusterCard:
    if own is None:
        return federated
    if own.source == "federated":
        return federated.model_copy(update={"recent": own.recent, "providers": own.providers})
    worse_here = own.lower > federated.upper or own.lower > policy.high_risk_share
    worse_there = federated.lower > own.upper
    if worse_here or (not worse_there and own.upper - own.lower <= federated.upper - federated.lower):
        return own
    return federated.model_copy(update={"recent": own.recent, "providers": own.providers})
