"""Which claims have entered a window, in memory: sorted, so that a million are looked through at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.windows.digests import Digests

Mask = npt.NDArray[np.bool_]
Windows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """Claims that have entered, by rising key.

    Attributes:
        keys: Of ``n`` claims, each once.
        contents: What stood in them when they entered last.
        windows: Which window that was, by its number in the book.
    """

    keys: Digests
    contents: Digests
    windows: Windows

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def none(cls) -> Entered:
        """No claim."""
        return cls(keys=np.zeros(0, np.uint64), contents=np.zeros(0, np.uint64), windows=np.zeros(0, np.int64))

    def has(self, keys: Digests) -> Mask:
        """Whether claims have entered, in whatever shape."""
        return self._find(keys)[1]

    def has_as_is(self, keys: Digests, contents: Digests) -> Mask:
        """Whether claims have entered, and are as they were then."""
        places, known = self._find(keys)
        return known & (self.contents[places] == contents) if len(self) else known

    def in_window(self, keys: Digests, window: int) -> Mask:
        """Whether claims entered last in this window."""
        places, known = self._find(keys)
        return known & (self.windows[places] == window) if len(self) else known

    def plus(self, keys: Digests, contents: Digests, window: int) -> Entered:
        """The same with some more, or with later entries of some."""
        new = Entered(keys=keys, contents=contents, windows=np.full(len(keys), window, np.int64))
        return newest([self, new])

    def _find(self, keys: Digests) -> tuple[npt.NDArray[np.intp], Mask]:
        return places_in(self.keys, keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Claims that were ever seen, by rising key.

    Attributes:
        keys: Of ``n`` claims, each once.
        times: When each was seen first, seconds since 1970.
    """

    keys: Digests
    times: npt.NDArray[np.int64]

    def of(self, keys: Digests, otherwise: int) -> npt.NDArray[np.int64]:
        """When claims were seen first; ``otherwise`` for those that never were."""
        places, known = places_in(self.keys, keys)
        return np.where(known, self.times[places], otherwise) if len(self.keys) else np.full(len(keys), otherwise)

    def new(self, keys: Digests) -> Digests:
        """Those that were never seen, each once, by rising key."""
        return np.unique(keys[~places_in(self.keys, keys)[1]])

    def plus(self, keys: Digests, now: int) -> Seen:
        """The same with some that are new."""
        whole, times = np.concatenate([self.keys, keys]), np.append(self.times, np.full(len(keys), now, np.int64))
        order = np.argsort(whole)
        return Seen(keys=whole[order], times=times[order])


def places_in(known: Digests, keys: Digests) -> tuple[npt.NDArray[np.intp], Mask]:
    """Where keys stand among rising ones (anywhere if they do not), and whether they do.

    Asked in rising order: a million keys in any order would each fetch another part of memory.
    """
    if not len(known):
        return np.zeros(len(keys), np.intp), np.zeros(len(keys), np.bool_)
    order = np.argsort(keys)
    places = np.empty(len(keys), np.intp)
    places[order] = np.minimum(np.searchsorted(known, keys[order]), len(known) - 1)
    return places, known[places] == keys


def newest(parts: list[Entered]) -> Entered:
    """Entries in the order in which they were made as one; of each claim the last one counts."""
    keys = np.concatenate([part.keys for part in parts])
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    last = order[np.append(ordered[1:] != ordered[:-1], True)[: len(keys)]]
    return Entered(
        keys=keys[last],
        contents=np.concatenate([part.contents for part in parts])[last],
        windows=np.concatenate([part.windows for part in parts])[last],
    )
