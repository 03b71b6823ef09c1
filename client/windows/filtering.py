"""The filter: what one window costs each person, and who may not be in it any more. Integers only.

The theorem (Feldman, Zrnic, "Individual Privacy Accounting via a Renyi Filter", NeurIPS 2021; for Gaussian privacy
Koskela, Tobaben, Honkela, ICLR 2023): let releases be chosen one after another, each after seeing those before, and let
the loss of one individual in each be bounded by ``alpha * rho_t`` in Renyi divergence of every order alpha. If whoever
would come above ``B`` with the sum of their own ``rho_t`` is left out of the release, then adding or removing that
individual changes all releases together by at most ``alpha * B``.

Its condition: the bound ``rho_t`` of an individual, and so whether they are left out, follows from their own claims and
from what was released before, and from nobody else's claims. Here it does: it is the window's public price, times the
square of the weight that their own claims in the window have. That somebody is left out is itself a secret: nothing in
a reply says so.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from common.privacy import Privacy
from common.weighting import Weighting

Costs = npt.NDArray[np.int64]
"""Units of 1e-9 rho, one a person."""


def charges_of(n_claims: npt.NDArray[np.int64], rho: int, privacy: Privacy) -> Costs:
    """What a window costs persons with so many claims in it.

    Guarantees:
        * Never less than the loss of zero-concentrated differential privacy, and never more than ``rho``.

    Args:
        n_claims: Of each person, from 1.
        rho: What the window is charged: the loss of whoever changes its sums by the plan's whole contribution.
        privacy: Of the plan. Weights that are shared make everybody's whole; where they are capped, k of c claims
            change the sums by k/c of it, and the loss goes with the square.
    """
    if privacy.weighting is not Weighting.CAPPED:
        return np.full(len(n_claims), rho, np.int64)
    most = privacy.claims_per_person
    prices = np.array([-(-rho * count * count // (most * most)) for count in range(most + 1)], np.int64)
    return prices[np.minimum(n_claims, most)]


def admitted(spent: Costs, charges: Costs, cap: int) -> npt.NDArray[np.bool_]:
    """Who stays within the cap with one more charge."""
    return spent + charges <= cap
