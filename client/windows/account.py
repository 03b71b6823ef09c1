"""The account: what the windows of a stream may cost anybody, and what they have cost so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from client.ledger.errors import BudgetError
from client.ledger.ledger import Clock, Ledger
from client.ledger.spending import Limit
from client.policy import Policy
from client.releasing import rho_within, whole_cost
from client.windows.book import ClaimBook
from client.windows.choosing import Candidates, Price, Seconds, Spent
from client.windows.digests import Digests
from client.windows.entered import Mask
from common.plan import Plan
from common.privacy import Privacy


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the book tells a source that looks for candidates.

    Attributes:
        wanted: Which claims are asked for, by the digests of their keys and contents; others need no rows.
        first_seen: When claims were first seen; all claims of the source are told, also those not asked for.
    """

    wanted: Callable[[Digests, Digests], Mask]
    first_seen: Callable[[Digests], Seconds]


class StreamClaims(Protocol):
    """A bureau's claims as they are now."""

    def candidates(self, plan: Plan, known: Known) -> Candidates:
        """The claims that are asked for, as rows under a plan."""


class Account:
    """Book, ledger and policy of one station, seen together.

    Guarantees:
        * What anybody was charged for windows in 366 days, and what was charged beside windows, add up to no more
          than the policy's year, if nobody comes above the cap of a price.
        * A price follows from plan, policy and ledger alone, and so tells nothing of claims.
    """

    def __init__(self, book: ClaimBook, claims: StreamClaims, policy: Policy, ledger: Ledger, clock: Clock) -> None:
        """Use what is open."""
        self.book, self.claims, self.ledger = book, claims, ledger
        self._policy, self._clock = policy, clock

    def now(self) -> int:
        """Seconds since 1970; never before the newest window."""
        return self.book.time(self._clock())

    def known(self, wanted: Callable[[Digests, Digests], Mask]) -> Known:
        """What a source is told that looks for some claims."""
        return Known(wanted=wanted, first_seen=lambda keys: self.book.first_seen(keys, self.now()))

    def price(self, plan: Plan, privacy: Privacy) -> Price:
        """What it costs to be in a window now.

        Raises:
            BudgetError: If nobody can afford it.
        """
        cap = min(self._year - self.ledger.spending.plain_year(self.now()), self._windows)
        rho = whole_cost(plan, privacy)
        if rho > cap:
            raise BudgetError(Limit.YEAR)
        return Price(rho=rho, cap=cap, privacy=privacy, late_edits=self._policy.late_edits)

    def spent(self) -> Spent:
        """What was charged in the last 366 days."""
        now = self.now()
        return Spent(
            persons=lambda persons: self.book.spent_by_persons(persons, now),
            claims=lambda keys: self.book.spent_by_claims(keys, now),
        )

    @cached_property
    def _windows(self) -> int:
        """What the policy leaves to windows, in the ledger's currency."""
        return rho_within(self._policy.epsilon_per_year_of_windows, self._policy.delta)

    @cached_property
    def _year(self) -> int:
        """The policy's year, in the ledger's currency."""
        return rho_within(self._policy.epsilon_per_year, self._policy.delta)
