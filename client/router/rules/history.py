"""What the router remembers of earlier claims, and which of them a new claim must be compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numba
import numpy as np
import numpy.typing as npt

from client.router.rules.chains import STEPS, Chains, slot_of
from client.router.rules.event import EVENT_WIDTH, NO_DAY, NOBODY, Events, Field, first_days, last_days

Rows = npt.NDArray[np.intp]

NEAR_DAYS = 15
"""Claims of a person that lie further apart than this are not compared."""

MOST_OTHERS = 64
"""Claims that one claim is compared with at most; the newest ones."""

DEFAULT_DAYS = 366

_PERSON, _CLAIM, _CATEGORY = int(Field.PERSON), int(Field.CLAIM), int(Field.CATEGORY)

_MIXING = np.uint64(0x9E37_79B9_7F4A_7C15)  # as in ``chains``
_HALF_WORD = np.uint64(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """Pairs of a claim and another one of the same person nearby in time, or with the same claim key.

    Attributes:
        rows: intp ``(m,)``; the claim.
        events: int64 ``(m, EVENT_WIDTH)``; what is remembered of the other.
        crowded: intp, ascending; the claims that have more others than they are compared with.
    """

    rows: Rows
    events: Events
    crowded: Rows


class History:
    """Events of the last days, by person and by claim key.

    Guarantees:
        * What is found does not depend on the order in which the claims of one batch are remembered.
        * A claim that has more others nearby than it is compared with is told (``Others.crowded``), and exact copies of
          it (person, first and last day, main diagnosis, total) are looked for apart: many claims hide none of them.
        * Memory grows with the remembered claims alone: ``EVENT_WIDTH + 9`` words each, at most doubled.
        * Looking something up changes nothing.
    """

    def __init__(self, days: int = DEFAULT_DAYS) -> None:
        """Nothing is remembered yet.

        Args:
            days: For how many days after its decision a claim is remembered.
        """
        self.days = days
        self._events, self._size = np.empty((0, EVENT_WIDTH), np.int64), 0
        self._first, self._last = np.empty(0, np.int64), np.empty(0, np.int64)
        self._copies = np.empty(0, np.int64)
        self._by_person, self._by_claim, self._by_copy = Chains(), Chains(), Chains()

    @classmethod
    def of(cls, events: Events, days: int = DEFAULT_DAYS) -> Self:
        """The history of a durable table of events."""
        history = cls(days)
        history._clear(np.ascontiguousarray(events, np.int64))
        return history

    def __len__(self) -> int:
        return self._size

    def table(self) -> Events:
        """All events, in the order in which they were remembered."""
        return self._events[: self._size].copy()

    def remember(self, events: Events) -> None:
        """Add the events of a batch that was decided."""
        needed = self._size + len(events)
        if needed > len(self._events):
            grown = np.empty((max(needed, 2 * len(self._events)), EVENT_WIDTH), np.int64)
            grown[: self._size] = self._events[: self._size]
            self._events = grown
        self._events[self._size : needed] = events[canonical_order(events)]
        self._extend(needed)

    def forget(self, today: int) -> int:
        """Drop what was decided more than ``days`` before today; how many events that were."""
        kept = self._events[: self._size]
        kept = kept[kept[:, Field.REMEMBERED] >= today - self.days]
        forgotten = self._size - len(kept)
        if forgotten:
            self._clear(kept.copy())
        return forgotten

    def others(self, events: Events) -> Others:
        """The remembered claims that some claims must be compared with."""
        rows, places, crowded = self._pairs(events)
        return Others(rows=rows, events=self._events[places], crowded=crowded)

    def others_within(self, events: Events) -> Others:
        """The same among the claims of one batch, each pair both ways and no claim with itself."""
        order = canonical_order(events)
        batch = History.of(events[order])
        rows, places, crowded = batch._pairs(events)  # noqa: SLF001 - of its own class
        others = order[places]
        different = rows != others
        return Others(rows=rows[different], events=events[others[different]], crowded=crowded)

    def has_earlier(self, events: Events) -> npt.NDArray[np.bool_]:
        """Whether the person had an earlier claim with a main diagnosis of the same category, as far as remembered."""
        chains = self._by_person
        return _earlier(events, first_days(events), self._events, self._first, chains.heads, chains.links, chains.shift)

    def _pairs(self, events: Events) -> tuple[Rows, Rows, Rows]:
        """Claims and places of what they are compared with, and the claims that had more."""
        by_person = self._found(self._by_person, events, _PERSON)
        by_claim = self._found(self._by_claim, events, _CLAIM)
        found, crowded = [by_person, by_claim], np.flatnonzero(by_person[2])
        if len(crowded):
            rows, places, _ = self._copied(events[crowded])
            found.append((crowded[rows], places, by_person[2]))
        return np.concatenate([one[0] for one in found]), np.concatenate([one[1] for one in found]), crowded

    def _found(self, chains: Chains, events: Events, field: int) -> tuple[Rows, Rows, npt.NDArray[np.bool_]]:
        days, own = (first_days(events), last_days(events)), (self._first, self._last)
        keys = events[:, field], self._events[:, field]
        return _walk(keys[0], *days, keys[1], *own, chains.heads, chains.links, chains.shift, field != _CLAIM)

    def _copied(self, events: Events) -> tuple[Rows, Rows, npt.NDArray[np.bool_]]:
        days, own = (first_days(events), last_days(events)), (self._first, self._last)
        chains = self._by_copy
        return _walk(_copy_keys(events), *days, self._copies, *own, chains.heads, chains.links, chains.shift, False)  # noqa: FBT003 - compiled

    def _clear(self, events: Events) -> None:
        self._events, self._size = events, 0
        self._first, self._last = np.empty(0, np.int64), np.empty(0, np.int64)
        self._copies = np.empty(0, np.int64)
        self._by_person, self._by_claim, self._by_copy = Chains(), Chains(), Chains()
        self._extend(len(events))

    def _extend(self, size: int) -> None:
        added = self._events[self._size : size]
        self._first = _appended(self._first, self._size, first_days(added))
        self._last = _appended(self._last, self._size, last_days(added))
        self._copies = _appended(self._copies, self._size, _copy_keys(added))
        self._by_copy.extend(self._copies[:size], self._size)
        self._by_person.extend(self._events[:size, Field.PERSON], self._size)
        self._by_claim.extend(self._events[:size, Field.CLAIM], self._size)
        self._size = size


def canonical_order(events: Events) -> Rows:
    """An order of a batch that does not depend on the order in which it came, but for rows that are equal."""
    return np.lexsort(events.T[::-1])


def joined(first: Others, second: Others) -> Others:
    """The pairs of both."""
    return Others(
        rows=np.concatenate([first.rows, second.rows]),
        events=np.concatenate([first.events, second.events]),
        crowded=np.union1d(first.crowded, second.crowded),
    )


def _copy_keys(events: Events) -> Events:
    """Equal for exact copies, ``NOBODY`` for claims of nobody or without a day; others meet by chance alone."""
    first = first_days(events)
    mixed = np.zeros(len(events), np.uint64)
    for part in (events[:, _PERSON], first, last_days(events), events[:, Field.DIAGNOSIS], events[:, Field.TOTAL]):
        mixed = (mixed ^ np.ascontiguousarray(part).view(np.uint64)) * _MIXING
        mixed ^= mixed >> _HALF_WORD
    known = (events[:, _PERSON] != NOBODY) & (first > NO_DAY)
    return np.where(known, mixed.view(np.int64), NOBODY)


def _appended(held: Events, size: int, added: Events) -> Events:
    needed = size + len(added)
    if needed > len(held):
        grown = np.empty(max(needed, 2 * len(held)), np.int64)
        grown[:size] = held[:size]
        held = grown
    held[size:needed] = added
    return held


@numba.njit(cache=True, nogil=True)
def _walk(  # noqa: PLR0917 - compiled: every array is an argument of its own
    asked: Events,
    asked_first: Events,
    asked_last: Events,
    held: Events,
    first: Events,
    last: Events,
    heads: Events,
    links: Events,
    shift: np.uint64,
    nearby: bool,  # noqa: FBT001 - likewise
) -> tuple[Rows, Rows, npt.NDArray[np.bool_]]:
    """Rows of ``asked`` and places in ``held`` with an equal key, only near in time if wanted; and who has more."""
    rows = np.empty(max(len(asked), 1), np.intp)
    places = np.empty(max(len(asked), 1), np.intp)
    more = np.zeros(len(asked), np.bool_)
    found = 0
    for row in range(len(asked)):
        place, steps, taken = -1, 0, 0
        if asked[row] != NOBODY:
            place = heads[slot_of(asked[row], shift)]
        while place >= 0 and not more[row]:
            near = not nearby or _near(asked_first[row], asked_last[row], first[place], last[place])
            if steps == STEPS:
                more[row] = True
            elif near and held[place] == asked[row]:
                more[row] = taken == MOST_OTHERS
                if found == len(rows):
                    rows = np.append(rows, np.empty(len(rows), np.intp))
                    places = np.append(places, np.empty(len(places), np.intp))
                if not more[row]:
                    rows[found] = row
                    places[found] = place
                    found += 1
                    taken += 1
            place = links[place]
            steps += 1
    return rows[:found], places[:found], more


@numba.njit(cache=True, nogil=True)
def _near(first: int, last: int, other_first: int, other_last: int) -> bool:
    known = first > NO_DAY and other_first > NO_DAY
    return known and first - NEAR_DAYS <= other_last and other_first - NEAR_DAYS <= last


@numba.njit(cache=True, nogil=True)
def _earlier(  # noqa: PLR0917 - likewise
    asked: Events, asked_first: Events, events: Events, first: Events, heads: Events, links: Events, shift: np.uint64
) -> npt.NDArray[np.bool_]:
    earlier = np.zeros(len(asked), np.bool_)
    for row in range(len(asked)):
        place, steps = -1, 0
        if asked[row, _PERSON] != NOBODY:
            place = heads[slot_of(asked[row, _PERSON], shift)]
        while place >= 0 and steps < STEPS and not earlier[row]:
            same = events[place, _PERSON] == asked[row, _PERSON]
            if same and events[place, _CATEGORY] == asked[row, _CATEGORY]:
                earlier[row] = first[place] < asked_first[row]
            place = links[place]
            steps += 1
    return earlier
