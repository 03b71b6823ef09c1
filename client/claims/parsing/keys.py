"""Keys of claims and persons: one or several columns as one text a row, and as 64 bits."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from client.claims.parsing.parsed import is_text, nulls, plain_text, wrong_type
from client.claims.reasons import Mask, Reason, Verdicts

SEPARATOR = "\x1f"
"""Stands between the columns of a key (the unit separator: it occurs in no key)."""

_MOST_CHARACTERS = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """One key a row.

    Attributes:
        text: Strings; null where a part of the key is missing.
        missing: Where it is null.
    """

    text: pa.Array
    missing: Mask

    def report(self, verdicts: Verdicts) -> None:
        """Hand missing and over-long keys to the verdict over the batch."""
        if self.missing.any():
            verdicts.blame(Reason.MISSING_KEY, self.missing)
        lengths = np.asarray(pc.utf8_length(self.text).fill_null(0))
        if len(lengths) and lengths.max() > _MOST_CHARACTERS:
            verdicts.blame(Reason.ILL_FORMED_KEY, lengths > _MOST_CHARACTERS)


def normal_key(text: str) -> str:
    """The one spelling of a key: NFKC, without blanks around; empty if nothing is left.

    Guarantees:
        * Whatever way a key comes in (a column, a register, a single claim), this is what it is compared by.
        * What is normal stays as it is.
    """
    return unicodedata.normalize("NFKC", text).strip()


def parse_keys(columns: Sequence[pa.Array]) -> Keys:
    """The key that some columns make together, each part in its one spelling.

    Raises:
        SourceError: If a column holds neither text nor whole numbers nor dates.
    """
    parts = [_as_text(column) for column in columns]
    text = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, pa.scalar(SEPARATOR, pa.large_string()))
    return Keys(text=text, missing=nulls(text))


def hash_keys(text: pa.Array) -> npt.NDArray[np.int64]:
    """64 bits a key, the same within one process; null is 0.

    Python's own string hash: SipHash under a key drawn at the start of the process, so that no file can be
    made whose keys collide. Two of 100 million distinct keys collide with a probability of 3 in 10,000.
    """
    names = text.to_numpy(zero_copy_only=False)
    return np.fromiter(map(hash, names), np.int64, len(names)) * (1 - nulls(text))


def _as_text(column: pa.Array) -> pa.Array:
    kind = column.type
    if is_text(kind):
        return _normal(plain_text(column).cast(pa.large_string()))
    whole = pa.types.is_integer(kind) or pa.types.is_date(kind) or pa.types.is_timestamp(kind)
    if not (whole or pa.types.is_null(kind)):
        raise wrong_type("keys", kind)
    return pc.cast(column, pa.large_string())


def _normal(text: pa.Array) -> pa.Array:
    """``normal_key`` of each text; what is empty becomes null. ASCII, nearly all there is, only loses blanks."""
    if pc.all(pc.string_is_ascii(text), min_count=0).as_py():
        found = pc.utf8_trim_whitespace(text)
    else:
        found = pa.array([None if one is None else normal_key(one) for one in text.to_pylist()], pa.large_string())
    return pc.if_else(pc.equal(pc.binary_length(found), 0), pa.scalar(None, found.type), found)
