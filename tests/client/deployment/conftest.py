from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.client.deployment.postgres import Server, running_server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'psycopg[binary]'")
    with running_server() as found:
        yield found
