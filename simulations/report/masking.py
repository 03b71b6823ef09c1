"""What masks hide in a run of secure sums, and from whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from common.masking.threshold import threshold
from common.plan import Phase, Protection
from common.private.question import counted_on
from server.session import RoundReport
from simulations.consortium import COLLUDING
from simulations.report.formats import decimal
from simulations.report.masking_picture import masking_picture
from simulations.report.texts import Catalogue
from simulations.story import Story


@dataclass(frozen=True, slots=True, kw_only=True)
class Masking:
    """What the page says of masks.

    Attributes:
        n_bureaus: In the last sum.
        counted_on: Bureaus whose noise makes up the whole.
        times: How much variance the sum of all bureaus holds, as a multiple of what is counted on.
        threshold: Bureaus that every opened sum holds at least.
        colluding: Bureaus that may side with the coordinator without learning more than a sum.
        n_opened: Rounds whose sum was opened.
        n_lost: Rounds that were paid for and not opened.
        picture: Of masks that cancel.
    """

    n_bureaus: int
    counted_on: int
    times: str
    threshold: int
    colluding: int
    n_opened: int
    n_lost: int
    picture: Markup


def masking_of(story: Story, texts: Catalogue) -> Masking | None:
    """The figures; None unless sums were masked."""
    plan, provenance = story.model.plan, story.model.provenance
    if plan.privacy is None or plan.protection is not Protection.SECURE:
        return None
    n_bureaus, n_lost = len(provenance.cohort), lost_rounds(story.rounds)
    n_members = n_bureaus + len(provenance.lost)
    return Masking(
        n_bureaus=n_bureaus,
        counted_on=counted_on(plan),
        times=decimal(n_bureaus / counted_on(plan), 1),
        threshold=max(threshold(n_members, plan.privacy.honest_floor, COLLUDING), plan.min_cohort),
        colluding=COLLUDING,
        n_opened=len(story.rounds) - n_lost,
        n_lost=n_lost,
        picture=masking_picture(texts),
    )


def is_silent(report: RoundReport) -> bool:
    """Whether a round tells no inertia though it asked for it: masked, it was paid for and could not be opened."""
    return report.inertia is None and report.phase not in {Phase.RADIUS, Phase.OUTCOMES}


def lost_rounds(rounds: Sequence[RoundReport]) -> int:
    """Rounds that were paid for and could not be opened: a lost radius round is asked again, others tell no inertia."""
    return sum(map(is_silent, rounds)) + max(0, sum(report.phase is Phase.RADIUS for report in rounds) - 1)
