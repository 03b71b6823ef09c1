"""The app that is handed to Flower: a project file and no code. Both sides run what is installed.

It changes with the protocol alone, so a bureau that has pinned it need not pin anew with every release.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

from common.errors import EngineError
from common.plan import PROTOCOL_VERSION
from server.consortium.files import PRIVATE_DIRECTORY, replace
from server.deployment.commands import environment_of, scripts
from server.deployment.place import APP_NAME, Place

ORDER_KEY = "order"
"""All that a run's configuration says: which order it is."""

PROJECT_FILE = "pyproject.toml"
BUILD_S = 120.0
PROJECT = f"""\
[project]
name = "{APP_NAME}"
version = "{PROTOCOL_VERSION}.0.0"
description = "Federated clustering of medical-insurance claims; no code is in this bundle"
license = "Apache-2.0"

[tool.flwr.app]
publisher = "fedclaims"
fab-include = ["{PROJECT_FILE}"]

[tool.flwr.app.components]
serverapp = "server.deployment.server_app:app"
clientapp = "client.courier:app"

[tool.flwr.app.config]
{ORDER_KEY} = ""
"""


def write_app(place: Place) -> None:
    """Let the project file be what this software says, whatever lay there.

    Raises:
        EngineError: If it cannot be written.
    """
    path = place.app / PROJECT_FILE
    if not path.exists() or path.read_bytes() != PROJECT.encode():
        place.app.mkdir(PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        replace(path, PROJECT.encode())


def bundle_digest(place: Place) -> str:
    """SHA-256 of the bundle, as Flower builds it from the project file.

    Raises:
        EngineError: If Flower does not build it.
    """
    with tempfile.TemporaryDirectory() as out:
        command = [str(scripts() / "flwr"), "build", "--app", str(place.app.absolute())]
        try:
            built = subprocess.run(  # noqa: S603  a command of our own environment, without a shell
                command,
                cwd=out,
                env=environment_of(place, os.environ),
                capture_output=True,
                timeout=BUILD_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            built = None
        found = sorted(Path(out).glob("*.fab"))
        if built is None or built.returncode or len(found) != 1:
            msg = f"Flower does not build the bundle of {place.app}: check that flwr 1.41 is installed"
            raise EngineError(msg)
        return hashlib.sha256(found[0].read_bytes()).hexdigest()
