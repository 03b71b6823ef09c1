"""What happens in a world where claims arrive: dearer bills, surges, kinds that end or become alike, outages.

Times are hours since the world began, and need not be whole ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulations.world.groups import Group

MOST_HAPPENINGS = 40
MOST_IN_A_SURGE = 500_000
LEAST_PERCENT, MOST_PERCENT = -90, 1_000

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From one moment to another.

    Attributes:
        begins: First moment.
        ends: First moment after it.
    """

    begins: float
    ends: float

    def done(self, hours: Floats) -> Floats:
        """How much of it has gone by at given moments, 0 to 1; a span without length goes by at once."""
        if self.begins == self.ends:
            return np.asarray(hours >= self.begins, np.float64)
        return np.clip((hours - self.begins) / (self.ends - self.begins), 0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRise(Span):
    """All bills become dearer, steadily over the span and for good.

    Attributes:
        percent: By how much in the end.
    """

    percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Surge(Span):
    """More claims of a kind than usual, each of a person of its own. In one hospital of one bureau it is a burst.

    Attributes:
        group: Id of the kind.
        per_hour: Of all its bureaus together, day and night alike.
        bureaus: Places of the bureaus, largest first; the rate is shared out evenly.
        hospitals: In how many hospitals of each bureau: its largest tertiary ones first.
    """

    group: str
    per_hour: float
    bureaus: tuple[int, ...]
    hospitals: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """A kind of claim stops.

    Attributes:
        group: Its id.
        begins: From when on.
    """

    group: str
    begins: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge(Span):
    """Claims of a kind become like those of another: codes, stays and bills each on a growing share of them.

    Persons, hospitals and the truth stay what they were.

    Attributes:
        group: Id of the kind that changes.
        into: Id of the kind that it becomes like; both have stays, or visits of one sort.
    """

    group: str
    into: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage(Span):
    """A bureau cannot be reached. Claims go on arriving at it.

    Attributes:
        bureau: Its place, largest first.
    """

    bureau: int


Happening = PriceRise | Surge | Death | Merge | Outage


def check_happenings(happenings: Sequence[Happening], groups: Sequence[Group], n_bureaus: int) -> None:
    """Refuse what cannot happen in a world.

    Raises:
        ValueError: If a span runs backwards, a kind or a bureau does not exist, an amount is out of range, or two
            kinds of different sorts of visits would become alike.
    """
    _insist(len(happenings) <= MOST_HAPPENINGS, f"a world has at most {MOST_HAPPENINGS} happenings")
    kinds = {group.id: group.med_type for group in groups}
    for one in happenings:
        _insist(not isinstance(one, Span) or one.begins <= one.ends, "a happening cannot end before it begins")
        _insist(_named(one) <= kinds.keys(), "a happening names a kind of claim that the world does not have")
        _insist(_places(one) <= set(range(n_bureaus)), "a happening names a bureau that the world does not have")
        _check_amounts(one)
        if isinstance(one, Merge):
            alike = one.group != one.into and kinds[one.group] == kinds[one.into]
            _insist(alike, "a merge takes two kinds of one med_type")


def _check_amounts(one: Happening) -> None:
    if isinstance(one, PriceRise):
        _insist(
            LEAST_PERCENT <= one.percent <= MOST_PERCENT, f"prices rise by {LEAST_PERCENT} to {MOST_PERCENT} percent"
        )
    if isinstance(one, Surge):
        claims = one.per_hour * (one.ends - one.begins)
        _insist(0 < claims <= MOST_IN_A_SURGE, f"a surge has some claims, and at most {MOST_IN_A_SURGE}")
        _insist(one.hospitals >= 1, "a surge is in one hospital at least")
        _insist(len(set(one.bureaus)) == len(one.bureaus) > 0, "a surge is in one bureau at least, in each once")


def _named(one: Happening) -> set[str]:
    if isinstance(one, Merge):
        return {one.group, one.into}
    return {one.group} if isinstance(one, Surge | Death) else set()


def _places(one: Happening) -> set[int]:
    if isinstance(one, Outage):
        return {one.bureau}
    return set(one.bureaus) if isinstance(one, Surge) else set()


def _insist(holds: bool, text: str) -> None:  # noqa: FBT001 - a condition
    if not holds:
        raise ValueError(text)
