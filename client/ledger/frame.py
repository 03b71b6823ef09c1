"""How entries lie in the file: one after another, each behind a header that says how long it is.

The header carries its own check sum. Without it, a flipped bit in the last entry's length would look like an entry that
was being written when the power went, and be cut off: a release would be forgotten.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

_MAGIC = b"fcL1"
_HEAD = struct.Struct(">4sI")
_SUM = struct.Struct(">I")
HEADER_BYTES = _HEAD.size + _SUM.size
MOST_BYTES = 1 << 16


class FrameError(ValueError):
    """Bytes that no ledger wrote.

    Attributes:
        offset: Where they begin.
    """

    def __init__(self, offset: int) -> None:
        """Say where."""
        super().__init__(f"no entry begins at byte {offset}")
        self.offset = offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One whole record.

    Attributes:
        offset: Where it begins.
        end: Where the next one begins.
        payload: What is in it.
    """

    offset: int
    end: int
    payload: bytes


def frame(payload: bytes) -> bytes:
    """A record as it lies in the file.

    Raises:
        ValueError: If it is empty or longer than 64 KiB.
    """
    if not 0 < len(payload) <= MOST_BYTES:
        msg = f"a record has 1 to {MOST_BYTES} bytes, not {len(payload)}"
        raise ValueError(msg)
    head = _HEAD.pack(_MAGIC, len(payload))
    return head + _SUM.pack(zlib.crc32(head)) + payload


def frames(held: bytes) -> Iterator[Frame]:
    """The whole records of a file.

    Guarantees:
        * What is behind the last one is the beginning of a record that was never finished: it is shorter than its own
          header says, or than a header.

    Raises:
        FrameError: At the first header that is none.
    """
    offset = 0
    while offset + HEADER_BYTES <= len(held):
        start = offset + HEADER_BYTES
        end = start + _length(held[offset:start], offset)
        if end > len(held):
            return
        yield Frame(offset=offset, end=end, payload=held[start:end])
        offset = end


def _length(header: bytes, offset: int) -> int:
    magic, length = _HEAD.unpack_from(header)
    (check,) = _SUM.unpack_from(header, _HEAD.size)
    if magic != _MAGIC or check != zlib.crc32(header[: _HEAD.size]) or not 0 < length <= MOST_BYTES:
        raise FrameError(offset)
    return int(length)
