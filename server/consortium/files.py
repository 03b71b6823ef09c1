"""The coordinator's files: keys for their owner alone, everything on the disk when a call returns."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.consortium.identity import Identity
from common.consortium.pem import PemError, of_pem, to_pem
from common.consortium.signed import MOST_BYTES
from common.errors import EngineError, InputError

PRIVATE, PRIVATE_DIRECTORY = 0o600, 0o700


class KeyFileError(InputError):
    """The key file is missing, somebody else's, open to others, or not readable under this passphrase."""


def make_directory(path: Path) -> None:
    """A new directory for its owner alone, or an empty one.

    Raises:
        InputError: If there is something in it, or it cannot be made.
    """
    try:
        path.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        filled = any(path.iterdir())
        _sync(path.parent)
    except OSError:
        filled = True
    if filled:
        msg = f"{path} is not empty or cannot be made: a new consortium takes a new directory"
        raise InputError(msg)


def write_key(path: Path, identity: Identity, passphrase: bytes | None) -> None:
    """Write an identity for its owner alone; encrypted under a passphrase.

    Raises:
        InputError: If the file exists (it is never written over), or cannot be written.
    """
    try:
        _write_new(path, to_pem(identity, passphrase))
    except OSError:
        msg = f"{path} exists already or cannot be written: a key is never written over, name another file"
        raise InputError(msg) from None


def load_key(path: Path, passphrase: bytes | None) -> Identity:
    """The identity in a file.

    Raises:
        KeyFileError: If it cannot be used; the text says what to do.
    """
    held = read_private(path)
    try:
        return of_pem(held, passphrase)
    except PemError as error:
        msg = f"the key {path}: {error}"
        raise KeyFileError(msg) from None


def read_private(path: Path) -> bytes:
    """A file that nobody else may read.

    Raises:
        KeyFileError: If it cannot be read, or is open to others.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        msg = f"{path} cannot be opened: it must be a plain file that you may read"
        raise KeyFileError(msg) from None
    with os.fdopen(file, "rb") as held:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
            msg = f"{path} must belong to you and be readable by nobody else: chown it, then chmod 600"
            raise KeyFileError(msg)
        return held.read(MOST_BYTES)


def read_bounded(path: Path) -> bytes:
    """A public file, not longer than any of them may be.

    Raises:
        InputError: If it cannot be read, or is too long.
    """
    try:
        with path.open("rb") as file:
            held = file.read(MOST_BYTES + 1)
    except OSError:
        msg = f"{path} cannot be read: name the file, or begin with `fedclaims-coordinator roster init`"
        raise InputError(msg) from None
    if len(held) > MOST_BYTES:
        msg = f"{path} is larger than {MOST_BYTES} bytes; it cannot be the right file"
        raise InputError(msg)
    return held


def replace(path: Path, held: bytes) -> None:
    """Put a whole file in the place of another, durably.

    Raises:
        EngineError: If the disk fails; the old file is still whole.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        new.unlink(missing_ok=True)
        _write_new(new, held)
        new.replace(path)
        _sync(path.parent)
    except OSError:
        msg = f"{path} could not be written: free some space or mend the disk, then try again"
        raise EngineError(msg) from None


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """While this lasts, no other process is in this directory.

    Raises:
        InputError: If there is no such directory.
    """
    try:
        held = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        msg = f"there is no directory {directory}: name it with --dir, or begin with `roster init`"
        raise InputError(msg) from None
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _write_new(path: Path, held: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
    with os.fdopen(file, "wb") as writing:
        writing.write(held)
        writing.flush()
        os.fsync(file)
    _sync(path.parent)


def _sync(directory: Path) -> None:
    file = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
