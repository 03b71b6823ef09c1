"""A link's directory: what lies where in it, and that one process has it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from client.ledger.durable import PRIVATE
from common.errors import EngineError, InputError

LOCK_TRIES, LOCK_PAUSE_S = 10, 0.1


@dataclass(frozen=True, slots=True)
class LinkPlace:
    """Names in a link's directory.

    Attributes:
        root: The directory.
    """

    root: Path

    @property
    def configuration(self) -> Path:
        """``link.toml``."""
        return self.root / "link.toml"

    @property
    def node_key(self) -> Path:
        """Secret key of the SuperNode."""
        return self.root / "node.key"

    @property
    def client_key(self) -> Path:
        """Secret key of the client certificate."""
        return self.root / "client.key"

    @property
    def certificate(self) -> Path:
        """The client certificate, once the link was admitted."""
        return self.root / "client.pem"

    @property
    def authority(self) -> Path:
        """Certificate of the coordinator's authority, once the link was admitted."""
        return self.root / "authority.pem"

    @property
    def request(self) -> Path:
        """What the coordinator needs."""
        return self.root / "link-request.json"

    @property
    def admission(self) -> Path:
        """What the coordinator has sent."""
        return self.root / "link-admission.json"

    @property
    def bundles(self) -> Path:
        """The bureau's list of app bundles."""
        return self.root / "bundles.txt"

    @property
    def runtime_root(self) -> Path:
        """Certificate that the SuperNode's own door on the loopback comes from."""
        return self.root / "runtime-root.pem"

    @property
    def runtime_certificate(self) -> Path:
        """Of the SuperNode's door on the loopback."""
        return self.root / "runtime.pem"

    @property
    def runtime_key(self) -> Path:
        """The key of ``runtime_certificate``."""
        return self.root / "runtime.key"

    @property
    def secret(self) -> Path:
        """What the SuperNode knows its courier by."""
        return self.root / "superexec.secret"

    @property
    def home(self) -> Path:
        """Flower's home; holds no code, unless the stock courier is used."""
        return self.root / "flower"

    @property
    def apps(self) -> Path:
        """The apps that the stock courier may run; nobody may write there."""
        return self.home / "apps"

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
    def node(self) -> Path:
        """The number under which the SuperLink knows the node."""
        return self.state / "node"

    def secrets(self) -> tuple[Path, ...]:
        """What its owner alone may read."""
        return (self.node_key, self.client_key, self.runtime_key, self.secret)


@contextmanager
def alone(place: LinkPlace) -> Iterator[None]:
    """While this lasts, no other process runs this link.

    Raises:
        EngineError: If one does.
        InputError: If there is no such link.
    """
    held = _opened(place)
    try:
        _lock(held, place)
        yield
    finally:
        os.close(held)


def is_running(place: LinkPlace) -> bool:
    """Whether a process has this link; whoever asks makes no file, and keeps no link from starting."""
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


def _lock(held: int, place: LinkPlace) -> None:
    """Take it; whoever only looks holds it for a moment, so try more than once."""
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(LOCK_PAUSE_S)
        else:
            return
    msg = f"another process runs the link in {place.root}; stop that one first"
    raise EngineError(msg)


def _opened(place: LinkPlace) -> int:
    try:
        return os.open(place.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
    except OSError:
        msg = f"{place.root} is no link's directory of this user: make one with `fedclaims-bureau link init --dir`"
        raise InputError(msg) from None
