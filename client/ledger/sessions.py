"""What a station keeps of a session of masked sums, encrypted: its secrets and what it has agreed to, until the end.

Everything is written once. Secrets are deleted with the session, so that what was masked stays masked, whoever gets the
disk later; on media that keep old blocks the file system's own encryption has to see to that.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from client.ledger.durable import PRIVATE_DIRECTORY, sync_directory, write_new
from client.ledger.errors import ReleaseError
from client.ledger.keys import StationKey
from common.errors import EngineError

_NONCE_BYTES = 12
_SESSION = re.compile(r"[0-9a-f]{32}")

SECRETS = "secrets"
"""What is deleted first when a session ends."""


class Sessions:
    """One directory a session, one file a thing kept.

    Guarantees:
        * ``keep`` returns only when the bytes are on the disk.
        * What was kept under a name is never replaced by something else; it is there whole, or not at all.
    """

    def __init__(self, directory: Path, key: StationKey) -> None:
        """Use a directory, which is made when it is first needed."""
        self._directory, self._key = directory, key

    def keep(self, session: bytes, name: str, held: bytes) -> None:
        """Keep something; the same again changes nothing.

        Raises:
            ReleaseError: If something else is kept under this name.
            EngineError: If the disk fails.
        """
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + AESGCM(self._key_of(session, name)).encrypt(nonce, held, session)
        part = self._path(session, f".{nonce.hex()}")
        try:
            self._make(session)
            write_new(part, sealed)
            try:
                self._path(session, name).hardlink_to(part)
            finally:
                part.unlink()
            sync_directory(part.parent)
        except FileExistsError:
            if self.kept(session, name) != held:
                raise ReleaseError("this was answered otherwise before: it is never contradicted") from None
        except OSError:
            msg = "a session could not be kept, so nothing of it must be sent: free some space or mend the disk"
            raise EngineError(msg) from None

    def kept(self, session: bytes, name: str) -> bytes | None:
        """What is kept under a name, or None.

        Raises:
            ReleaseError: If it cannot be read any more.
        """
        try:
            held = self._path(session, name).read_bytes()
        except FileNotFoundError:
            return None
        cipher = AESGCM(self._key_of(session, name))
        try:
            return cipher.decrypt(held[:_NONCE_BYTES], held[_NONCE_BYTES:], session)
        except (InvalidTag, ValueError):
            raise ReleaseError("what was kept of this session cannot be read: it is over") from None

    def names(self, session: bytes) -> list[str]:
        """Under which names something is kept of a session, sorted."""
        directory = self._directory / session.hex()
        return sorted(path.name for path in directory.iterdir() if path.name[0] != ".") if directory.is_dir() else []

    def forget_others(self, session: bytes) -> None:
        """Delete all that is kept of any session but this one: they are over."""
        if self._directory.is_dir():
            for directory in self._directory.iterdir():
                if directory.name != session.hex() and _SESSION.fullmatch(directory.name):
                    self.forget(bytes.fromhex(directory.name))

    def forget(self, session: bytes) -> None:
        """Delete all that is kept of a session."""
        directory = self._directory / session.hex()
        if directory.is_dir():
            (directory / SECRETS).unlink(missing_ok=True)
            sync_directory(directory)
            for path in directory.iterdir():
                path.unlink()
            sync_directory(directory)

    def _make(self, session: bytes) -> None:
        directory = self._directory / session.hex()
        if not directory.is_dir():
            directory.mkdir(PRIVATE_DIRECTORY, parents=True, exist_ok=True)
            sync_directory(self._directory)
            sync_directory(self._directory.parent)

    def _path(self, session: bytes, name: str) -> Path:
        return self._directory / session.hex() / name

    def _key_of(self, session: bytes, name: str) -> bytes:
        return self._key.session_key(session + name.encode())
