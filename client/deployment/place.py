"""A station's directory: what lies where in it, and that one process has it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from client.ledger.durable import PRIVATE, sync_directory, write_new
from common.errors import EngineError, InputError

LOCK_TRIES, LOCK_PAUSE_S = 10, 0.1


@dataclass(frozen=True, slots=True)
class Place:
    """Names in a station's directory.

    Attributes:
        root: The directory.
    """

    root: Path

    @property
    def configuration(self) -> Path:
        """``station.toml``."""
        return self.root / "station.toml"

    @property
    def policy(self) -> Path:
        """``policy.toml``."""
        return self.root / "policy.toml"

    @property
    def ledger(self) -> Path:
        """Directory of the ledger."""
        return self.root / "ledger"

    @property
    def consortium(self) -> Path:
        """Directory of identity and roster."""
        return self.root / "consortium"

    @property
    def pseudonym_key(self) -> Path:
        """Key of the pseudonyms."""
        return self.root / "pseudonym.key"

    @property
    def models(self) -> Path:
        """Directory of the published models that came in."""
        return self.root / "models"

    @property
    def rejects(self) -> Path:
        """Directory of refused rows."""
        return self.root / "rejects"

    @property
    def state(self) -> Path:
        """Directory of what the process writes for itself."""
        return self.root / "state"

    @property
    def lock(self) -> Path:
        """Held by the process that runs."""
        return self.state / "lock"

    @property
    def status(self) -> Path:
        """What the process says of itself."""
        return self.state / "status.json"

    @property
    def paused(self) -> Path:
        """While this is there, nothing is answered."""
        return self.state / "paused"

    @property
    def offer(self) -> Path:
        """The offer from which a session goes on after a restart."""
        return self.state / "offer"

    def within(self, path: Path) -> Path:
        """A path of the configuration: as it is, or seen from the directory."""
        return path if path.is_absolute() else self.root.absolute() / path


@contextmanager
def alone(place: Place) -> Iterator[None]:
    """While this lasts, no other process runs this station.

    Raises:
        EngineError: If one does.
        InputError: If there is no such station.
    """
    held = _opened(place)
    try:
        _lock(held, place)
        yield
    finally:
        os.close(held)


def is_running(place: Place) -> bool:
    """Whether a process has this station."""
    try:
        held = os.open(place.lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(held)
    return False


def put(path: Path, held: bytes, *, durable: bool = True) -> None:
    """Put a whole file in the place of another, for its owner alone."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    if durable:
        write_new(new, held)
    else:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as file:
            file.write(held)
    new.replace(path)
    if durable:
        sync_directory(path.parent)


def _opened(place: Place) -> int:
    try:
        return os.open(place.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
    except OSError:
        msg = f"{place.root} is no station's directory of this user: make one with `fedclaims-bureau init --dir`"
        raise InputError(msg) from None


def _lock(held: int, place: Place) -> None:
    """Take it; whoever only looks holds it for a moment, so try more than once."""
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(LOCK_PAUSE_S)
        else:
            return
    msg = f"another process runs the station in {place.root}; stop that one first"
    raise EngineError(msg)
