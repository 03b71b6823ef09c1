"""The first pass over a source: which claim keys repeat, and what was refunded from which claim.

Its memory is 8 bytes a claim while it runs; afterwards only repeated keys and refunds remain.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from client.claims.batch import BatchReader, CheckedBatch
from client.claims.reasons import Mask, Reason, Verdicts
from client.claims.sources.source import ClaimSource

Hashes = npt.NDArray[np.int64]
Fen = npt.NDArray[np.int64]


class DuplicateGuard:
    """Tells the first row of each repeated key from the later ones, over one pass.

    Guarantees:
        * Of all rows with one key, the first is let through and the others are not.
    """

    def __init__(self, repeated: Hashes) -> None:
        """Start a pass over rows of which these keys, sorted, occur more than once."""
        self._repeated = repeated
        self._seen = np.zeros(len(repeated), np.bool_)

    @property
    def is_needed(self) -> bool:
        """Whether any key occurs more than once."""
        return len(self._repeated) > 0

    def later(self, hashes: Hashes, considered: Mask) -> Mask:
        """The considered rows whose key was seen before, in this batch or an earlier one."""
        result = np.zeros(len(hashes), np.bool_)
        places, found = _find(self._repeated, hashes)
        rows = np.flatnonzero(found & considered)
        unseen = rows[~self._seen[places[rows]]]
        first = unseen[np.unique(places[unseen], return_index=True)[1]]
        result[rows] = True
        result[first] = False
        self._seen[places[rows]] = True
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What the first pass found out.

    Attributes:
        repeated: Keys of more than one row, sorted.
        refunded: Keys of claims from which something was refunded, sorted.
        known: Whether the claim of each of ``refunded`` is in the file.
        amounts: Fen ``(k, 15)`` refunded from each: the fourteen fee categories, then the total; negative.
    """

    repeated: Hashes
    refunded: Hashes
    known: Mask
    amounts: Fen

    def net(self, checked: CheckedBatch) -> tuple[Fen, Fen, Mask]:
        """Total and fees of a batch after its refunds, and the rows from which something was refunded."""
        total, fees = checked.money.total, checked.money.fees
        if not len(self.refunded):
            return total, fees, np.zeros(len(total), np.bool_)
        places, found = _find(self.refunded, checked.names.hashes())
        touched = found & ~checked.names.refund
        total, fees = total.copy(), fees.copy()
        fees[touched] += self.amounts[places[touched], :-1]
        total[touched] += self.amounts[places[touched], -1]
        return total, fees, touched

    def has_claim(self, checked: CheckedBatch) -> Mask:
        """The rows that are refunds of a claim in the file."""
        places, found = _find(self.refunded, checked.names.originals())
        return found & checked.names.refund & (self.known[places] if len(self.known) else False)


def settle(source: ClaimSource, reader: BatchReader, columns: tuple[str, ...], codes: tuple[str, ...]) -> Settlement:
    """Read the keys of all rows, and then, if there are refunds, these in full.

    Raises:
        SourceError: If the source cannot be read.
    """
    claims, refunds = _keys(source, reader)
    claims.sort()
    repeated = np.unique(claims[1:][claims[1:] == claims[:-1]])
    refunded = np.unique(refunds)
    known = _find(claims, refunded)[1]
    amounts = np.zeros((len(refunded), 15), np.int64)
    if len(refunded):
        for checked in _refunds_only(source, reader, columns, codes, DuplicateGuard(repeated)):
            keep = checked.verdicts.accepted
            rows = np.hstack([checked.money.fees, checked.money.total[:, None]])
            np.add.at(amounts, np.searchsorted(refunded, checked.names.originals()[keep]), rows[keep])
    return Settlement(repeated=repeated, refunded=refunded, known=known, amounts=amounts)


def blame_repeated(guard: DuplicateGuard, reader: BatchReader, checked: CheckedBatch) -> None:
    """Report the later rows of repeated keys to the verdict."""
    if guard.is_needed:
        later = guard.later(checked.names.hashes(), reader.unique_rows(checked.names))
        checked.verdicts.blame(Reason.DUPLICATE_CLAIM_KEY, later)


def _keys(source: ClaimSource, reader: BatchReader) -> tuple[Hashes, Hashes]:
    claims, refunds = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for batch in source.batches(reader.key_columns):
        names = reader.names(batch, Verdicts(batch.num_rows))
        claims.append(names.hashes()[reader.unique_rows(names)])
        refunds.append(names.originals()[names.refund])
    return np.concatenate(claims), np.concatenate(refunds)


def _refunds_only(
    source: ClaimSource, reader: BatchReader, columns: tuple[str, ...], codes: tuple[str, ...], guard: DuplicateGuard
) -> Iterator[CheckedBatch]:
    """The refunds of each batch, without later rows of a repeated key."""
    for batch in source.batches(columns, codes=codes):
        names = reader.names(batch, Verdicts(batch.num_rows))
        refund = names.refund & ~guard.later(names.hashes(), reader.unique_rows(names))
        if refund.any():
            yield reader.read(batch.filter(pa.array(refund)))


def _find(sorted_hashes: Hashes, hashes: Hashes) -> tuple[npt.NDArray[np.int64], Mask]:
    """Where each hash stands in a sorted array (anywhere if it does not), and whether it does."""
    if not len(sorted_hashes):
        return np.zeros(len(hashes), np.int64), np.zeros(len(hashes), np.bool_)
    places = np.minimum(np.searchsorted(sorted_hashes, hashes), len(sorted_hashes) - 1)
    return places, sorted_hashes[places] == hashes
