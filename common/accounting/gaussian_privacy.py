"""Gaussian noise in closed form: ``mu`` and (epsilon, delta). Shown as information; charged is what accountants say.

``mu`` is sensitivity over standard deviation. Rounds add up in squares: ``mu**2 = sum of mu_t**2``.
The closed form holds for continuous Gaussian noise and is the least anybody could claim for it.

References:
    Balle, Wang, "Improving the Gaussian Mechanism for Differential Privacy", ICML 2018, Theorem 8.
    Dong, Roth, Su, "Gaussian Differential Privacy", JRSS-B 2022, Corollary 2.13.
"""

from __future__ import annotations

import math
from collections.abc import Callable

LARGEST_MU = 64.0
"""Beyond it every delta anybody would state needs an epsilon far above 100."""


def gaussian_delta(mu: float, epsilon: float) -> float:
    """The delta that Gaussian noise of this ``mu`` reaches at ``epsilon``."""
    return _upper_tail(epsilon / mu - mu / 2) - math.exp(epsilon) * _upper_tail(epsilon / mu + mu / 2)


def gaussian_mu(epsilon: float, delta: float) -> float:
    """The largest ``mu`` that is (epsilon, delta)-private."""
    return _crossing(lambda mu: gaussian_delta(mu, epsilon) > delta, 1e-9, LARGEST_MU)


def gaussian_epsilon(mu: float, delta: float) -> float:
    """The smallest epsilon of this ``mu`` at ``delta``; 0 where delta alone is enough."""
    # erfc(x) <= exp(-x**2): at this epsilon the first term alone is below delta
    most = mu * (mu / 2 + math.sqrt(2 * math.log(1 / delta)))
    return _crossing(lambda epsilon: gaussian_delta(mu, epsilon) <= delta, 0.0, most)


def _upper_tail(x: float) -> float:
    """Probability that a standard normal number exceeds ``x``."""
    return math.erfc(x / math.sqrt(2)) / 2


def _crossing(passed: Callable[[float], bool], below: float, above: float) -> float:
    """Where ``passed`` turns true, by halving ``(below, above)``."""
    for _ in range(100):
        middle = (below + above) / 2
        below, above = (below, middle) if passed(middle) else (middle, above)
    return below
