"""Whose claims the rows of a store are, and what weight each claim has under a plan."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from common.weighting import Weighting, Weights, weigh


class Persons:
    """Pseudonyms of insured persons, claim by claim, in the order of the rows.

    Guarantees:
        * Weights depend on the claims of this bureau alone, and on nothing but whose they are and their order.
    """

    def __init__(self) -> None:
        """Nobody yet."""
        self._parts: list[npt.NDArray[np.uint64]] = []
        self._weighed: tuple[Weighting, int, npt.NDArray[np.int32]] | None = None

    def append(self, person_ids: npt.NDArray[np.uint64]) -> None:
        """Add the persons of the next claims."""
        self._parts.append(person_ids)
        self._weighed = None

    def weights(self, weighting: Weighting, cap: int, start: int, size: int) -> Weights:
        """Weights of consecutive claims; of all claims they are computed once."""
        if self._weighed is None or self._weighed[:2] != (weighting, cap):
            self._parts = [np.concatenate(self._parts)] if self._parts else [np.zeros(0, np.uint64)]
            self._weighed = weighting, cap, weigh(self._parts[0], weighting, cap).astype(np.int32)
        return self._weighed[2][start : start + size].astype(np.int64)

    def select(self, places: npt.NDArray[np.intp]) -> Persons:
        """Some of the claims, in this order."""
        found = Persons()
        if self._parts:
            found.append(np.concatenate(self._parts)[places])
        return found

    def distinct(self) -> int:
        """How many persons there are."""
        return len(np.unique(np.concatenate(self._parts))) if self._parts else 0
