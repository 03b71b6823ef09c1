"""What stands in the answers of a protected run: blocks of words, the noise on each word, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from common.grid import GRID_UNITS
from common.plan import Phase, Plan
from common.privacy import Privacy
from common.private.question import Block, blocks, counted_on
from server.session import RoundReport
from simulations.report.formats import decimal, integer, percent
from simulations.report.naming import phase_key
from simulations.story import Story


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRow:
    """A block of the answers of one phase; figures differ from round to round, so they may be ranges.

    Attributes:
        name: Of its texts.
        n_words: In one answer.
        own_std: Of the noise that one bureau adds to a word, in natural units.
        sum_std: Of the noise in the sum of all bureaus, likewise.
        share: Of all that the run spent.
    """

    name: str
    n_words: str
    own_std: str
    sum_std: str
    share: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseBlocks:
    """The blocks of one phase.

    Attributes:
        phase: For its colour.
        key: Of its texts.
        rows: One a block, in the order of the words.
    """

    phase: Phase
    key: str
    rows: tuple[BlockRow, ...]


def phase_blocks(story: Story) -> tuple[PhaseBlocks, ...]:
    """What the answers were made of, phase by phase; nothing without protection."""
    plan, privacy = story.model.plan, story.model.plan.privacy
    if privacy is None:
        return ()
    found = [(phase, [report for report in story.rounds if report.phase is phase]) for phase in Phase]
    return tuple(
        PhaseBlocks(phase=phase, key=phase_key(phase, plan), rows=_rows(story, privacy, rounds))
        for phase, rounds in found
        if rounds
    )


def block_names(plan: Plan, phase: Phase) -> tuple[str, ...]:
    """Of what an answer of this phase is made, with or without protection."""
    if plan.privacy is None:
        return ("counts", "sums", "squares", "costs") if phase is Phase.MEASURE else ("counts", "sums", "squares")
    return tuple(block.name for block in blocks(plan.privacy, phase, 1, plan.features.n_features, GRID_UNITS))


def _rows(story: Story, privacy: Privacy, rounds: Sequence[RoundReport]) -> tuple[BlockRow, ...]:
    plan, spent = story.model.plan, max(sum(report.cost for report in story.rounds), 1)
    answers = [
        blocks(privacy, report.phase, report.n_centroids, plan.features.n_features, report.cost) for report in rounds
    ]
    n_bureaus = len(story.model.provenance.cohort)
    return tuple(_row(same_block, plan, n_bureaus, spent) for same_block in zip(*answers, strict=True))


def _row(same_block: Sequence[Block], plan: Plan, n_bureaus: int, spent: int) -> BlockRow:
    own = [sqrt(block.variance / counted_on(plan)) / GRID_UNITS for block in same_block]
    return BlockRow(
        name=same_block[0].name,
        n_words=_range([float(block.n_words) for block in same_block], 0),
        own_std=_range(own, 1),
        sum_std=_range([std * sqrt(n_bureaus) for std in own], 1),
        share=percent(sum(block.cost for block in same_block) / spent, 1),
    )


def _range(values: Iterable[float], digits: int) -> str:
    known = list(values)
    shown = [integer(value) if digits == 0 else decimal(value, digits) for value in (min(known), max(known))]
    return shown[0] if shown[0] == shown[1] else f"{shown[0]}–{shown[1]}"
