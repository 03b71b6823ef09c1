"""How much memory the rows of one process may take together."""

from __future__ import annotations

import psutil

DEFAULT_SHARE = 0.1
"""Share of the machine's memory that rows may take before they move to a memory map."""

MOST_BY_DEFAULT = 2 << 30
"""However large the machine, rows beyond 2 GiB move: mapped rows are read at nearly the same speed."""


class MemoryShare:
    """Memory that the rows of one process may take together.

    Guarantees:
        * Never more bytes are granted than ``max_bytes``.
    """

    def __init__(self, max_bytes: int | None = None) -> None:
        """Allow ``max_bytes``; if None, ``DEFAULT_SHARE`` of the machine's memory, at most ``MOST_BY_DEFAULT``."""
        share = min(int(psutil.virtual_memory().total * DEFAULT_SHARE), MOST_BY_DEFAULT)
        self._left = share if max_bytes is None else max_bytes

    def take(self, n_bytes: int) -> bool:
        """Reserve memory if there is enough."""
        if n_bytes > self._left:
            return False
        self._left -= n_bytes
        return True

    def give_back(self, n_bytes: int) -> None:
        """Release what was taken."""
        self._left += n_bytes
