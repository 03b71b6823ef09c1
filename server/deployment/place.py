"""A coordinator's directory: what lies where in it, and that one process has it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from common.errors import EngineError, InputError
from server.certificates.credentials import DIRECTORY as AUTHORITY
from server.consortium.files import PRIVATE

DIRECTORY_KEY = "FEDCLAIMS_COORDINATOR"
"""In the environment of everything below the SuperLink: whose directory a ServerApp works for."""

APP_NAME = "fedclaims"
LOCK_TRIES, LOCK_PAUSE_S = 10, 0.1


@dataclass(frozen=True, slots=True)
class Place:
    """Names in a coordinator's directory.

    Attributes:
        root: The directory.
    """

    root: Path

    @property
    def configuration(self) -> Path:
        """``coordinator.toml``."""
        return self.root / "coordinator.toml"

    @property
    def plan(self) -> Path:
        """``plan.toml``."""
        return self.root / "plan.toml"

    @property
    def consortium(self) -> Path:
        """Directory of the coordinator's identity and the roster."""
        return self.root / "consortium"

    @property
    def authority(self) -> Path:
        """Directory of the authority for certificates."""
        return self.root / AUTHORITY

    @property
    def app(self) -> Path:
        """Directory of the bundle's project file."""
        return self.root / "app" / APP_NAME

    @property
    def transcripts(self) -> Path:
        """Directory of what was said in sessions."""
        return self.root / "transcripts"

    @property
    def superlink(self) -> Path:
        """Directory of the SuperLink: its database, its home, its log."""
        return self.root / "superlink"

    @property
    def flower_home(self) -> Path:
        """Where Flower's commands find their settings."""
        return self.superlink / "home"

    @property
    def state(self) -> Path:
        """Directory of what the service writes for itself."""
        return self.root / "state"

    @property
    def registry(self) -> Path:
        """The registry's file, where it is one."""
        return self.root / "registry.sqlite"

    @property
    def lock(self) -> Path:
        """Held by the service while it runs."""
        return self.state / "lock"

    @property
    def status(self) -> Path:
        """What the service says of itself."""
        return self.state / "status.json"

    @property
    def stop(self) -> Path:
        """While this is there, the service ends."""
        return self.state / "stop"

    def within(self, path: Path) -> Path:
        """A path of the configuration: as it is, or seen from the directory."""
        return path if path.is_absolute() else self.root.absolute() / path


@contextmanager
def alone(place: Place) -> Iterator[None]:
    """While this lasts, no other process serves this coordinator.

    Raises:
        EngineError: If one does.
        InputError: If there is no such coordinator.
    """
    try:
        held = os.open(place.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
    except OSError:
        msg = f"{place.root} is no coordinator's directory of this user: make one with `fedclaims-coordinator init`"
        raise InputError(msg) from None
    try:
        _lock(held, place)
        yield
    finally:
        os.close(held)


def is_running(place: Place) -> bool:
    """Whether a service has this directory."""
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


def _lock(held: int, place: Place) -> None:
    """Take it; whoever only looks holds it for a moment, so try more than once."""
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(LOCK_PAUSE_S)
        else:
            return
    msg = f"another process serves the coordinator in {place.root}; stop that one first"
    raise EngineError(msg)
