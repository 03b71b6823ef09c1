"""Rows of one bureau, kept between rounds: in memory, or in a memory map beyond a set share of memory.

Rows do not change between rounds, so claims are read and turned into rows once. Only chunks are ever held while
summing, and a mapped chunk is given back after use, so memory does not grow with the number of claims.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import add
from types import TracebackType
from typing import IO, Self

import numpy as np
import numpy.typing as npt

from client.decided import Decided
from client.memory_share import MemoryShare
from client.persons import Persons
from client.window_words import window_words
from common.columns import ClaimTable
from common.costs import Costs, costs_of, sum_costs
from common.grid import GRID_UNITS, MAX_ROWS
from common.kernel import Rows, e_step, row_norms
from common.plan import Phase
from common.privacy import Privacy
from common.private.answering import raw_answer
from common.private.question import Question, blocks
from common.stream.guide import Guide
from common.stream.operations import NONE, Categories, categories_of
from common.summary import Shape, Summary

CHUNK_ROWS = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Consecutive rows of a store, with what is summed beside them.

    Attributes:
        rows: float32 ``(n, d)``.
        norms: int32 ``(n,)``.
        costs: Of the same claims.
    """

    rows: Rows
    norms: npt.NDArray[np.int32]
    costs: Costs


class RowStore:
    """Append-only rows of one bureau.

    Attributes:
        n_features: Length of a row.
        n_threads: Threads that ``summarise`` uses; its result does not depend on them.

    Guarantees:
        * ``summarise`` gives the same bits however the rows were appended and wherever they are kept.
        * The file behind a memory map has no name and vanishes with the store, also after a crash.
    """

    def __init__(self, n_features: int, cost_cap_yuan: int, share: MemoryShare | None = None) -> None:
        """Start empty.

        Args:
            n_features: Length of a row.
            cost_cap_yuan: Of the plan.
            share: Memory that rows may take before they move to a memory map; its own default share if None.
        """
        self.n_features = n_features
        self.n_threads = 1
        self._cost_cap_yuan = cost_cap_yuan
        self._share = share or MemoryShare()
        self._waiting: list[tuple[Rows, npt.NDArray[np.int64]]] = []
        self._n_waiting = 0
        self._in_memory: list[Rows] = []
        self._norms: list[npt.NDArray[np.int32]] = []
        self._costs: list[Costs] = []
        self._persons, self._decided = Persons(), Decided()
        self._operations: list[Categories] = []
        self._sizes: list[int] = []
        self._file: IO[bytes] | None = None

    def __len__(self) -> int:
        return sum(self._sizes) + self._n_waiting

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_mapped(self) -> bool:
        """Whether rows have moved to a memory map."""
        return self._file is not None

    def append(
        self,
        rows: Rows,
        total_fen: npt.NDArray[np.int64],
        person_ids: npt.NDArray[np.uint64],
        table: ClaimTable | None = None,
    ) -> None:
        """Add rows, their claims' totals and whose they are; all are the store's from here on, not to be changed.

        Args:
            rows: float32 ``(n, d)``.
            total_fen: ``(n,)``.
            person_ids: ``(n,)``.
            table: The claims, for how they were decided and by whom brought; None if that is not known.

        Raises:
            ValueError: If the rows have another length or type than the store's, or there would be too many.
        """
        fits = rows.shape == (len(total_fen), self.n_features) and len(person_ids) == len(rows)
        if not fits or rows.dtype != np.float32 or person_ids.dtype != np.uint64:
            msg = (
                f"{rows.dtype} rows of shape {rows.shape} do not fit {len(total_fen)} totals, {len(person_ids)} "
                f"persons and {self.n_features} float32 features"
            )
            raise ValueError(msg)
        if len(self) + len(rows) > MAX_ROWS:
            msg = f"a store holds at most {MAX_ROWS} rows"
            raise ValueError(msg)
        self._persons.append(person_ids)
        self._decided.append(table, len(rows))
        self._operations.append(np.full(len(rows), NONE, np.int16) if table is None else categories_of(table))
        self._waiting.append((rows, total_fen))
        self._n_waiting += len(rows)
        if self._n_waiting >= CHUNK_ROWS:
            self._settle()

    def chunks(self) -> Iterator[Chunk]:
        """The rows in the order they came; a mapped chunk is valid until the next one is taken."""
        self._settle()
        offset = 0
        for place, size in enumerate(self._sizes):
            yield Chunk(rows=self._rows(place, size, offset), norms=self._norms[place], costs=self._costs[place])
            offset += size * self.n_features * np.dtype(np.float32).itemsize

    @property
    def n_persons(self) -> int:
        """Distinct insured persons."""
        return self._persons.distinct()

    def weights(self, privacy: Privacy) -> npt.NDArray[np.float64]:
        """The weight that each claim has under these terms, in the order of the rows, 1 at most."""
        return self._persons.weights(privacy.weighting, privacy.claims_per_person, 0, len(self)) / GRID_UNITS

    def summarise(self, centroids: npt.NDArray[np.int64], *, with_costs: bool) -> Summary:
        """The summary of all rows around some centroids.

        Args:
            centroids: Grid units ``(K, d)``.
            with_costs: Whether to sum costs, too.
        """
        zero = Summary.zeros(Shape(len(centroids), self.n_features, with_costs))
        return reduce(
            add, (_summary(chunk, centroids, self.n_threads, with_costs=with_costs) for chunk in self.chunks()), zero
        )

    def answer(self, question: Question, privacy: Privacy) -> npt.NDArray[np.int64]:
        """The words that answer a question, before noise; see ``common.private.answering``.

        Guarantees:
            * As many words, whatever the claims, also if there are none.

        Args:
            question: Of a private round.
            privacy: How claims are weighted.
        """
        if question.phase is Phase.OUTCOMES:
            return self._outcomes(question, privacy)
        if question.guide is not None:
            return self._window(question, question.guide, privacy)
        n_centroids, n_features = question.centroids.shape
        parts = blocks(privacy, question.phase, n_centroids, n_features, question.cost)
        start, total = 0, np.zeros(sum(part.n_words for part in parts), np.int64)
        for chunk in self.chunks():
            weights = self._persons.weights(privacy.weighting, privacy.claims_per_person, start, len(chunk.rows))
            start += len(chunk.rows)
            total = total + raw_answer(
                question,
                chunk.rows,
                chunk.norms,
                chunk.costs,
                weights,
                cap_yuan=self._cost_cap_yuan,
                n_threads=self.n_threads,
            )
        return total

    def _window(self, question: Question, guide: Guide, privacy: Privacy) -> npt.NDArray[np.int64]:
        """Sums of a window's claims; evidence of this bureau is only known once all claims were seen."""
        weights = self._persons.weights(privacy.weighting, privacy.claims_per_person, 0, len(self))
        rows = (chunk.rows for chunk in self.chunks())
        return window_words(rows, weights, self._operations, question, guide=guide, division=privacy.division)

    def _outcomes(self, question: Question, privacy: Privacy) -> npt.NDArray[np.int64]:
        """How the claims were decided; a largest provider is only known once all claims were seen."""
        start, found = 0, self._decided.counting(len(question.centroids))
        for chunk in self.chunks():
            weights = self._persons.weights(privacy.weighting, privacy.claims_per_person, start, len(chunk.rows))
            labels = e_step(chunk.rows, chunk.norms, question.centroids, self.n_threads).labels
            found.add(weights, labels)
            start += len(chunk.rows)
        return found.words()

    def select(self, places: npt.NDArray[np.intp]) -> RowStore:
        """Some of the claims as a store of their own; ``places`` rise."""
        found = RowStore(self.n_features, self._cost_cap_yuan, self._share)
        found.n_threads = self.n_threads
        start = 0
        for chunk in self.chunks():
            part = places[np.searchsorted(places, start) : np.searchsorted(places, start + len(chunk.rows))] - start
            start += len(chunk.rows)
            if len(part):
                found._keep(chunk.rows[part], Costs(yuan=chunk.costs.yuan[part], log=chunk.costs.log[part]))
        found._persons, found._decided = self._persons.select(places), self._decided.select(places)
        found._operations = [np.concatenate([np.zeros(0, np.int16), *self._operations])[places]]
        return found

    def close(self) -> None:
        """Forget all rows."""
        self._share.give_back(sum(rows.nbytes for rows in self._in_memory))
        self._waiting, self._in_memory, self._norms, self._costs, self._sizes = [], [], [], [], []
        self._n_waiting, self._persons, self._decided, self._operations = 0, Persons(), Decided(), []
        if self._file is not None:
            self._file.close()
            self._file = None

    def _settle(self) -> None:
        """Put waiting rows in their place, in chunks."""
        if not self._n_waiting:
            return
        rows = np.concatenate([rows for rows, _ in self._waiting])
        total = np.concatenate([total for _, total in self._waiting])
        self._waiting, self._n_waiting = [], 0
        for start in range(0, len(rows), CHUNK_ROWS):
            part = slice(start, start + CHUNK_ROWS)
            self._keep(rows[part].copy(), costs_of(total[part], self._cost_cap_yuan))

    def _keep(self, rows: Rows, costs: Costs) -> None:
        if self._file is None and not self._share.take(rows.nbytes):
            self._move_to_file()
        if self._file is None:
            self._in_memory.append(rows)
        else:
            rows.tofile(self._file)
        self._norms.append(row_norms(rows))
        self._costs.append(costs)
        self._sizes.append(len(rows))

    def _move_to_file(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="fedclaims-rows-")  # noqa: SIM115  lives as long as the store
        for rows in self._in_memory:
            rows.tofile(self._file)
        self._share.give_back(sum(rows.nbytes for rows in self._in_memory))
        self._in_memory = []

    def _rows(self, place: int, size: int, offset: int) -> Rows:
        if self._file is None:
            return self._in_memory[place]
        self._file.flush()
        return np.memmap(self._file, np.float32, "r", offset, (size, self.n_features))


def _summary(chunk: Chunk, centroids: npt.NDArray[np.int64], n_threads: int, *, with_costs: bool) -> Summary:
    step = e_step(chunk.rows, chunk.norms, centroids, n_threads)
    k = len(centroids)
    costs = sum_costs(chunk.costs, step.labels, k) if with_costs else np.zeros((k, 0), np.int64)
    return Summary(counts=step.counts, sums=step.sums, squares=step.squares, costs=costs)
