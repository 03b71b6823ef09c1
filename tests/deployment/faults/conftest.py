from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.deployment.faults.deployments import Deployment, deployment


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployment]:
    with deployment() as found:
        yield found


@pytest.fixture(autouse=True)
def _wires_are_left_alone(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test did on a wire ends with it, however it ended."""
    yield
    if "deployed" in request.fixturenames:
        request.getfixturevalue("deployed").leave_alone()
