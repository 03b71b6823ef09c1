"""What left each bureau: kinds of messages and their fields, from the protocol itself; rounds, bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from common.masked_messages import Confirm, Masked, MaskedJoin, Ready, Reveal
from common.messages import Envelope, Join, Received, Refusal, RoundReply
from common.plan import Phase, Plan, Protection
from common.schedule import n_words
from common.summary import COST_FIELDS
from server.session import RoundReport
from simulations.report.answers import block_names
from simulations.report.bars import bar
from simulations.report.floor import is_small, shown_counts
from simulations.report.formats import integer, size
from simulations.report.masked_traffic import ROUND
from simulations.report.masking import is_silent
from simulations.report.naming import bureau_name, phase_key
from simulations.report.texts import Text
from simulations.story import Story

SENT_BY_BUREAUS: tuple[type[Envelope], ...] = (Join, RoundReply, Received, Refusal)
"""Every kind of message that a bureau can send where sums are not masked."""

SENT_UNDER_MASKS: tuple[type[Envelope], ...] = (MaskedJoin, Ready, Masked, Confirm, Reveal, Received, Refusal)
"""The same where they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of message and what stands in it."""

    name: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a summary and how many integers it has."""

    name: str
    n_words: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRow:
    """A round in the table.

    Attributes:
        key: Of its phase's texts.
        contents: Names of what each answer was made of.
        cost: Of the answers, units of 1e-9 rho.
        lost: Whether it was paid for and not opened, if sums are masked.
    """

    key: str
    number: int
    n_centroids: int
    contents: tuple[str, ...]
    n_words: str
    bytes_down: str
    bytes_up: str
    cost: str
    lost: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseRows:
    """The rounds of one phase, and each bureau's bytes for them together."""

    phase: Phase
    key: str
    rows: tuple[RoundRow, ...]
    fewest: int
    most: int
    bytes_down: str
    bytes_up: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BureauRow:
    """A bureau in the table."""

    name: Text
    n_claims: str
    bytes_up: str
    bar: Markup
    lost: bool


def summary_field(protection: Protection) -> str:
    """The only field that is made from claims."""
    return "words" if protection is Protection.SECURE else "summary"


def replies(protection: Protection) -> tuple[str, ...]:
    """Kinds of messages that a bureau sends in every round."""
    kinds_of_round: tuple[type[Envelope], ...] = ROUND if protection is Protection.SECURE else (RoundReply,)
    return tuple(str(message.model_fields["kind"].default) for message in kinds_of_round)


def kinds(protection: Protection) -> tuple[Kind, ...]:
    """What a bureau can send, field by field."""
    return tuple(
        Kind(name=message.model_fields["kind"].default, fields=tuple(sorted(message.model_fields)))
        for message in (SENT_UNDER_MASKS if protection is Protection.SECURE else SENT_BY_BUREAUS)
    )


def summary_parts(plan: Plan, n_clusters: int, *, with_costs: bool) -> tuple[Part, ...]:
    """The integers of a summary, part by part."""
    parts = (
        Part(name="counts", n_words=n_clusters),
        Part(name="sums", n_words=n_clusters * plan.features.n_features),
        Part(name="squares", n_words=n_clusters),
        Part(name="costs", n_words=n_clusters * len(COST_FIELDS)),
    )
    return parts if with_costs else parts[:-1]


def phases(story: Story) -> tuple[PhaseRows, ...]:
    """The rounds, by what they were for."""
    found = [(phase, [report for report in story.rounds if report.phase == phase]) for phase in Phase]
    return tuple(_phase(story.model.plan, phase, rounds) for phase, rounds in found if rounds)


def round_rows(story: Story) -> tuple[RoundRow, ...]:
    """The rounds one by one."""
    return tuple(_round(story.model.plan, report) for report in story.rounds)


def bureau_rows(story: Story) -> tuple[BureauRow, ...]:
    """The bureaus with their bytes."""
    most = max((bureau.bytes_up for bureau in story.bureaus), default=0)
    return tuple(
        BureauRow(
            name=bureau_name(bureau),
            n_claims=integer(bureau.n_claims),
            bytes_up=size(bureau.bytes_up),
            bar=bar(bureau.bytes_up / max(most, 1)),
            lost=bureau.lost,
        )
        for bureau in story.bureaus
    )


def rejected_rows(story: Story) -> tuple[tuple[str, str], ...]:
    """Reasons and how many rows each, most frequent first."""
    reasons = sorted(story.rejected, key=lambda reason: (-story.rejected[reason], reason))
    return tuple(zip(reasons, shown_counts([story.rejected[reason] for reason in reasons]), strict=True))


def small_cells(story: Story) -> int:
    """How many pairs of cluster and bureau hold some claims but fewer than the floor."""
    return sum(is_small(count) for card in story.cards for count in card.bureau_counts)


def _phase(plan: Plan, phase: Phase, rounds: Sequence[RoundReport]) -> PhaseRows:
    return PhaseRows(
        phase=phase,
        key=phase_key(phase, plan),
        rows=tuple(_round(plan, report) for report in rounds),
        fewest=min(report.n_centroids for report in rounds),
        most=max(report.n_centroids for report in rounds),
        bytes_down=size(sum(report.bytes_down for report in rounds)),
        bytes_up=size(sum(report.bytes_up for report in rounds)),
    )


def _round(plan: Plan, report: RoundReport) -> RoundRow:
    return RoundRow(
        key=phase_key(report.phase, plan),
        number=report.number,
        n_centroids=report.n_centroids,
        contents=block_names(plan, report.phase),
        n_words=integer(n_words(plan, report.phase, report.n_centroids)),
        bytes_down=integer(report.bytes_down),
        bytes_up=integer(report.bytes_up),
        cost=integer(report.cost),
        lost=is_silent(report),
    )
