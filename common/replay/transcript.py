"""The transcript's form: a session's messages, each with its length before it, and a digest at the end.

``fedclaims/transcript/1`` and a line feed; then for each message its length (four bytes, big-endian, not zero) and its
bytes; then a length of zero and SHA-256 of everything before that digest. Signatures inside the messages say who said
what; the digest alone tells a file that was cut, or changed where nothing is signed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from common.errors import RefusedError
from common.wire import MAX_BYTES

MAGIC = b"fedclaims/transcript/1\n"
LENGTH_BYTES = 4
END = bytes(LENGTH_BYTES)


class ReplayError(RefusedError):
    """The transcript is not that of a session that went by the rules; the text says where it departs from them."""


class TranscriptWriter:
    """Writes a transcript as a session goes; holds nothing back."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        """Begin a transcript; ``write`` takes its bytes, piece by piece."""
        self._write, self._digest = write, hashlib.sha256()
        self._put(MAGIC)

    def record(self, message: bytes) -> None:
        """Add a message.

        Raises:
            ValueError: If it is empty.
        """
        if not message:
            msg = "no message is empty"
            raise ValueError(msg)
        self._put(len(message).to_bytes(LENGTH_BYTES, "big"))
        self._put(message)

    def close(self) -> None:
        """End the transcript; without this it counts for nothing."""
        self._put(END)
        self._write(self._digest.digest())

    def _put(self, held: bytes) -> None:
        self._digest.update(held)
        self._write(held)


def messages_in(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """The messages of a transcript, one at a time.

    Guarantees:
        * Ends without an error only if the whole transcript is there, unchanged, with nothing behind it.

    Args:
        read: Gives the next bytes, as many as asked for, fewer at the end alone.

    Raises:
        ReplayError: If it is no transcript, was cut, or changed.
    """
    digest = hashlib.sha256()

    def taken(size: int) -> bytes:
        held = read(size)
        if len(held) != size:
            raise ReplayError("the transcript was cut, or is none: ask for the whole file")
        digest.update(held)
        return held

    if taken(len(MAGIC)) != MAGIC:
        raise ReplayError("this is no transcript of version 1")
    while (length := int.from_bytes(taken(LENGTH_BYTES), "big")) != 0:
        if length > MAX_BYTES:
            raise ReplayError("the transcript announces a message that no session has")
        yield taken(length)
    if read(digest.digest_size) != digest.digest() or read(1):
        raise ReplayError("the transcript was changed after it was written")
