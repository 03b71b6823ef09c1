"""New files that say something about claims: their owner's alone, and whole or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from client.ledger.durable import PRIVATE, sync_directory
from common.errors import EngineError, InputError


@contextmanager
def whole_file(out: Path) -> Iterator[BinaryIO]:
    """A new file to write to; it gets its name when this ends well.

    Guarantees:
        * Nobody but the owner may read it, from its first byte on.
        * It is on the disk with its name when this ends; if this does not end well, nothing is left.
        * What exists is never written over.

    Raises:
        InputError: If it exists.
        EngineError: If it could not be written.
    """
    if out.exists():
        raise _exists(out)
    part = out.with_name(f".{out.name}.part")
    try:
        part.unlink(missing_ok=True)
        with open(part, "xb", opener=lambda name, flags: os.open(name, flags, PRIVATE)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if out.exists():
            raise _exists(out)
        part.rename(out)
        sync_directory(out.parent)
    except OSError:
        msg = f"{out} could not be written: free some space, or name another folder; then run the same command again"
        raise EngineError(msg) from None
    finally:
        part.unlink(missing_ok=True)


def _exists(out: Path) -> InputError:
    return InputError(f"{out} exists already: name a new file")
