"""Keyed digests of claims: what stands for a claim's key, and for what is in it, in the claim book."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from client.claims.pseudonym import Pseudonymiser
from common.columns import ClaimTable, CodeColumn

Digests = npt.NDArray[np.uint64]

_DOMAIN = b"fedclaims claim book 1 "
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
"""Of the finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""


class ClaimDigester:
    """Digests of 64 bits under the bureau's own key.

    Guarantees:
        * Without the key neither a claim's key nor its content can be confirmed from a digest.
        * The digest of a content depends on the claim alone: not on its batch, the plan, or columns without a value.
        * If two digests agree by chance (1 in 2**64 a pair), a claim stays out of a window; none enters twice.
    """

    def __init__(self, key: bytes) -> None:
        """Take the key of the bureau's pseudonyms; keys of this use alone are derived from it."""
        self._keys = Pseudonymiser(hmac.digest(key, _DOMAIN + b"keys", "sha256"))
        self._contents = Pseudonymiser(hmac.digest(key, _DOMAIN + b"contents", "sha256"))

    def keys(self, names: Iterable[str]) -> Digests:
        """Of claim keys ``(n,)``."""
        return self._keys.person_ids(name.encode() for name in names)

    def contents(self, table: ClaimTable) -> Digests:
        """Of what stands in claims ``(n,)``."""
        return self._contents.person_ids(_mixed_rows(table).view("V8").tolist())


def _mixed_rows(table: ClaimTable) -> Digests:
    """All columns of each claim in one number, without a key yet."""
    found = np.zeros(len(table), np.uint64)
    lists = {"diagnoses": table.diagnoses, "operations": table.operations}
    for name, columns in (*lists.items(), *((name, (one,)) for name, one in sorted(table.attributes.items()))):
        for column in columns:
            found = _with_code(found, name, column)
    if table.text is not None:
        found = _with_code(found, "text", table.text)
    numbers = [*table.fees.T, table.total, table.stay_days, table.age_days, table.person_id]
    for place, column in enumerate(numbers):
        found = _mixed(found + np.uint64(place + 1), column.astype(np.uint64))
    return np.ascontiguousarray(found)


def _with_code(found: Digests, name: str, column: CodeColumn) -> Digests:
    """A column of codes; where a claim has none, nothing changes."""
    values = np.array([_digest(f"{name}\x1f{value}") for value in column.values] + [0], np.uint64)[column.indices]
    return np.where(column.indices < 0, found, _mixed(found, values))


def _mixed(found: Digests, values: Digests) -> Digests:
    """Two numbers in one; their order counts."""
    mixed = (found ^ (found >> np.uint64(30))) * _FIRST ^ values
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), np.uint64)


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
