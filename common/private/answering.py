"""A bureau's own answer to a question, before noise: never sent, never kept."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from common.costs import Costs
from common.kernel import RowNorms, Rows, e_step
from common.plan import Phase
from common.private.bounding import bounded_costs, bounded_histogram, bounded_sums
from common.private.question import Question, bin_edges
from common.weighting import Weights


def raw_answer(
    question: Question,
    rows: Rows,
    norms: RowNorms,
    costs: Costs,
    weights: Weights,
    *,
    cap_yuan: int,
    n_threads: int = 1,
) -> npt.NDArray[np.int64]:
    """The words of an answer about some claims, without noise; answers about parts of the claims add up.

    Not of a window or of outcomes, where only all claims of a bureau tell the whole answer.

    Guarantees:
        * One protected unit changes each block by no more than the block's sensitivity, in the L2 norm.
        * The same bits for any number of threads.

    Args:
        question: What is asked.
        rows: float32 ``(n, d)``, on the grid, inside the unit ball.
        norms: ``row_norms(rows)``.
        costs: Of the claims.
        weights: Of the claims.
        cap_yuan: The plan's cap on costs.
        n_threads: Threads to share the rows among.

    Returns:
        int64, the blocks of ``question.blocks`` in order; in a window without evidence of bureaus, which
        ``common.private.gathering.with_evidence`` takes from the words about all claims.
    """
    if question.phase is Phase.RADIUS:
        return bounded_histogram(rows, weights, question.centroids[0], bin_edges())
    labels = e_step(rows, norms, question.centroids, n_threads).labels
    sums = bounded_sums(rows, weights, labels, question.centroids, question.radii)
    if question.phase is Phase.MEASURE:
        measured = bounded_costs(costs, weights, labels, len(question.centroids), cap_yuan)
        return np.concatenate([sums.counts, sums.squares, measured.ravel()])
    return np.concatenate([sums.counts, sums.sums.ravel(), sums.squares])
