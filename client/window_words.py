"""A bureau's whole answer about a window, before noise: never sent, never kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from common.kernel import Rows
from common.privacy import Division
from common.private.bounding import bounded_counts
from common.private.gathering import Gathered, gather
from common.private.question import Question
from common.stream.guide import Guide
from common.stream.operations import N_CATEGORIES, Categories
from common.weighting import Weights


def window_words(
    parts: Iterable[Rows],
    weights: Weights,
    categories: Sequence[Categories],
    question: Question,
    *,
    guide: Guide,
    division: Division,
) -> npt.NDArray[np.int64]:
    """The words that answer a window.

    Guarantees:
        * One protected unit changes each block by no more than the block's sensitivity, in the L2 norm.

    Args:
        parts: Rows of all claims, in their order.
        weights: Of all claims.
        categories: Of their operations, in parts of any length.
        question: What is asked.
        guide: Of the question.
        division: Says what else is asked than cells.
    """
    cells, n_features = question.centroids.shape
    total, start = Gathered.nothing(cells, n_features), 0
    kinds = np.zeros((1, N_CATEGORIES), np.int64)
    known = np.concatenate([np.zeros(0, np.int16), *categories]).astype(np.int64)
    for rows in parts:
        part = slice(start, start + len(rows))
        found, _ = gather(rows, weights[part], question.centroids, question.radii, guide)
        total = total + found
        kinds += bounded_counts(weights[part], np.zeros(len(rows), np.int32), known[part], kinds.shape)
        start = part.stop
    words = total.words(guide, with_coordinates=division.coordinates > 0)
    return np.concatenate([words, kinds[0]]) if division.operations else words
