from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """Services make whatever they write private, for the whole process; a test's process goes on after them."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)
