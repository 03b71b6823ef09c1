"""A private round, and the end of a run: what the schedule goes on from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from common.plan import Phase
from common.private.measured import CountedOutcomes, Measured
from common.private.question import Question
from common.private.update import Cells
from common.stream.guide import Guide
from common.stream.state import StreamState

Words = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateRound:
    """One round: cells, what to ask about them, and its part of the budget.

    Attributes:
        number: From 1.
        phase: What it asks for.
        cells: Asked about.
        cost: Of this round, units of 1e-9 rho.
        spent: By the rounds before.
        level: Of the seeding; in polishing, the round.
        pass_: Within the level.
        polish_left: Budget of all polishing rounds that are still to come, this one included.
        guide: How claims find their cells, in a window.
        measured: Of these clusters, where only their past outcomes are still to be counted.
    """

    number: int
    phase: Phase
    cells: Cells
    cost: int
    spent: int
    level: int = 0
    pass_: int = 0
    polish_left: int = 0
    guide: Guide | None = None
    measured: Measured | None = None

    @property
    def centroids(self) -> Words:
        """Of the cells, grid units ``(K, d)``."""
        return self.cells.centroids

    @property
    def radii(self) -> Words:
        """Of the cells, grid units ``(K,)``."""
        return self.cells.radii

    @property
    def question(self) -> Question:
        """What every bureau is asked."""
        return Question(phase=self.phase, centroids=self.centroids, radii=self.radii, cost=self.cost, guide=self.guide)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateOutcome:
    """The end of a run.

    Attributes:
        centroids: Grid units ``(K, d)``.
        measured: What is known of the clusters, noise included.
        rounds: How many it took.
        spent: Of the budget, units of 1e-9 rho.
        outcomes: How past claims of the clusters were decided; None if that was not asked, or was lost.
        stream: What is believed of the stream after the window; None where the run had none.
    """

    centroids: Words
    measured: Measured
    rounds: int
    spent: int
    outcomes: CountedOutcomes | None = None
    stream: StreamState | None = None
