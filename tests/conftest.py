from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one module that share processes run in one worker, in their order."""
    for item in items:
        if item.get_closest_marker("flower") and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """Services make whatever they write private, for the whole process; a test's process goes on after them."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)
