"""The bureau's identity in a file that its owner alone may read."""

from __future__ import annotations

from pathlib import Path

from client.ledger.durable import read_private, write_new
from client.ledger.errors import KeyFileError
from common.consortium.identity import Identity
from common.consortium.pem import PemError, of_pem, to_pem
from common.errors import InputError

KEY_FILE = "identity.key"


def create_identity(path: Path, passphrase: bytes | None, *, seed: bytes) -> Identity:
    """Make an identity of 32 secret bytes and write it durably, for its owner alone; encrypted under a passphrase.

    Raises:
        InputError: If the file exists (it is never written over), or cannot be written.
    """
    identity = Identity.of_seed(seed)
    try:
        write_new(path, to_pem(identity, passphrase))
    except FileExistsError:
        msg = f"{path} exists already, and a key is never written over"
        raise InputError(msg) from None
    except OSError:
        msg = f"{path} cannot be written: free some space, or name another directory"
        raise InputError(msg) from None
    return identity


def load_identity(path: Path, passphrase: bytes | None) -> Identity:
    """The identity in a file.

    Raises:
        KeyFileError: If the file is missing, somebody else's or open to others, or is no identity under this
            passphrase; the text says what to do.
    """
    held = read_private(path)
    try:
        return of_pem(held, passphrase)
    except PemError as error:
        msg = f"the identity {path}: {error}"
        raise KeyFileError(msg) from None
