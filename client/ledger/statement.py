"""What the ledger says to people: spending per plan, the worst case of a person in a year, what is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from client.ledger.chain import Chain
from client.ledger.entry import Reserved
from client.ledger.spending import Limit, Limits
from common.accounting.guarantee import Unit

EpsilonOf = Callable[[int], float]
"""Epsilon of a sum of charges in units of 1e-9 rho, at the statement's delta."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """A sum of charges.

    Attributes:
        rho: Units of 1e-9.
        epsilon: The same as epsilon, at the statement's delta.
    """

    rho: int
    epsilon: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSpending:
    """What one plan cost.

    Attributes:
        fingerprint: Of the plan.
        unit: Whom its releases protect.
        sessions: Runs.
        releases: Charges.
        unanswered: Charges without a kept vector: spent, and never drawn again.
        spent: All of it.
    """

    fingerprint: str
    unit: Unit
    sessions: int
    releases: int
    unanswered: int
    spent: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSpending:
    """What the windows of one stream cost. They do not add up: a claim is in one of them.

    Attributes:
        stream: 32 hexadecimal digits.
        unit: Whom its releases protect.
        windows: Sessions about them.
        releases: Charges.
        unanswered: Charges without a kept vector: their claims stay entered, and are lost to the stream.
        dearest: The window that cost most.
    """

    stream: str
    unit: Unit
    windows: int
    releases: int
    unanswered: int
    dearest: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much of a limit is left.

    Attributes:
        limit: Which one.
        about: The data version, or empty.
        spent: Units of 1e-9 rho, or releases.
        most: The limit, in the same.
    """

    limit: Limit
    about: str
    spent: int
    most: int

    @property
    def left(self) -> int:
        """What may still be spent."""
        return max(0, self.most - self.spent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """All of it, as of ``time``.

    Attributes:
        head: The last entry, for others to keep.
        time: Seconds since 1970.
        delta: At which every epsilon holds.
        plans: One for each plan and unit, in the order of their first charge; plans of windows left out.
        streams: One for each stream and unit, in the same order.
        last_year: Spent in the last 366 days.
        worst_year: The most spent in any 366 days: what a person whose claims were in every release lost at most.
        covers_persons: Whether every charge protects persons; if not, the two years above hold for single claims.
        room: What is left of each limit; empty if no policy was given.
    """

    head: str
    time: int
    delta: float
    plans: tuple[PlanSpending, ...]
    streams: tuple[StreamSpending, ...]
    last_year: Amount
    worst_year: Amount
    covers_persons: bool
    room: tuple[Room, ...]


def state(chain: Chain, *, now: int, delta: float, epsilon_of: EpsilonOf, limits: Limits | None) -> Statement:
    """The statement of a ledger."""
    spending = chain.book.spending
    units = {charge.unit for charge in chain.book.charges}
    return Statement(
        head=str(chain.head),
        time=now,
        delta=delta,
        plans=tuple(_plans(chain, epsilon_of)),
        streams=tuple(_streams(chain, epsilon_of)),
        last_year=_amount(spending.year(now), epsilon_of),
        worst_year=_amount(spending.worst_year(), epsilon_of),
        covers_persons=units <= {Unit.PERSON},
        room=tuple(_rooms(chain, now, limits)) if limits else (),
    )


def _plans(chain: Chain, epsilon_of: EpsilonOf) -> Iterator[PlanSpending]:
    groups: dict[tuple[str, Unit], list[Reserved]] = {}
    for charge in chain.book.charges:
        if charge.window is None:
            groups.setdefault((charge.fingerprint, charge.unit), []).append(charge)
    for (fingerprint, unit), charges in groups.items():
        yield PlanSpending(
            fingerprint=fingerprint,
            unit=unit,
            sessions=len({charge.session for charge in charges}),
            releases=len(charges),
            unanswered=sum(charge.number not in chain.book.kept for charge in charges),
            spent=_amount(sum(charge.rho for charge in charges), epsilon_of),
        )


def _streams(chain: Chain, epsilon_of: EpsilonOf) -> Iterator[StreamSpending]:
    groups: dict[tuple[str, Unit], list[Reserved]] = {}
    for charge in chain.book.charges:
        if charge.window is not None:
            groups.setdefault((charge.window.stream, charge.unit), []).append(charge)
    for (stream, unit), charges in groups.items():
        sessions = {charge.session for charge in charges}
        yield StreamSpending(
            stream=stream,
            unit=unit,
            windows=len(sessions),
            releases=len(charges),
            unanswered=sum(charge.number not in chain.book.kept for charge in charges),
            dearest=_amount(max(chain.book.spending.by_session[session] for session in sessions), epsilon_of),
        )


def _rooms(chain: Chain, now: int, limits: Limits) -> Iterator[Room]:
    spending, windows = chain.book.spending, _window_versions(chain)
    yield Room(limit=Limit.YEAR, about="", spent=spending.year(now), most=limits.year)
    for version, spent in spending.by_data_version.items():
        if version not in windows:
            yield Room(limit=Limit.DATA_VERSION, about=version, spent=spent, most=limits.data_version)
    today = spending.releases_today(now)
    yield Room(limit=Limit.RELEASES_PER_DAY, about="", spent=today, most=limits.releases_per_day)
    today = spending.windows_today(now)
    yield Room(limit=Limit.WINDOWS_PER_DAY, about="", spent=today, most=limits.windows_per_day)


def _window_versions(chain: Chain) -> set[str]:
    """The data versions that are windows: there are many, and each is asked about once."""
    return {charge.data_version for charge in chain.book.charges if charge.window is not None}


def _amount(rho: int, epsilon_of: EpsilonOf) -> Amount:
    return Amount(rho=rho, epsilon=epsilon_of(rho) if rho else 0.0)
