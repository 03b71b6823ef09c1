"""What a protected run guarantees, to whom, how far its budget reaches, and how it was spent."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from common.accounting.feasibility import Feasibility
from common.accounting.guarantee import Guarantee, Language, rounded_up
from common.floor import DEVIATIONS
from common.privacy import Privacy
from common.private.feasible import feasibility
from common.weighting import Weighting
from simulations.report.formats import decimal, deviation, integer
from simulations.report.phi_scale import Zone, phi_scale, zones
from simulations.report.spending import Spending, spending_of
from simulations.report.texts import Catalogue, Text
from simulations.story import Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """The feasibility index of a run.

    Attributes:
        verdict: On it, in a sentence.
        scale: A picture of it.
        zones: Of the scale, and whether the index lies there.
    """

    verdict: Text
    scale: Markup
    zones: tuple[Zone, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacySection:
    """What the page says of a protected run.

    Attributes:
        sentence: The guarantee.
        epsilon: Granted.
        epsilon_spent: By all rounds together.
        delta: Of the guarantee.
        unit: ``person`` or ``claim``.
        noise_multiplier: As if the run had been one release.
        weighting: How the claims of one person are held to a bound.
        weights: What a weight of 1 is: ``person`` or ``claim``.
        claims_per_person: The cap, where there is one.
        bureaus_per_person: How many bounds of one person add up.
        spending: How the budget was spent.
        index: Whether it was worth spending.
        shown_from: Noisy count from which a cluster's count is published.
        count_noise_std: Of the noise in a published count.
    """

    sentence: Text
    epsilon: str
    epsilon_spent: str
    delta: str
    unit: str
    noise_multiplier: str
    weighting: Weighting
    weights: str
    claims_per_person: int
    bureaus_per_person: int
    spending: Spending
    index: Index
    shown_from: str
    count_noise_std: str


def privacy_section(story: Story, texts: Catalogue) -> PrivacySection | None:
    """The section's figures; None without protection."""
    plan, spent = story.model.plan, story.model.spent
    if plan.privacy is None or spent is None:
        return None
    guarantee, noise_std = plan.privacy.guarantee, story.model.quality.count_noise_std
    return PrivacySection(
        sentence=_sentence(guarantee),
        epsilon=rounded_up(guarantee.epsilon),
        epsilon_spent=rounded_up(spent.epsilon),
        delta=rounded_up(guarantee.delta),
        unit=str(guarantee.unit),
        noise_multiplier=decimal(spent.noise_multiplier, 1),
        weighting=plan.privacy.weighting,
        weights=weight_word(plan.privacy),
        claims_per_person=plan.privacy.claims_per_person,
        bureaus_per_person=plan.privacy.bureaus_per_person,
        spending=spending_of(story.rounds, plan, spent.rho_billionths, texts),
        index=_index(feasibility(plan, len(story.model.provenance.cohort)), texts),
        shown_from=integer(math.ceil(plan.smallest_cluster + DEVIATIONS * noise_std)),
        count_noise_std=deviation(noise_std),
    )


def weight_word(privacy: Privacy) -> str:
    """What a weight of 1 in a noisy count is: ``person`` where the claims of one share it, else ``claim``."""
    return "person" if privacy.weighting is Weighting.SHARED else "claim"


def _sentence(guarantee: Guarantee) -> Text:
    return Text(en=guarantee.sentence(Language.ENGLISH), zh=guarantee.sentence(Language.CHINESE))


def _index(found: Feasibility, texts: Catalogue) -> Index:
    verdict = Text(en=found.sentence(Language.ENGLISH), zh=found.sentence(Language.CHINESE))
    return Index(verdict=verdict, scale=phi_scale(found.phi, texts), zones=zones(found.phi))
