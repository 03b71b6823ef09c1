"""Ledgers in memory where the machine has a place for files there: attacks write many, and speed is no part of them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

IN_MEMORY = Path("/dev/shm")  # noqa: S108  ledgers of generated claims, in a directory of their own


@pytest.fixture(autouse=True, scope="package")
def _ledgers_in_memory() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if IN_MEMORY.is_dir() and os.access(IN_MEMORY, os.W_OK):
            patch.setattr(tempfile, "tempdir", str(IN_MEMORY))
        yield
