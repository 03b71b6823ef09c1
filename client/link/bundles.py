"""The bureau's list of app bundles: the SHA-256 of each, a line each. What is not on it is not served."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

MOST_BYTES = 1 << 16
_DIGEST = re.compile(r"[0-9a-f]{64}")


def listed(path: Path) -> frozenset[str]:
    """The digests in a file; blank lines and what follows a # do not count.

    Guarantees:
        * A file that is missing, too long, or holds anything else lists nothing.
    """
    try:
        with path.open("rb") as file:
            held = file.read(MOST_BYTES + 1)
        lines = [line.partition("#")[0].strip() for line in held.decode("ascii").splitlines()]
    except (OSError, ValueError):
        return frozenset()
    found = frozenset(line for line in lines if line)
    whole = len(held) <= MOST_BYTES and all(_DIGEST.fullmatch(line) for line in found)
    return found if whole else frozenset()


def digest_of(bundle: bytes) -> str:
    """A bundle's SHA-256 in hexadecimal, as ``flwr build`` shows it."""
    return hashlib.sha256(bundle).hexdigest()


def as_lines(digests: Iterable[str]) -> bytes:
    """The list for its file."""
    head = "# SHA-256 of the app bundles whose messages this courier carries. No line, no message.\n"
    return (head + "".join(f"{digest}\n" for digest in digests)).encode()
