"""The app that is handed to Flower: a project file and no code. Both sides run what is installed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from simulations.flower.hosting import EXCHANGE_KEY

APP_NAME = "fedclaims-simulation"
COMPONENTS = {
    "serverapp": "simulations.flower.server_app:app",
    "clientapp": "simulations.flower.client_app:app",
}


def write_app(directory: Path, version: str, exchange: Path, components: Mapping[str, str] = COMPONENTS) -> None:
    """Write the project file of an app whose run meets at ``exchange``.

    Args:
        directory: Of the app; Flower wants its name to be letters, digits and hyphens.
        version: Of this software.
        exchange: The run's.
        components: ServerApp and ClientApp.
    """
    directory.mkdir()
    tables: Mapping[str, Mapping[str, object]] = {
        "project": {"name": APP_NAME, "version": version, "description": "A simulation", "license": "Apache-2.0"},
        "tool.flwr.app": {"publisher": "fedclaims", "fab-include": ["pyproject.toml"]},
        "tool.flwr.app.components": components,
        "tool.flwr.app.config": {EXCHANGE_KEY: str(exchange)},
    }
    (directory / "pyproject.toml").write_text("\n".join(_table(*table) for table in tables.items()), encoding="utf-8")


def _table(name: str, fields: Mapping[str, object]) -> str:
    """One TOML table; a JSON text or list of texts is a TOML one, too."""
    return "\n".join([f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in fields.items()), ""])
