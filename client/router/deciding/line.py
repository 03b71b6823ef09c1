"""The line that a batch of records is written from: what is said in all of them, and cells where they differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from client.router.deciding.spelling import ENTRY_TEXT, NUMBER_BYTES, Integers, Kind, Octets, Rows, put_in, spell
from client.router.records import Records


class Texts(NamedTuple):
    """Some texts one behind the other.

    Attributes:
        held: All of them, ASCII.
        ends: int64, where each of them ends.
    """

    held: Octets
    ends: Integers

    @classmethod
    def of(cls, texts: Sequence[str]) -> Texts:
        """Of some texts, ASCII."""
        held = np.frombuffer("".join(texts).encode("ascii"), np.uint8)
        return cls(held, np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts))))

    def lengths(self) -> Integers:
        """Of each of them."""
        return np.diff(self.ends, prepend=0)


class Line:
    """Cells of ``n`` records, in the order in which they are written.

    Guarantees:
        * What is written is the one spelling, as far as what is said is: texts as given, numbers as JSON has them.
    """

    def __init__(self, n_records: int, known: Texts) -> None:
        """Nothing is said yet.

        Args:
            n_records: How many there will be.
            known: Texts that many batches share.
        """
        self._n_records, self._known = n_records, known
        self._said, self._kinds, self._cells = [""], list[Kind](), list[Integers]()
        self._texts: list[str] = []

    def say(self, text: str) -> None:
        """The same in every record."""
        self._said[-1] += text

    def texts(self, texts: Iterable[str], places: npt.NDArray[np.integer | np.bool_] | None = None) -> None:
        """Of each record one of some texts; without places each its own."""
        first = len(self._texts)
        self._texts += texts
        own = np.arange(self._n_records) if places is None else places
        self._put(Kind.TEXT, own.astype(np.int64) + first)

    def known(self, places: Integers) -> None:
        """Of each record one of the texts that many batches share."""
        self._put(Kind.KNOWN, places)

    def numbers(self, numbers: Integers, kind: Kind = Kind.NUMBER) -> None:
        """A number of each record."""
        self._put(kind, numbers)

    def lists(self, numbers: npt.NDArray[np.int64]) -> None:
        """A list of numbers of each record, ``(n, width)``."""
        self.say("[")
        for place in range(numbers.shape[1]):
            self.say("," if place else "")
            self._put(Kind.NUMBER, numbers[:, place])
        self.say("]")

    def row(self) -> None:
        """The claim's row."""
        self._put(Kind.ROW, np.zeros(self._n_records, np.int64))

    def identity(self) -> None:
        """Where the identity goes."""
        self._put(Kind.IDENTITY, np.zeros(self._n_records, np.int64))

    def write(self, rows: Rows) -> Unsealed:
        """The records of some rows, still without their identities."""
        cells, kinds = np.stack(self._cells, axis=1), np.array(self._kinds, np.int64)
        said, texts = Texts.of(self._said), Texts.of(self._texts)
        out = np.empty(self._most_bytes(rows, cells, texts), np.uint8)
        ends, cuts = np.empty(self._n_records, np.int64), np.empty(self._n_records, np.int64)
        length = spell(out, kinds, cells, rows, *said, *texts, *self._known, ends, cuts)
        return Unsealed(flat=out[:length], ends=ends, cuts=cuts)

    def _put(self, kind: Kind, cells: Integers) -> None:
        self._kinds.append(kind)
        self._cells.append(cells)
        self._said.append("")

    def _most_bytes(self, rows: Rows, cells: Integers, texts: Texts) -> int:
        """What the records take at most."""
        lengths = {Kind.TEXT: texts.lengths(), Kind.KNOWN: self._known.lengths()}
        chosen = sum(
            int(lengths[kind][cells[:, place]].sum()) for place, kind in enumerate(self._kinds) if kind in lengths
        )
        each = sum(map(len, self._said)) + NUMBER_BYTES * len(self._kinds) + ENTRY_TEXT * rows.shape[1]
        return chosen + self._n_records * int(each)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unsealed:
    """Records without their identities.

    Attributes:
        flat: One behind the other.
        ends: int64 ``(n,)``.
        cuts: int64 ``(n,)``, where the identities belong.
    """

    flat: Octets
    ends: Integers
    cuts: Integers

    def views(self) -> Iterator[memoryview]:
        """Each of them, not copied."""
        view, ends = self.flat.data, self.ends.tolist()
        return (view[start:end] for start, end in zip([0, *ends], ends, strict=False))

    def sealed(self, given: bytes) -> Records:
        """With what belongs where they are cut, all of one length, one behind the other."""
        out = np.empty(len(self.flat) + len(given), np.uint8)
        width = len(given) // max(len(self.ends), 1)
        put_in(out, self.flat, self.ends, self.cuts, np.frombuffer(given, np.uint8))
        return Records(out.data, self.ends + width * np.arange(1, len(self.ends) + 1))
