"""A simulated reviewer: what people would have said of each claim, had they looked at it.

Nobody knows what reviewers would say of real claims, so they are drawn: most planted anomalies are noticed, some claims
that cost what they cost for a reason no field says are reduced, and now and then an ordinary one is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmarks.routing_data import BureauData

NOTICED = 0.95
"""Share of planted anomalies that a reviewer notices."""

ODD_REDUCED = 0.5
"""Share of odd claims (``BureauData.odd``) that are reduced."""

ORDINARY_REDUCED = 0.01

VERDICTS = 2
"""The number of the stream that verdicts are drawn from: another one than that of the lot, which would foresee them."""

Flags = npt.NDArray[np.bool_]


def routine(bureau: BureauData, seed: int) -> Flags:
    """Whether a reviewer confirms each claim as routine."""
    draws = np.random.default_rng([seed, len(bureau.claims), VERDICTS]).random(len(bureau.claims))
    objected = np.where(bureau.odd, ODD_REDUCED, ORDINARY_REDUCED)
    objected = np.where(bureau.kinds != "", NOTICED, objected)
    return np.asarray(draws >= objected)
