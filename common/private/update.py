"""Reading noisy sums: where a cell's mean most likely is, how far its rows reach, and how many there are.

Only released sums and public noise enter; nothing here costs budget.

References:
    James and Stein, "Estimation with Quadratic Loss", 4th Berkeley Symposium, 1961 (shrinkage of the step);
    Andrew et al., "Differentially Private Learning with Adaptive Clipping", NeurIPS 2021 (radii from noisy data).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from common.grid import GRID_UNITS, from_grid, to_grid
from common.private.bounding import BoundedSums
from common.private.pooling import FEWEST_TO_POOL, Trail, followed, pooled

Floats = npt.NDArray[np.float64]

SMALLEST_RADIUS, LARGEST_RADIUS = 1e-3, 2.0
"""In feature units; no two points of the unit ball are further apart than the larger."""

WIDEN = 1.6
"""Root mean squared distances within which a cell's next radius reaches, before growth."""


QUARTER = 0.25
"""Of the least count: cells with fewer claims are taken for noise."""

AS_GOOD_AS_NOTHING = 1e9
"""Variance that is given to the mean of a lost cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseStds:
    """Standard deviations of the noise in one round, in units of a weight of 1.

    Attributes:
        counts: Of each count.
        sums: Of each coordinate of the sums, in radii.
        squares: Of each square, in squared radii.
    """

    counts: float
    sums: float
    squares: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """What is believed of the cells.

    Attributes:
        centroids: Grid units ``(K, d)``.
        radii: Grid units ``(K,)``; contributions are bounded to them in the next round.
        counts: Noisy numbers of claims (or persons) ``(K,)``, never negative.
        spread: Mean squared distances to the mean ``(K,)``, squared feature units.
        trail: Noisy means of the polishing so far.
    """

    centroids: npt.NDArray[np.int64]
    radii: npt.NDArray[np.int64]
    counts: Floats
    spread: Floats
    trail: Trail | None = None


def least_count(n_features: int, noise: NoiseStds) -> float:
    """The count at which the noise in a cell's mean is as long as its radius: ``sqrt(d) z_sums``."""
    return float(np.sqrt(n_features) * noise.sums)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """How a kind of round is read.

    Attributes:
        least: Count below which a quarter of it is taken as nothing, half of it as unreliable; 0 for a lone cell.
        grow: Slack of the next radius.
        doubt: Share of its noise that a step must exceed to be taken; 0 takes it as it is.
        keep: What earlier rounds weigh against this one; None where rounds have nothing to do with each other.
    """

    least: float
    grow: float
    doubt: float
    keep: float | None = None


def updated(cells: Cells, noisy: BoundedSums, noise: NoiseStds, caution: Caution) -> Cells:
    """The cells after a round.

    Guarantees:
        * No centroid moves further than its radius.
        * A cell whose count is lost in noise stays where it is.

    Args:
        cells: As they were asked.
        noisy: What came back.
        noise: What is in it.
        caution: How to read it.
    """
    radii = from_grid(cells.radii)
    counts = noisy.counts / GRID_UNITS
    floor = np.maximum(counts, 1.0)
    step, trail = _step(cells, noisy, noise, caution)
    around = np.clip(noisy.squares / GRID_UNITS * radii**2 / floor, (0.05 * radii) ** 2, radii**2)
    spread = np.maximum(around - (step**2).sum(axis=1), 0.25 * around)
    wanted = np.clip(np.sqrt(spread) * WIDEN * caution.grow, 0.3 * radii, 1.2 * radii)
    kept = np.where(counts > 0.5 * caution.least, wanted, radii)
    moved = from_grid(cells.centroids) + step
    moved /= np.maximum(1.0, np.linalg.norm(moved, axis=1, keepdims=True))
    return Cells(
        centroids=to_grid(moved),
        radii=to_grid(np.clip(kept, SMALLEST_RADIUS, LARGEST_RADIUS)),
        counts=np.maximum(counts, 0.0),
        spread=spread,
        trail=trail,
    )


def _step(cells: Cells, noisy: BoundedSums, noise: NoiseStds, caution: Caution) -> tuple[Floats, Trail | None]:
    """How far each centroid moves, and the trail of its noisy means."""
    radii, places = from_grid(cells.radii), from_grid(cells.centroids)
    counts = noisy.counts / GRID_UNITS
    floor = np.maximum(counts, 1.0)
    lost = counts < QUARTER * caution.least
    step = noisy.sums / GRID_UNITS * (radii / floor)[:, None]
    variances, trail = (noise.sums * radii / floor) ** 2, None
    if caution.keep is not None:
        trail = followed(cells.trail, places + step, np.where(lost, AS_GOOD_AS_NOTHING, variances), caution.keep)
        step, variances = trail.means - places, trail.variances
    energy = cells.centroids.shape[1] * variances
    firm = counts > QUARTER * caution.least
    if caution.least > 0.0 and firm.sum() >= FEWEST_TO_POOL:
        means, energy[firm] = pooled(places[firm] + step[firm], variances[firm], floor[firm])
        step[firm] = means - places[firm]
    step *= _gain(step, caution.doubt * energy, lost)[:, None]
    step *= np.minimum(1.0, radii / np.maximum(np.linalg.norm(step, axis=1), 1e-12))[:, None]
    return step, trail


def _gain(step: Floats, noise_energy: Floats, lost: npt.NDArray[np.bool_]) -> Floats:
    """Share of a step that is signal, given the energy that noise alone would have."""
    energy = np.maximum((step**2).sum(axis=1), 1e-12)
    return np.where(lost, 0.0, np.clip(1.0 - noise_energy / energy, 0.0, 1.0))


def radius_from_histogram(noisy: npt.NDArray[np.int64], edges: npt.NDArray[np.int64], share: float) -> int:
    """The upper edge within which ``share`` of the noisy weights lie, grid units."""
    within = np.cumsum(np.maximum(noisy, 0))
    place = int(np.searchsorted(within, share * within[-1])) if within[-1] > 0 else len(edges) - 1
    return int(edges[min(place, len(edges) - 1)])
