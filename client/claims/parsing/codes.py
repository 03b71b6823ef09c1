"""Codes: each distinct value is checked and normalised once, the rows only carry an index to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from client.claims.identifiers import looks_like_identifier
from client.claims.parsing.parsed import Faults, faults_of, is_text, wrong_type
from client.claims.reasons import Reason
from common.columns import MISSING, CodeColumn, normalise_code
from common.errors import IdentifierError

Indices = npt.NDArray[np.int32]

_CODE = re.compile(r"[A-Za-z0-9.+*/x_-]{1,32}")
_MEMORY = 1 << 18
_FAULTY = MISSING - 1


def check_code(value: str) -> Reason | None:
    """The allow-list of ``common.claim.Code``."""
    return None if _CODE.fullmatch(value) else Reason.ILL_FORMED_CODE


def check_key(value: str) -> Reason | None:
    """The length limit of ``common.claim.Key``."""
    return None if len(value) <= 128 else Reason.ILL_FORMED_KEY  # noqa: PLR2004


def check_sex(value: str) -> Reason | None:
    """The closed list of ``Claim.gend``."""
    return None if value in {"0", "1", "2", "9"} else Reason.UNKNOWN_VALUE


def check_text(value: str) -> Reason | None:
    """The length limit of ``Claim.dscr_text``."""
    return None if len(value) <= 4096 else Reason.TEXT_TOO_LONG  # noqa: PLR2004


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """Indices into the reader's ``values``, ``MISSING`` where nothing was given or it was faulty."""

    indices: Indices
    faults: Faults


class CodeReader:
    """Reads the columns of one kind of code, remembering each distinct value it has judged.

    Guarantees:
        * Indices from one batch (between two calls of ``start_batch``) point into the same ``values``.
        * What is remembered is bounded, however many distinct values a file has.
    """

    def __init__(
        self,
        check: Callable[[str], Reason | None],
        *,
        translation: Mapping[str, str] | None = None,
        may_identify: bool = False,
    ) -> None:
        """Prepare to read codes.

        Args:
            check: What is wrong with a value, None if nothing is.
            translation: What some values stand for; applied before the check.
            may_identify: Whether values may look like identity or mobile numbers.
        """
        self._check = check
        self._translation = dict(translation or {})
        self._may_identify = may_identify
        self._forget()

    def _forget(self) -> None:
        self.values: list[str] = []
        self._places: dict[str, int] = {}
        self._judged: dict[str, int] = {}
        self._faults: list[Reason] = []
        self._lookups: dict[str, tuple[pa.Array, Indices]] = {}

    def start_batch(self) -> None:
        """Allow the reader to forget."""
        if len(self._judged) > _MEMORY:
            self._forget()

    def read(self, name: str, column: pa.Array) -> Codes:
        """The codes of one column.

        Raises:
            IdentifierError: If a value is a national identity number or a mobile number.
            SourceError: If the column cannot hold codes.
        """
        encoded = dictionary_encoded(column)
        places = row_places(encoded)
        found = self._lookup(name, encoded.dictionary)[places]
        if not len(found) or found.min() >= MISSING:
            return Codes(indices=found, faults=())
        faults = faults_of(*((reason, found == _FAULTY - rank) for rank, reason in enumerate(self._faults)))
        return Codes(indices=np.maximum(found, MISSING), faults=faults)

    def _lookup(self, name: str, dictionary: pa.Array) -> Indices:
        """What each entry of a dictionary stands for; the slot after the last one is null's."""
        known = self._lookups.get(name)
        if known is not None and known[0].equals(dictionary):
            return known[1]
        entries = dictionary.to_pylist()
        judged = [
            self._judge(name, entry) if place is None else place
            for entry, place in zip(entries, map(self._judged.get, entries), strict=True)
        ]
        lookup = np.array([*judged, MISSING], np.int32)
        self._lookups[name] = (dictionary, lookup)
        return lookup

    def _judge(self, name: str, raw: str | None) -> int:
        """Where in ``values`` a raw value stands, ``MISSING``, or the fault below it."""
        if raw is None:
            return MISSING
        if (known := self._judged.get(raw)) is None:
            known = self._judged[raw] = self._judge_new(name, raw.strip(" \t\r\n\v\f"))
        return known

    def _judge_new(self, name: str, value: str) -> int:
        if not value:
            return MISSING
        if not self._may_identify and looks_like_identifier(value):
            msg = (
                f"column {name!r} holds national identity numbers or mobile numbers; "
                "remove it from the mapping, or have them removed from the file"
            )
            raise IdentifierError(msg)
        code = self._translation.get(value, value)
        if (reason := self._check(code)) is not None:
            if reason not in self._faults:
                self._faults.append(reason)
            return _FAULTY - self._faults.index(reason)
        normal = normalise_code(code)
        place = self._places.setdefault(normal, len(self.values))
        if place == len(self.values):
            self.values.append(normal)
        return place


def dictionary_encoded(column: pa.Array) -> pa.Array:
    """The column as a dictionary of strings; whole numbers and booleans are written out.

    Raises:
        SourceError: If the column holds something that is no code.
    """
    kind = column.type
    if pa.types.is_dictionary(kind) and is_text(kind):
        return column
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind):
        column = column.cast(pa.string())
    elif not is_text(kind):
        raise wrong_type("codes", kind)
    return column.dictionary_encode()


def row_places(encoded: pa.Array) -> Indices:
    """Each row's place in the dictionary, the slot after the last one for null."""
    indices = encoded.indices
    if indices.null_count:
        indices = indices.cast(pa.int32()).fill_null(len(encoded.dictionary))
    return np.asarray(indices)


def compact(indices: Indices, values: Sequence[str]) -> CodeColumn:
    """A column of its own: only values that occur in it, in the order of their first appearance."""
    n_rows, n_values = len(indices), len(values)
    first = np.full(n_values + 1, n_rows, np.int64)
    first[indices[::-1]] = np.arange(n_rows - 1, -1, -1)  # the last assignment stands: the first appearance
    used = np.flatnonzero(first[:n_values] < n_rows)
    used = used[np.argsort(first[used], kind="stable")]
    relabel = np.full(n_values + 1, MISSING, np.int32)
    relabel[used] = np.arange(len(used), dtype=np.int32)
    return CodeColumn(indices=relabel[indices], values=tuple(map(values.__getitem__, used.tolist())))
