"""A router's directory: what lies where in it, and that one process decides in it."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from client.ledger.durable import PRIVATE, PRIVATE_DIRECTORY, read_private, sync_directory, write_new
from client.ledger.errors import KeyFileError
from client.router.configuration import service_toml
from client.router.deciding.policy import MOST_BYTES, RouterPolicy, example_router_policy, parse_router_policy
from common.errors import EngineError, InputError

PSEUDONYM_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class RouterPlace:
    """Names in a router's directory.

    Attributes:
        root: The directory.
    """

    root: Path

    @property
    def policy(self) -> Path:
        """``router.toml``: what the router may do by itself."""
        return self.root / "router.toml"

    @property
    def configuration(self) -> Path:
        """``service.toml``: where claims, store and sockets are."""
        return self.root / "service.toml"

    @property
    def models(self) -> Path:
        """The shelf of models."""
        return self.root / "models"

    @property
    def consortium(self) -> Path:
        """The roster that was accepted, and the pin."""
        return self.root / "consortium"

    @property
    def pseudonym_key(self) -> Path:
        """Key of the pseudonyms."""
        return self.root / "pseudonym.key"

    @property
    def rejects(self) -> Path:
        """Directory of refused rows."""
        return self.root / "rejects"

    @property
    def lock(self) -> Path:
        """Held by the process that decides."""
        return self.root / "run" / "lock"

    def within(self, path: Path) -> Path:
        """A path of the configuration: as it is, or seen from the directory."""
        return path if path.is_absolute() else self.root.absolute() / path

    def read_policy(self) -> RouterPolicy:
        """The policy as it stands in its file.

        Raises:
            InputError: If it cannot be read or needs mending.
        """
        try:
            with self.policy.open("rb") as file:
                return parse_router_policy(file.read(MOST_BYTES + 1), self.policy.name)
        except OSError:
            msg = f"{self.policy} cannot be read: make a router's directory with `fedclaims-bureau router init`"
            raise InputError(msg) from None

    def read_pseudonym_key(self) -> bytes:
        """The key of the pseudonyms.

        Raises:
            KeyFileError: If it is missing, open to others, or of another length.
        """
        held = read_private(self.pseudonym_key)
        if len(held) != PSEUDONYM_KEY_BYTES:
            msg = f"{self.pseudonym_key} has {len(held)} bytes, not {PSEUDONYM_KEY_BYTES}: restore the one `init` made"
            raise KeyFileError(msg)
        return held

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While this lasts, no other process decides in this directory.

        Raises:
            EngineError: If one does.
            InputError: If this is no router's directory.
        """
        try:
            held = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
        except OSError:
            msg = f"{self.root} is no router's directory of this user: make one with `fedclaims-bureau router init`"
            raise InputError(msg) from None
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            msg = f"another process decides in {self.root}: stop it, or ask it"
            raise EngineError(msg) from None
        finally:
            os.close(held)


def begin_router(root: Path, mapping: str = "nhsa_4101_wide") -> RouterPlace:
    """Make a router's directory.

    Guarantees:
        * The directory is whole, or it is not there. What exists is never written over.

    Args:
        root: New, or empty.
        mapping: What the columns of its claims mean: a ready-made mapping or a file.

    Raises:
        InputError: If it cannot be made.
    """
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        built = RouterPlace(Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent)))
        try:
            _fill(built, mapping)
            built.root.rename(root)
        finally:
            shutil.rmtree(built.root, ignore_errors=True)
        sync_directory(root.parent)
    except OSError:
        msg = f"{root} is not empty or cannot be made: a new router takes a new directory"
        raise InputError(msg) from None
    return RouterPlace(root)


def _fill(place: RouterPlace, mapping: str) -> None:
    for directory in (place.models, place.consortium, place.rejects, place.lock.parent):
        directory.mkdir(PRIVATE_DIRECTORY)
    write_new(place.policy, example_router_policy().encode())
    write_new(place.configuration, service_toml(mapping).encode())
    write_new(place.pseudonym_key, secrets.token_bytes(PSEUDONYM_KEY_BYTES))
