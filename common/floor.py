"""The floor: figures about few claims are not shown, nor figures from which they could be worked out.

References:
    Centers for Medicare and Medicaid Services, "Cell Size Suppression Policy".
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

DEVIATIONS = 2.0
"""How far above the floor a noisy count must be, in standard deviations of its noise."""


def shown(counts: npt.NDArray[np.float64], floor: int, noise_std: float = 0.0) -> npt.NDArray[np.bool_]:
    """Which cells of a total may be shown, given that the total is shown as well.

    Guarantees:
        * A cell that is shown is at least ``floor`` plus two deviations of its noise.
        * Never exactly one cell is hidden: it would be the difference between the total and the others. The smallest
          of the others is hidden with it.

    Args:
        counts: Cells, noisy or exact ``(n,)``.
        floor: Smallest count that may be shown.
        noise_std: Of the noise in each cell; 0 for exact ones.
    """
    above = counts >= floor + DEVIATIONS * noise_std
    if (~above).sum() == 1 and above.any():
        above[np.flatnonzero(above)[np.argmin(counts[above])]] = False
    return above


def is_small(count: float, floor: int, noise_std: float = 0.0) -> bool:
    """Whether a count above nothing is too small to be shown, directly or as a difference."""
    return (count > 0 or noise_std > 0) and count < floor + DEVIATIONS * noise_std
