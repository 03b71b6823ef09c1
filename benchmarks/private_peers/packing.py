"""First centroids that look at no row: random places that keep away from each other and from the walls."""

from __future__ import annotations

import numpy as np

from benchmarks.private_peers.bounds import Bounds, Centroids

TRIES = 100
"""Candidates refused in a row before all spheres are made smaller; as diffprivlib and FastLloyd have it."""

FURTHEST_MIDDLE = 0.5
"""How far from the origin the middle of the candidates may be; does nothing to a box around the origin."""


def pack_spheres(n_clusters: int, rng: np.random.Generator, bounds: Bounds) -> Centroids:
    """As many disjoint spheres as clusters, of a radius halved until they fit; their middles.

    The papers start in a cube with spheres of its half side. Here the radius starts at the half side of the cube with
    the same reach, and candidates keep the same part of every side free, which for a cube is the same. A box whose
    middle is near the rim of the ball or beyond is moved inwards first: on claims that starts peers nearer to the rows.

    Guarantees:
        * Independent of the rows: costs no budget.

    References:
        Su et al., "Differentially Private k-Means Clustering", CODASPY 2016, section 3.
    """
    side = bounds.reach / np.sqrt(len(bounds.low))
    part = 1.0
    while True:
        found = _packed(n_clusters, rng, bounds, part, 2 * part * side)
        if len(found) == n_clusters:
            return found
        part /= 2


def _packed(n_clusters: int, rng: np.random.Generator, bounds: Bounds, margin: float, apart: float) -> Centroids:
    """Up to ``n_clusters`` candidates at least ``apart`` from each other; fewer where ``TRIES`` in a row fail."""
    kept = np.zeros((0, len(bounds.low)))
    refused = 0
    middle = (bounds.low + bounds.high) / 2
    middle *= min(1.0, FURTHEST_MIDDLE / max(float(np.linalg.norm(middle)), FURTHEST_MIDDLE))
    while len(kept) < n_clusters and refused < TRIES:
        candidate = bounds.clipped(middle + rng.uniform(-1, 1, (1, len(middle))) * bounds.half_sides * (1 - margin))
        if len(kept) and np.linalg.norm(kept - candidate, axis=1).min() < apart:
            refused += 1
            continue
        kept, refused = np.concatenate([kept, candidate]), 0
    return kept
