"""Copies of what a proxy reads, in its own directory: for a proxy whose user may not enter the coordinator's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from common.errors import EngineError, InputError
from server.consortium.files import PRIVATE
from server.proxy.sites import Sites

PUBLIC = 0o644


def copied(site: Sites) -> Sites:
    """The same sites over copies in the proxy's own directory.

    Guarantees:
        * A copy is whole, belongs to whom the directory belongs to, and of the key it is for that user alone.
        * Nothing is written outside the directory, whatever its user has put there.

    Raises:
        InputError: If the directory is not there, or a file cannot be read.
        EngineError: If a copy cannot be written.
    """
    with _opened(site.directory) as directory:
        for path in (site.certificate, site.root, site.revocations, *site.clients):
            _copy(path, directory, PUBLIC)
        _copy(site.key, directory, PRIVATE)
    return replace(
        site,
        certificate=site.directory / site.certificate.name,
        key=site.directory / site.key.name,
        root=site.directory / site.root.name,
        revocations=site.directory / site.revocations.name,
        clients=tuple(site.directory / one.name for one in site.clients),
    )


@contextmanager
def _opened(directory: Path) -> Iterator[int]:
    try:
        held = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        msg = f"{directory} is no directory that can be entered: make the proxy's own directory first"
        raise InputError(msg) from None
    try:
        yield held
    finally:
        os.close(held)


def _copy(path: Path, directory: int, mode: int) -> None:
    try:
        content = path.read_bytes()
    except OSError:
        msg = f"{path} cannot be read: run this as root, or as the coordinator's user"
        raise InputError(msg) from None
    new = f".{path.name}.new"
    try:
        _write(new, content, directory, mode)
        os.replace(new, path.name, src_dir_fd=directory, dst_dir_fd=directory)
        os.fsync(directory)
    except OSError as error:
        msg = f"{path.name} cannot be copied into the proxy's own directory ({type(error).__name__}): run this as root"
        raise EngineError(msg) from None


def _write(name: str, content: bytes, directory: int, mode: int) -> None:
    owner = os.fstat(directory)
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=directory)
    file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE, dir_fd=directory)
    with os.fdopen(file, "wb") as writing:
        writing.write(content)
        writing.flush()
        if owner.st_uid != os.geteuid():
            os.fchown(file, owner.st_uid, owner.st_gid)
        os.fchmod(file, mode)
        os.fsync(file)
