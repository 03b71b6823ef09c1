"""Noised vectors, kept encrypted so that a retry gets the same bytes: one file for each entry that paid.

A file counts only once the ledger has an entry with its SHA-256. Files of sessions that are over may be deleted: the
release stays spent and can never be drawn again.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from client.ledger.durable import write_new
from client.ledger.errors import BrokenLedgerError, ReleaseError
from client.ledger.keys import StationKey
from common.errors import EngineError, InputError

_NONCE_BYTES = 12
_NAME = re.compile(r"[0-9]{10}")


class Vectors:
    """The directory of kept vectors."""

    def __init__(self, directory: Path, key: StationKey) -> None:
        """Use a directory that exists."""
        self._directory, self._key = directory, key

    def keep(self, number: int, entry_digest: str, vector: bytes) -> str:
        """Write the vector that entry ``number`` paid for, durably.

        Returns:
            The file's SHA-256, hexadecimal.

        Raises:
            ReleaseError: If there is one already, whole or not.
            EngineError: If the disk fails.
        """
        nonce = os.urandom(_NONCE_BYTES)
        cipher = AESGCM(self._key.vector_key(entry_digest))
        held = nonce + cipher.encrypt(nonce, vector, bytes.fromhex(entry_digest))
        try:
            write_new(self._path(number), held)
        except FileExistsError:
            raise ReleaseError("this release is kept already") from None
        except OSError:
            msg = "a vector could not be kept, so it must not be sent: free some space or mend the disk"
            raise EngineError(msg) from None
        return hashlib.sha256(held).hexdigest()

    def kept(self, number: int, entry_digest: str, file_digest: str) -> bytes | None:
        """The vector again, or None if its file was deleted.

        Raises:
            BrokenLedgerError: If the file is not the one that was written.
        """
        try:
            held = self._path(number).read_bytes()
        except FileNotFoundError:
            return None
        if hashlib.sha256(held).hexdigest() != file_digest:
            raise BrokenLedgerError("the vector it keeps was changed", entry=number)
        cipher = AESGCM(self._key.vector_key(entry_digest))
        try:
            return cipher.decrypt(held[:_NONCE_BYTES], held[_NONCE_BYTES:], bytes.fromhex(entry_digest))
        except InvalidTag:
            raise BrokenLedgerError("the vector it keeps was encrypted with another key", entry=number) from None

    def forget(self, number: int) -> None:
        """Delete the vector of an entry, if it is there."""
        self._path(number).unlink(missing_ok=True)

    def _path(self, number: int) -> Path:
        return vector_path(self._directory, number)


def vector_path(directory: Path, number: int) -> Path:
    """Where the vector of an entry is kept."""
    return directory / f"{number:010d}"


def kept_numbers(directory: Path) -> list[int]:
    """Which entries have a file, rising.

    Raises:
        InputError: If the directory is not there.
    """
    if not directory.is_dir():
        msg = f"no ledger can be read in {directory.parent}: it needs its directory {directory.name}, even if empty"
        raise InputError(msg)
    return sorted(int(path.name) for path in directory.iterdir() if _NAME.fullmatch(path.name))
