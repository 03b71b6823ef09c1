"""Sheets: the records of one commit, one behind the other, compressed as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from client.router.records import Records
from client.router.store.opening import StoreError

MOST_RECORDS = 4096
"""On one sheet: whoever wants one record reads its sheet."""

_CODEC = "zstd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Some records as they are kept.

    Attributes:
        ends: Little-endian int32: where each record ends.
        held: The records, compressed.
    """

    ends: bytes
    held: bytes

    @classmethod
    def of(cls, records: Sequence[bytes]) -> Sheet:
        """The sheet of some records; at least one."""
        lying = Records.of(records)
        held = pa.compress(pa.py_buffer(lying.flat), _CODEC, asbytes=True)
        return cls(ends=lying.ends.astype("<i4").tobytes(), held=held)

    def records(self) -> list[bytes]:
        """All of them, in order.

        Raises:
            StoreError: If the sheet is damaged.
        """
        ends = np.frombuffer(self.ends, "<i4").tolist()
        try:
            flat = pa.decompress(self.held, decompressed_size=ends[-1], codec=_CODEC, asbytes=True)
        except (pa.ArrowException, OSError, ValueError, IndexError):
            msg = "a sheet of decision records is damaged: restore the store from its copy"
            raise StoreError(msg) from None
        return [flat[start:end] for start, end in zip([0, *ends], ends, strict=False)]
