from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from server.proxy.sites import Limits
from tests.server.proxy.doors import Proxy, Upstream, insist_on, new_world, proxy_of, upstream_of

ROUTES = """
import json
from flwr.superlink.main import create_app, iter_route_contexts
app = create_app()
routes = [one.route for one in iter_route_contexts(app.routes)]
found = [(route.path, sorted(getattr(route, "methods", None) or ["GET"])) for route in routes]
print(json.dumps(found))
"""


@pytest.fixture(scope="session")
def routes() -> list[tuple[str, str]]:
    """Method and path of everything that the installed SuperLink serves."""
    off = {"FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1"}
    ran = subprocess.run(  # noqa: S603  a program of this test
        [sys.executable, "-c", ROUTES], env=os.environ | off, capture_output=True, check=True, timeout=120
    )
    found = [(method, path) for path, methods in json.loads(ran.stdout) for method in methods]
    assert len(found) > 60
    return found


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def kind(request: pytest.FixtureRequest) -> str:
    return insist_on(request.param)


@pytest.fixture
def nginx() -> str:
    return insist_on("nginx")


@pytest.fixture(scope="module")
def proxied(kind: str) -> Iterator[tuple[Proxy, Upstream]]:
    """A proxy of each kind before an upstream that records; a bureau, an operator and others have certificates."""
    with new_world(limits=Limits(body_mib=2)) as world, upstream_of(world.superlink) as upstream:
        world.let_in()
        with proxy_of(kind, world, upstream.port) as proxy:
            yield proxy, upstream
