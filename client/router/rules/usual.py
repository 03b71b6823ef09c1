"""What is usual in a cluster, read from an accepted model alone."""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt

from common.claim import FEE_CATEGORIES
from common.features.spec import PER_MILLE, FeesBlock
from common.model import Model


def usual_fee_shares(model: Model) -> npt.NDArray[np.float64] | None:
    """Usual share of every fee category in every cluster, float64 ``(K, 14)``; None if the features have no fees.

    A row holds square roots of shares, so a centroid holds their means: squared and scaled to add up to 1 they are
    the composition in the middle of the cluster, in the geometry in which the claims were clustered. A cluster whose
    centroid says nothing about fees has no usual composition: its shares are 1, and nothing is beyond them.
    """
    features = model.plan.features
    for block, offset in zip(features.blocks, features.offsets(), strict=True):
        if isinstance(block, FeesBlock):
            roots = model.centroid_values()[:, offset : offset + len(FEE_CATEGORIES)] / sqrt(block.share / PER_MILLE)
            squares = np.maximum(roots, 0.0) ** 2
            sums = squares.sum(axis=1, keepdims=True)
            usual: npt.NDArray[np.float64] = np.divide(squares, sums, out=np.ones_like(squares), where=sums > 0)
            return usual
    return None
