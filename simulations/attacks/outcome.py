"""What an attack achieved, and what may be said about it: rates with exact limits, never a bare percentage.

References:
    Clopper, Pearson, "The Use of Confidence or Fiducial Limits", Biometrika 26(4), 1934 (limits of a rate);
    Kairouz, Oh, Viswanath, "The Composition Theorem for Differential Privacy", ICML 2015 (limits of any test).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import comb, erf, exp, sqrt

from common.accounting.guarantee import Guarantee
from common.messages import RefusalCode

CONFIDENCE = 0.999
"""One-sided: of a thousand sound limits, one is wrong."""

_HALVINGS = 50


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something succeeded.

    Attributes:
        successes: Of the tries.
        tries: Independent, at least one.
    """

    successes: int
    tries: int

    @property
    def share(self) -> float:
        """Of the tries that succeeded."""
        return self.successes / self.tries

    def upper(self, confidence: float = CONFIDENCE) -> float:
        """The true rate is no higher, with this confidence."""
        if self.successes == self.tries:
            return 1.0
        return _crossing(lambda rate: _at_most(self.successes, self.tries, rate) <= 1.0 - confidence)

    def lower(self, confidence: float = CONFIDENCE) -> float:
        """The true rate is no lower, with this confidence."""
        return 1.0 - Rate(self.tries - self.successes, self.tries).upper(confidence)

    def __str__(self) -> str:
        return f"{self.successes}/{self.tries} ({self.share:.1%}, {self.lower():.1%} to {self.upper():.1%})"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackOutcome:
    """An attack with and without protection.

    Attributes:
        name: Of the attack.
        success: What counts as one.
        unprotected: Under ``--protection none``.
        protected: Under noise.
        limit: What the guarantee allows; by chance, or by the limit on any test.
    """

    name: str
    success: str
    unprotected: Rate
    protected: Rate
    limit: float

    @property
    def is_stopped(self) -> bool:
        """Whether the protected rate is at or below the limit, as far as so many tries can tell it from above."""
        return self.protected.lower() <= self.limit

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.success}: without protection {self.unprotected}, "
            f"with noise {self.protected}, limit {self.limit:.1%}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalOutcome:
    """An attack that a rule refuses.

    Attributes:
        name: Of the attack.
        answered: Requests that were answered before the rule applied.
        code: With which the rule refused; None if it did not.
        without_rule: The same without the rule; None if everything was answered.
    """

    name: str
    answered: int
    code: RefusalCode | None
    without_rule: RefusalCode | None

    def __str__(self) -> str:
        return (
            f"{self.name}: with the rule {self.answered} answered, then {self.code or 'no refusal'}; "
            f"without it {self.without_rule or 'no refusal'}"
        )


def accuracy_limit(guarantee: Guarantee) -> float:
    """The accuracy that no test of presence exceeds, whatever it computes, where presence is a fair coin.

    >>> from common.accounting.guarantee import Unit
    >>> round(accuracy_limit(Guarantee(epsilon=1.0, delta=1e-6, unit=Unit.PERSON)), 4)
    0.7311
    """
    factor = exp(guarantee.epsilon)
    return 0.5 * (1.0 + (factor - 1.0 + 2.0 * guarantee.delta) / (factor + 1.0))


def gaussian_accuracy_limit(mu: float) -> float:
    """The same where the noise is Gaussian with ``mu`` of sensitivity over deviation: what the best test reaches.

    >>> round(gaussian_accuracy_limit(0.2), 3)
    0.54
    """
    return 0.5 * (1.0 + erf(mu / (2.0 * sqrt(2.0))))


def identification_limit(guarantee: Guarantee, n_candidates: int) -> float:
    """How often any guess is right which of some candidates was added, where each is equally likely."""
    return exp(guarantee.epsilon) / n_candidates + guarantee.delta


def _at_most(successes: int, tries: int, rate: float) -> float:
    """Probability of so many successes or fewer."""
    return sum(comb(tries, times) * rate**times * (1.0 - rate) ** (tries - times) for times in range(successes + 1))


def _crossing(holds: Callable[[float], bool]) -> float:
    """Where a statement about rates that is false at 0 and true at 1 becomes true."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
