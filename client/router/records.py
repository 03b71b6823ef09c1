"""Records one behind the other, as they are written and kept: no object a record until somebody wants one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class Records(Sequence[bytes]):
    """Some records.

    Attributes:
        flat: All of them.
        ends: int64 ``(n,)``, where each of them ends.
    """

    flat: bytes | memoryview
    ends: npt.NDArray[np.int64]

    @classmethod
    def of(cls, records: Sequence[bytes]) -> Records:
        """The same records; as they are if they lie so already."""
        if isinstance(records, Records):
            return records
        return cls(b"".join(records), np.cumsum(np.fromiter(map(len, records), np.int64, len(records))))

    def __len__(self) -> int:
        return len(self.ends)

    @overload
    def __getitem__(self, place: int) -> bytes: ...

    @overload
    def __getitem__(self, place: slice) -> Records: ...

    def __getitem__(self, place: int | slice) -> bytes | Records:
        if isinstance(place, slice):
            return self._part(*place.indices(len(self)))
        row = range(len(self))[place]
        return bytes(self.flat[self._start(row) : int(self.ends[row])])

    def __iter__(self) -> Iterator[bytes]:
        ends = self.ends.tolist()
        return (bytes(self.flat[start:end]) for start, end in zip([0, *ends], ends, strict=False))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def _start(self, row: int) -> int:
        return int(self.ends[row - 1]) if row else 0

    def _part(self, first: int, beyond: int, step: int) -> Records:
        """Neighbours stay where they are; others are put together anew."""
        if step != 1 or beyond <= first:
            return Records.of([self[row] for row in range(first, beyond, step)])
        start, end = self._start(first), int(self.ends[beyond - 1])
        return Records(memoryview(self.flat)[start:end], self.ends[first:beyond] - start)
