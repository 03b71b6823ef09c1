"""What is in a claim besides its key, as digests: the same content has the same one, alone or in any batch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from client.router.claims import RoutedClaims
from common.columns import ATTRIBUTES, MISSING, CodeColumn

CONTENT_BYTES, CARE_BYTES = 16, 8

_CODE_BYTES = 16
_DATES_AND_PARTS = ("admitted", "discharged", "settled", "fund_fen", "person_fen", "hospital_fen",
                    "referred", "refused_automation")  # fmt: skip


def contents(claims: RoutedClaims) -> list[bytes]:
    """Of each claim ``CONTENT_BYTES``. Whether the person refused automated decisions counts as content."""
    fixed = _rows(_fixed(claims))
    diagnoses, operations = _lists(claims.table.diagnoses), _lists(claims.table.operations)
    return list(map(_content, fixed, _given(diagnoses, len(claims)), _given(operations, len(claims))))


def cares(claims: RoutedClaims) -> npt.NDArray[np.int64]:
    """Of each claim 64 bits of what it is about, whether the person refused automated decisions or not; never 0."""
    if not len(claims):
        return np.empty(0, np.int64)
    unheard = replace(claims, refused_automation=np.zeros(len(claims), np.bool_))
    return np.array([care_in(content) for content in contents(unheard)], np.int64)


def care_in(content: bytes) -> int:
    """The same of one content in which nobody refused."""
    return int.from_bytes(content[:CARE_BYTES], "big", signed=True) or 1


def _content(fixed: bytes, diagnoses: bytes, operations: bytes) -> bytes:
    """The length of the middle part makes the split of the three certain: the first is of one length."""
    length = len(diagnoses).to_bytes(4, "little")
    return hashlib.sha256(b"%b%b%b%b" % (fixed, length, diagnoses, operations)).digest()[:CONTENT_BYTES]


def _fixed(claims: RoutedClaims) -> npt.NDArray[np.uint8]:
    """Everything that every claim has once, as bytes a row."""
    table = claims.table
    numbers = [table.total, table.stay_days, table.age_days, table.person_id.view(np.int64)]
    numbers += [getattr(claims, name) for name in _DATES_AND_PARTS]
    parts = [np.stack([np.asarray(one, "<i8") for one in numbers], axis=1), np.asarray(table.fees, "<i8")]
    codes = [*(table.attributes.get(name) for name in ATTRIBUTES), table.text]
    given = [_digests(one, len(claims)) for one in codes]
    return np.concatenate([*(np.ascontiguousarray(part).view(np.uint8) for part in parts), *given], axis=1)


def _digests(column: CodeColumn | None, n_claims: int) -> npt.NDArray[np.uint8]:
    """Bytes that stand for the code of each claim; zeros for none."""
    if column is None or not column.values:
        return np.zeros((n_claims, _CODE_BYTES), np.uint8)
    known = b"".join(hashlib.blake2b(code.encode(), digest_size=_CODE_BYTES).digest() for code in column.values)
    table = np.zeros((len(column.values) + 1, _CODE_BYTES), np.uint8)
    table[:-1] = np.frombuffer(known, np.uint8).reshape(-1, _CODE_BYTES)
    return table[column.indices]  # MISSING is -1: the zeros at the end


def _lists(columns: tuple[CodeColumn, ...]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Codes side by side as bytes a row, and how many bytes of each row are given."""
    if not columns:
        return np.zeros((0, 0), np.uint8), np.zeros(0, np.int64)
    last = np.zeros(len(columns[0].indices), np.int64)
    for place, column in enumerate(columns):
        last[column.indices != MISSING] = place + 1
    held = [_digests(column, len(last)) for column in columns]
    return np.concatenate(held, axis=1), last * _CODE_BYTES


def _given(lists: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]], n_claims: int) -> Iterator[bytes]:
    held, lengths = lists
    if not len(held):
        yield from [b""] * n_claims
        return
    flat, width = held.tobytes(), held.shape[1]
    for row, length in enumerate(lengths.tolist()):
        yield flat[row * width : row * width + length]


def _rows(matrix: npt.NDArray[np.uint8]) -> Iterator[bytes]:
    flat, width = matrix.tobytes(), matrix.shape[1]
    return (flat[start : start + width] for start in range(0, len(flat), width))
