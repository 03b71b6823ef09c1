"""The summary: everything a bureau ever sends, per cluster, in integers. Summaries add up.

Guarantees:
    * ``+`` is associative and commutative with ``Summary.zeros`` as neutral element, bit for bit: any grouping and
      any order of the same bureaus gives the same sum.
    * ``to_vector`` and ``from_vector`` are inverse to each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from common.grid import from_grid
from common.kernel import SQUARE_UNITS

Integers = npt.NDArray[np.int64]

COST_FIELDS: tuple[str, ...] = ("n", "log_sum", "log_square_sum", "sum", "square_sum")
"""Columns of ``Summary.costs``; logarithms in steps of ``costs.LOG_UNITS``, costs in whole yuan."""


class Shape(NamedTuple):
    """The shape of a summary; it follows from the plan and the kind of round alone."""

    n_clusters: int
    n_features: int
    with_costs: bool

    @property
    def n_words(self) -> int:
        """How many 64-bit integers a summary of this shape has."""
        return self.n_clusters * (2 + self.n_features + (len(COST_FIELDS) if self.with_costs else 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Sums over the rows of each cluster.

    Attributes:
        counts: int64 ``(K,)``, rows.
        sums: int64 ``(K, d)``, coordinates, grid units.
        squares: int64 ``(K,)``, squared lengths of rows, units of ``2**-30``.
        costs: int64 ``(K, 5)``, see ``COST_FIELDS``; ``(K, 0)`` where the round does not ask for them.
    """

    counts: Integers
    sums: Integers
    squares: Integers
    costs: Integers

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together.

        Raises:
            ValueError: If a shape or a type does not fit.
        """
        k = len(self.counts)
        arrays = (self.counts, self.sums, self.squares, self.costs)
        fits = self.sums.shape[:1] == self.squares.shape == self.costs.shape[:1] == (k,) == self.counts.shape
        if not fits or any(array.dtype != np.int64 for array in arrays) or self.sums.ndim + self.costs.ndim != 4:  # noqa: PLR2004
            msg = "a summary needs int64 counts (K,), sums (K, d), squares (K,) and costs (K, 0 or 5)"
            raise ValueError(msg)
        if self.costs.shape[1] not in {0, len(COST_FIELDS)}:
            msg = f"costs have {self.costs.shape[1]} columns instead of 0 or {len(COST_FIELDS)}"
            raise ValueError(msg)

    @classmethod
    def zeros(cls, shape: Shape) -> Summary:
        """The neutral element."""
        return cls.from_vector(np.zeros(shape.n_words, np.int64), shape)

    @property
    def shape(self) -> Shape:
        """Clusters, features, and whether costs are in it."""
        return Shape(len(self.counts), self.sums.shape[1], self.costs.shape[1] > 0)

    @property
    def n_rows(self) -> int:
        """Rows in all clusters together."""
        return int(self.counts.sum())

    def __add__(self, other: Summary) -> Summary:
        """The summary of both sets of rows.

        Raises:
            ValueError: If the shapes differ.
        """
        if self.shape != other.shape:
            msg = f"summaries of shapes {tuple(self.shape)} and {tuple(other.shape)} do not add up"
            raise ValueError(msg)
        return Summary(
            counts=self.counts + other.counts,
            sums=self.sums + other.sums,
            squares=self.squares + other.squares,
            costs=self.costs + other.costs,
        )

    def select(self, clusters: npt.NDArray[np.intp]) -> Summary:
        """The summary of some of the clusters, in the order given."""
        return Summary(
            counts=self.counts[clusters],
            sums=self.sums[clusters],
            squares=self.squares[clusters],
            costs=self.costs[clusters],
        )

    def to_vector(self) -> Integers:
        """All integers in a row: counts, sums by cluster, squares, costs by cluster."""
        return np.concatenate([self.counts, self.sums.ravel(), self.squares, self.costs.ravel()])

    @classmethod
    def from_vector(cls, vector: Integers, shape: Shape) -> Summary:
        """The summary whose ``to_vector`` this is.

        Raises:
            ValueError: If the vector is not of this shape.
        """
        if vector.shape != (shape.n_words,) or vector.dtype != np.int64:
            msg = f"a summary of shape {tuple(shape)} has {shape.n_words} int64 words"
            raise ValueError(msg)
        k, d = shape.n_clusters, shape.n_features
        counts, sums, squares, costs = np.split(vector, np.cumsum([k, k * d, k]))
        return cls(counts=counts, sums=sums.reshape(k, d), squares=squares, costs=costs.reshape(k, -1))


def cell_inertia(summary: Summary) -> npt.NDArray[np.float64]:
    """Sum of squared distances of each cell's rows to their own mean, float64 ``(K,)``, never negative; 0 if empty."""
    counts = np.maximum(summary.counts, 1)
    sums = from_grid(summary.sums)
    return np.asarray(np.maximum(summary.squares / SQUARE_UNITS - (sums * sums).sum(axis=1) / counts, 0.0))


def inertia(summary: Summary, centroids: Integers) -> float:
    """Sum of squared distances of all rows to the centroids they were assigned to, in squared feature units."""
    exact = from_grid(centroids)
    sums = from_grid(summary.sums)
    cross = (exact * (2.0 * sums - summary.counts[:, None] * exact)).sum()
    return max(float(summary.squares.sum() / SQUARE_UNITS - cross), 0.0)
