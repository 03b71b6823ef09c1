"""The size a Parquet dictionary page claims to have, read from its header alone.

The sizes in a footer and the sizes in page headers are written separately, and a reader allocates what the
page header says: a small file may ask for gigabytes. The header is a Thrift struct in the compact protocol,
of which the first fields suffice: 1 page type, 2 uncompressed size, 3 compressed size, all integers.
"""

from __future__ import annotations

from typing import IO, Any

_HEADER_BYTES = 64
_UNCOMPRESSED_SIZE = 2
_INT32 = 5
_MOST_SHIFT = 63


def dictionary_bytes(file: IO[bytes], chunk: Any) -> int:
    """The uncompressed size of a column chunk's first page, which is the dictionary if there is one.

    Returns:
        0 if the chunk has no dictionary, -1 (beyond every limit) if the header makes no sense.
    """
    start = chunk.dictionary_page_offset
    if start is None:
        return 0
    if start < 0:
        return -1
    file.seek(start)
    return uncompressed_size(file.read(_HEADER_BYTES))


def uncompressed_size(header: bytes) -> int:
    """Field 2 of a page header, -1 if it is not where it must be."""
    field, place = 0, 0
    try:
        while field < _UNCOMPRESSED_SIZE:
            delta, kind = header[place] >> 4, header[place] & 15
            if delta == 0 or kind != _INT32:
                return -1
            field += delta
            number, place = _varint(header, place + 1)
    except IndexError:
        return -1
    return (number >> 1) ^ -(number & 1) if field == _UNCOMPRESSED_SIZE else -1


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A base-128 integer and the place behind it."""
    number = shift = 0
    while shift <= _MOST_SHIFT:
        byte = data[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:  # noqa: PLR2004 - the top bit says that more follows
            return number, place
        shift += 7
    raise IndexError
