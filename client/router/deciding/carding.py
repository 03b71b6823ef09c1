"""Making cluster cards from counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from client.router.deciding.cards import PER_MILLE, ClusterCard, ClusterCards, cards_of
from client.router.deciding.model import RoutingModel
from client.router.deciding.policy import RouterPolicy
from client.router.deciding.risk import share_bounds
from common.columns import MISSING, CodeColumn

MOST_PROVIDERS = 3
"""Named on a card."""

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def local_cards(
    model: RoutingModel,
    policy: RouterPolicy,
    *,
    reviewed: Integers,
    adverse: Flags,
    recent: Integers,
    providers: CodeColumn | None,
    made_at: int,
) -> ClusterCards:
    """Cards from the bureau's own claims; they stay there.

    Args:
        model: Whose clusters.
        policy: For the certainty of the bounds.
        reviewed: Clusters of the reviewed claims that a lot or their score has chosen.
        adverse: Which of these were improper.
        recent: Clusters of the recent claims.
        providers: Of the recent claims, as normalised codes; None if they name none.
        made_at: Unix seconds.
    """
    n = len(model)
    counts = np.bincount(reviewed, minlength=n), np.bincount(reviewed[adverse], minlength=n)
    cards = cards_from_counts(model, policy, reviewed=counts[0], adverse=counts[1], noise_std=0.0)
    seen = np.bincount(recent, minlength=n)
    named = leading_providers(recent, providers, n)
    filled = (
        card.model_copy(update={"recent": int(seen[place]), "providers": named[place]})
        for place, card in enumerate(cards)
    )
    return cards_of(model, filled, made_at=made_at)


def cards_from_counts(
    model: RoutingModel, policy: RouterPolicy, *, reviewed: Integers, adverse: Integers, noise_std: float
) -> tuple[ClusterCard, ...]:
    """One card a cluster, in the model's order, from counts of reviewed and of improper claims, with the noise in each.

    Args:
        model: Whose clusters.
        policy: For the certainty of the bounds.
        reviewed: ``(K,)``.
        adverse: ``(K,)``.
        noise_std: Standard deviation of the noise in each count; positive if all bureaus' claims were counted.
    """
    cards = []
    for place, cluster in enumerate(model.clusters):
        n, bad = int(reviewed[place]), int(adverse[place])
        lower, upper = share_bounds(bad, n, noise_std=noise_std, certainty=policy.certainty)
        cards.append(
            ClusterCard(
                cluster=model.kin[place].identity,
                source="federated" if noise_std > 0 else "local",
                reviewed=n,
                adverse=bad,
                noise_std=float(noise_std),
                lower=lower,
                upper=upper,
                certainty=policy.certainty,
                recent=0,
                cost_cv=cluster.cost_cv,
            )
        )
    return tuple(cards)


def leading_providers(
    recent: Integers, providers: CodeColumn | None, n_clusters: int
) -> Sequence[tuple[tuple[str, int], ...]]:
    """Per cluster the providers with most of its recent claims and the share of each, per mille, rounded down."""
    if providers is None:
        return [()] * n_clusters
    return [_leading(providers, recent == cluster) for cluster in range(n_clusters)]


def _leading(providers: CodeColumn, members: Flags) -> tuple[tuple[str, int], ...]:
    held = providers.indices[members]
    counts = np.bincount(held[held != MISSING], minlength=len(providers.values))
    first = np.argsort(-counts, kind="stable")[:MOST_PROVIDERS]
    return tuple(
        (providers.values[place], int(counts[place]) * PER_MILLE // len(held)) for place in first if counts[place]
    )
