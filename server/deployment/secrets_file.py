"""Secrets that lie in files of their own: the first line of a file that nobody else may read."""

from __future__ import annotations

from pathlib import Path

from common.errors import InputError
from server.deployment.configuration import Configuration
from server.deployment.place import Place


def first_line(path: Path) -> bytes:
    """The first line of a file.

    Raises:
        InputError: If it cannot be read, or is empty.
    """
    try:
        found = path.read_bytes().partition(b"\n")[0].strip()
    except OSError:
        found = b""
    if not found:
        msg = f"{path} holds no secret that this user may read"
        raise InputError(msg)
    return found


def passphrase_of(place: Place, configuration: Configuration) -> bytes | None:
    """Of the identity's key file; None if it has none.

    Raises:
        InputError: If its file cannot be read.
    """
    path = configuration.keys.passphrase_file
    return None if path is None else first_line(place.within(path))
