"""How improper a cluster's claims are: bounds on a share, with the noise in its counts and the luck of the draw.

Imported where cards are made, never where claims are decided.
"""

from __future__ import annotations

from math import ceil, floor
from statistics import NormalDist

from scipy.special import betaincinv


def share_bounds(adverse: float, reviewed: float, *, noise_std: float, certainty: float) -> tuple[float, float]:
    """Lower and upper bound on the share of improper claims among those like the reviewed ones.

    Guarantees:
        * With probability at least ``certainty`` the true share lies between the bounds, if the reviewed claims are a
          draw by lot and both counts carry Gaussian noise of ``noise_std``, continuous or discrete.

    The chance to be wrong is halved: one half for the noise (two counts, two sides), one for the draw. Without noise
    the draw has all of it.

    Args:
        adverse: Improper claims among the reviewed; noisy if ``noise_std`` is positive.
        reviewed: Reviewed claims; likewise.
        noise_std: Standard deviation of the noise in each count; 0 if they are exact.
        certainty: Below 1.

    References:
        Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
        Biometrika 26, 1934; the two halves by Bonferroni's inequality.
    """
    wrong = 1.0 - certainty
    reach = 0.0
    if noise_std > 0.0:
        reach = noise_std * NormalDist().inv_cdf(1.0 - wrong / 8.0)
        wrong /= 2.0
    least, most = max(floor(adverse - reach), 0), max(ceil(adverse + reach), 0)
    fewest, largest = max(floor(reviewed - reach), 0), max(ceil(reviewed + reach), 0)
    return _lower(min(least, largest), largest, wrong / 2.0), _upper(most, fewest, wrong / 2.0)


def _lower(hits: int, draws: int, wrong: float) -> float:
    return 0.0 if hits == 0 else float(betaincinv(hits, draws - hits + 1, wrong))


def _upper(hits: int, draws: int, wrong: float) -> float:
    return 1.0 if hits >= draws else float(betaincinv(hits + 1, draws - hits, 1.0 - wrong))
