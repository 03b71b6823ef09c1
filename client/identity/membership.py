"""The bureau's directory of membership: its key, its request, the roster it accepted, and what it has seen.

``identity.key`` is secret. ``roster.json`` may be replaced by hand, for nothing is used unless it checks out against
``pin.json``; that one is the memory, and removing it forgets whom to trust and what was seen.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from client.identity.keyfile import KEY_FILE, create_identity, load_identity
from client.ledger.durable import PRIVATE_DIRECTORY, sync_directory, write_new
from common.consortium.identity import Identity
from common.consortium.joining import JoinRequest
from common.consortium.roster import Member, NotAMemberError, Roster
from common.consortium.signed import MOST_BYTES, Pin, SignedRoster, check, pin_of
from common.errors import EngineError, InputError

REQUEST_FILE, ROSTER_FILE, PIN_FILE = "join-request.json", "roster.json", "pin.json"


@dataclass(frozen=True, slots=True)
class Membership:
    """What a bureau's directory remembers.

    Guarantees:
        * A roster is given out only after it was checked against the pin, and after the newer pin is on the disk:
          no roster that was given out is ever followed by an older one, whatever crashes when. A directory that is
          restored from a copy forgets; nothing in it can tell.
        * The key is never replaced. What is not secret is replaced as a whole or not at all.
        * One process at a time changes the directory.

    Attributes:
        directory: Where it lies.
    """

    directory: Path

    def request(
        self, name: str, organisation: str, passphrase: bytes | None, *, seed: bytes | None = None
    ) -> JoinRequest:
        """Write a request to join; the key is made the first time, and kept from then on.

        Args:
            name: What this bureau is to be called.
            organisation: Whose it is.
            passphrase: Of the key file.
            seed: 32 secret bytes for a new key; the operating system's if left out.

        Raises:
            InputError: If name, directory or key file need mending.
        """
        _make(self.directory)
        with self._alone():
            key = self.directory / KEY_FILE
            identity = (
                self.identity(passphrase)
                if os.path.lexists(key)
                else create_identity(key, passphrase, seed=seed or secrets.token_bytes(32))
            )
            request = JoinRequest.by(identity, name, organisation)
            self._replace(REQUEST_FILE, request.to_json())
        return request

    def accept(self, held: bytes, governance_digest: bytes | None, now: int) -> Roster:
        """Check a roster, and keep it and its pin if it counts.

        Args:
            held: The roster's file.
            governance_digest: What this bureau was told by another way; needed the first time.
            now: Unix seconds.

        Raises:
            RosterError: If it does not count; nothing has changed.
            InputError: If there is no pin yet and no digest to make one.
        """
        signed = SignedRoster.from_json(held)
        with self._alone():
            pin = self._pin_for(signed, governance_digest)
            newer = check(signed, pin, now)
            self._replace(ROSTER_FILE, signed.to_json())
            self._replace(PIN_FILE, newer.model_dump_json(indent=2).encode())
        return signed.roster

    def roster(self, now: int) -> Roster:
        """The roster that counts now, checked anew.

        Args:
            now: Unix seconds.

        Raises:
            RosterError: If the one that lies here does not count, or no longer.
            InputError: If none was accepted yet.
        """
        with self._alone():
            signed = SignedRoster.from_json(read_bounded(self.directory / ROSTER_FILE))
            pin = self._pin_for(signed, None)
            newer = check(signed, pin, now)
            if newer != pin:
                self._replace(PIN_FILE, newer.model_dump_json(indent=2).encode())
        return signed.roster

    def member(self, roster: Roster) -> Member:
        """This bureau in a roster, by the name and the key of its request. Its role is for the caller to look at.

        Raises:
            NotAMemberError: If it is not listed so.
            InputError: If there is no request here.
        """
        request = JoinRequest.from_json(read_bounded(self.directory / REQUEST_FILE))
        for member in roster.members:
            if (member.name, member.public_key) == (request.name, request.public_key):
                return member
        msg = (
            f"roster version {roster.version} does not list {request.name!r} with this bureau's key: ask the "
            f"coordinator to add {self.directory / REQUEST_FILE}, or why it was taken off"
        )
        raise NotAMemberError(msg)

    def identity(self, passphrase: bytes | None) -> Identity:
        """The key.

        Raises:
            KeyFileError: As ``load_identity``.
        """
        return load_identity(self.directory / KEY_FILE, passphrase)

    def _pin_for(self, signed: SignedRoster, governance_digest: bytes | None) -> Pin:
        """What is remembered; the first time, what the digest allows."""
        told = None if governance_digest is None else pin_of(signed, governance_digest)
        path = self.directory / PIN_FILE
        if path.exists():
            return _pin(read_bounded(path), path)
        if told is None:
            msg = "no governance is pinned yet: run `join --accept` with --governance and the digest you were told"
            raise InputError(msg)
        return told

    def _replace(self, name: str, held: bytes) -> None:
        """Put a whole file in the place of another, durably."""
        new = self.directory / f".{name}.new"
        try:
            new.unlink(missing_ok=True)
            write_new(new, held)
            new.replace(self.directory / name)
            sync_directory(self.directory)
        except OSError:
            msg = f"{self.directory / name} could not be written: free some space or mend the disk, then try again"
            raise EngineError(msg) from None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While this lasts, no other process is in here."""
        try:
            held = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            msg = f"{self.directory} is no directory of membership: make one with `fedclaims-bureau join`"
            raise InputError(msg) from None
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield
        finally:
            os.close(held)


def read_bounded(path: Path) -> bytes:
    """A public file, not longer than any of them may be.

    Raises:
        InputError: If it cannot be read, or is too long.
    """
    try:
        with path.open("rb") as file:
            held = file.read(MOST_BYTES + 1)
    except OSError:
        msg = f"{path} cannot be read: name the file, or the directory that `fedclaims-bureau join` made"
        raise InputError(msg) from None
    if len(held) > MOST_BYTES:
        msg = f"{path} is larger than {MOST_BYTES} bytes; it cannot be the right file"
        raise InputError(msg)
    return held


def _pin(held: bytes, path: Path) -> Pin:
    try:
        return Pin.model_validate_json(held)
    except ValidationError:
        msg = f"{path} is damaged: restore it; without it this bureau does not know what it has seen"
        raise InputError(msg) from None


def _make(directory: Path) -> None:
    try:
        directory.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        sync_directory(directory.parent)
    except OSError:
        msg = f"{directory} cannot be made: name another directory"
        raise InputError(msg) from None
