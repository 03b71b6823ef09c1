"""Files that are on the disk when a call returns, and belong to one writer."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

from client.ledger.errors import KeyFileError, LedgerBusyError
from common.errors import EngineError, InputError

PRIVATE = 0o600
PRIVATE_DIRECTORY = 0o700


class AppendFile:
    """A file that one process appends to.

    Guarantees:
        * ``append`` returns only when the bytes are on the disk; the file's directory entry was before.
        * While one process has it open, another one is refused, also after a crash of the first, at once.
        * After a failed write nothing more is written: what the disk holds is not known until it is read again.
    """

    def __init__(self, path: Path) -> None:
        """Open for appending, alone.

        Raises:
            InputError: If there is no such file.
            LedgerBusyError: If another process has it.
        """
        try:
            self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            msg = f"there is no ledger in {path.parent}: make one with `fedclaims-bureau ledger init`"
            raise InputError(msg) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            msg = f"another process writes the ledger in {path.parent}; a station has one: stop the other first"
            raise LedgerBusyError(msg) from None
        self._failed = False

    def read(self) -> bytes:
        """All of it, made durable first: what was written before a crash may still be on its way to the disk."""
        os.fsync(self._file)
        return _read_all(self._file)

    def append(self, held: bytes) -> None:
        """Add bytes at the end, durably.

        Raises:
            EngineError: If they could not be written, now or before.
        """
        try:
            if self._failed:
                raise OSError  # noqa: TRY301  one text for both
            self._failed = True
            _write(self._file, held)
            os.fsync(self._file)
            self._failed = False
        except OSError:
            msg = "the ledger could not be written: free some space or mend the disk, then start the station again"
            raise EngineError(msg) from None

    def cut(self, length: int) -> None:
        """Take off what is behind the first ``length`` bytes, durably."""
        os.ftruncate(self._file, length)
        os.fsync(self._file)

    def close(self) -> None:
        """Let others write."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def write_new(path: Path, held: bytes) -> None:
    """Write a file that did not exist, for its owner alone, durably with its directory entry.

    Raises:
        FileExistsError: If it exists.
    """
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
    try:
        _write(file, held)
        os.fsync(file)
    finally:
        os.close(file)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def read_private(path: Path) -> bytes:
    """A file that only its owner may read.

    Raises:
        KeyFileError: If it is missing, no plain file, somebody else's, or open to others.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        msg = f"{path} cannot be opened: it must be a plain file that the station's user may read"
        raise KeyFileError(msg) from None
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
            msg = f"{path} must belong to the station's user and to nobody else: chown it, then chmod 600"
            raise KeyFileError(msg)
        return _read_all(file)
    finally:
        os.close(file)


def read_unlocked(path: Path) -> bytes:
    """The file as it is now; its last record may still be being written.

    Raises:
        InputError: If it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError:
        msg = f"no ledger can be read in {path.parent}: name its directory with --dir"
        raise InputError(msg) from None


def _write(file: int, held: bytes) -> None:
    rest = memoryview(held)
    while rest:
        rest = rest[os.write(file, rest) :]


def _read_all(file: int) -> bytes:
    os.lseek(file, 0, os.SEEK_SET)
    parts = iter(lambda: os.read(file, 1 << 20), b"")
    return b"".join(parts)
