"""Hosting a run: a private directory for it, and stations that answer in it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from client.service import serve_station
from common.errors import EngineError
from simulations.loopback import Answer

EXCHANGE_KEY = "exchange"
"""In a run's configuration: its directory; empty if the ServerApp makes one itself."""

SIZE_REQUEST = b""
"""Asks a courier for the number of nodes in its federation; not for a station."""

LONGEST_BASE = 24
"""Paths of unix sockets are short, and Ray adds some 70 characters to the directory it is given."""

SHORT_BASE = Path("/tmp")  # noqa: S108  a directory of one's own is made in it


@contextmanager
def host_stations(stations: Mapping[str, Answer], directory: Path) -> Iterator[None]:
    """Let stations answer in this process, in the order of their names, each on its own socket."""
    with ExitStack() as stack:
        for place, name in enumerate(sorted(stations)):
            stack.enter_context(serve_station(stations[name], socket_at(directory, place)))
        yield


def socket_at(directory: Path, place: int) -> Path:
    """Where the station at a place listens; a place is the partition number of a node."""
    return directory / f"{place}.sock"


def n_hosted(directory: Path) -> int:
    """How many stations answer in a directory."""
    return len(list(directory.glob("*.sock")))


@contextmanager
def private_directory(name: str | None = None) -> Iterator[Path]:
    """A directory for this user alone that is removed in the end.

    Args:
        name: Of the directory; random if None.

    Raises:
        EngineError: If a directory of that name exists already.
    """
    directory = directory_named(name) if name else Path(tempfile.mkdtemp(prefix="fedclaims-", dir=_base()))
    try:
        if name:
            directory.mkdir(mode=0o700)
    except FileExistsError as error:
        msg = "the run's directory exists already: start the simulation again"
        raise EngineError(msg) from error
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def directory_named(name: str) -> Path:
    """Where a private directory of this name is."""
    return _base() / f"fedclaims-{name}"


def _base() -> Path:
    """The machine's directory for temporary files, if its path is short enough."""
    base = Path(tempfile.gettempdir())
    return base if len(str(base)) <= LONGEST_BASE else SHORT_BASE
