"""Cluster cards as the page shows them: figures in words, small counts left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from simulations.report.bars import bar, fee_bar
from simulations.report.cost_strip import LIMIT
from simulations.report.floor import GuardedShare, guarded_share, is_small, shown_counts
from simulations.report.formats import NOTHING, decimal, deviation, integer, percent, yuan
from simulations.report.naming import cluster_name, code_name, family_of, tag
from simulations.report.palette import STACK, category_name, share_of
from simulations.report.texts import Catalogue, Text
from simulations.story import FLOOR, ClusterCard, CodeShare, Story

LEADING_FEES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLine:
    """One code on a card."""

    code: str
    name: Text
    share: str
    bar: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What the page says of one cluster; of a small one no more than that it is small.

    Attributes:
        small: Whether it has fewer claims than the floor.
        released: The noisy count that the model publishes, with its deviation; empty where it hides it, None where
            counts are exact.
        keys: Values to sort cards by, as text, by name.
    """

    cluster: int
    tag: str
    name: Text
    family: str
    small: bool
    count: str
    released: str | None
    share: str
    cost: str
    cv: str
    flagged: bool
    stay: str
    age: str
    operated: str
    diagnoses: tuple[CodeLine, ...]
    operations: tuple[CodeLine, ...]
    fees: Markup
    leading_fees: tuple[tuple[str, Text, str], ...]
    truth: CodeLine | None
    keys: dict[str, str]


def cluster_cards(story: Story, texts: Catalogue) -> list[Card]:
    """All cards, in the model's order."""
    n_claims = sum(card.count for card in story.cards)
    counts = shown_counts([card.count for card in story.cards])
    noise_std = story.model.quality.count_noise_std
    return [
        _card(card, count, _released(card, noise_std), n_claims, texts)
        for card, count in zip(story.cards, counts, strict=True)
    ]


def _released(card: ClusterCard, noise_std: float) -> str | None:
    """The published count, if noise makes it another than the count inside."""
    if noise_std <= 0:
        return None
    return "" if card.released_count is None else f"{integer(card.released_count)} ± {deviation(noise_std)}"


def _card(card: ClusterCard, count: str, released: str | None, n_claims: int, texts: Catalogue) -> Card:
    small = is_small(card.count)
    return Card(
        cluster=card.cluster,
        tag=tag(card.cluster),
        name=cluster_name(card, texts),
        family=family_of(card),
        small=small,
        count=count,
        released=released,
        share=percent(card.count / max(n_claims, 1), 1) if count == integer(card.count) else NOTHING,
        cost=yuan(card.mean_cost or None),
        cv=decimal(card.cost_cv, 2),
        flagged=card.cost_cv is not None and card.cost_cv >= LIMIT,
        stay=decimal(card.mean_stay_days, 1),
        age=decimal(card.mean_age_years, 1),
        operated=_shown(guarded_share(round(card.operated_share * card.count), card.count)),
        diagnoses=() if small else _lines(card.diagnoses, card.count, card.count),
        operations=() if small else _lines(card.operations, round(card.operated_share * card.count), card.count),
        fees=Markup("") if small else fee_bar(card.fee_shares, tag(card.cluster), texts),
        leading_fees=() if small else _leading_fees(card.fee_shares),
        truth=None if small or card.truth is None else next(iter(_lines((card.truth,), card.count, card.count)), None),
        keys={} if small else _keys(card),
    )


def _lines(codes: Sequence[CodeShare], whole: int, of: int) -> tuple[CodeLine, ...]:
    """Codes of ``whole`` claims with their share of ``of``; the last is a bound where the rest would be small."""
    shown = [code for code in codes if code.count >= FLOOR]
    rest = whole - sum(code.count for code in shown)
    lines = []
    for place, code in enumerate(shown):
        share = guarded_share(code.count, of)
        if place == len(shown) - 1 and is_small(rest):
            share = GuardedShare(bound="≥", value=max(code.count + rest - FLOOR + 1, FLOOR) / of)
        lines.append(CodeLine(code=code.code, name=code_name(code), share=_shown(share), bar=bar(share.value)))
    return tuple(lines)


def _shown(share: GuardedShare) -> str:
    """A share in percent; bounds are rounded away from it, so that they stay true."""
    if not share.bound:
        return percent(share.value)
    digits = 0 if share.value >= 0.1 else 1  # noqa: PLR2004  small bounds need a decimal
    away = math.ceil if share.bound == "≤" else math.floor
    return f"{share.bound} {away(share.value * 100 * 10**digits) / 10**digits:.{digits}f}%"


def _leading_fees(fee_shares: Sequence[float]) -> tuple[tuple[str, Text, str], ...]:
    """The largest categories in words."""
    order = sorted(STACK, key=lambda code: -share_of(code, fee_shares))[:LEADING_FEES]
    shares = ((code, share_of(code, fee_shares)) for code in order)
    return tuple((code, category_name(code), percent(share)) for code, share in shares if share > 0)


def _keys(card: ClusterCard) -> dict[str, str]:
    truth = guarded_share(card.truth.count, card.count).value if card.truth else 0.0
    return {
        "cost": f"{card.mean_cost:.0f}",
        "cv": f"{card.cost_cv or 0.0:.4f}",
        "truth": f"{truth:.4f}",
    }
