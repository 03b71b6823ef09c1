"""What of Flower's inside the simulation's side builds on: semi-private names of the pinned version.

A link's are in ``client.link.internals``. Where one of them is gone, importing fails and nothing starts.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from types import ModuleType

from flwr.cli.build import build_fab_from_disk


def bundle_of(app: Path) -> bytes:
    """The bundle that ``flwr run`` makes of an app's directory, the same at every call."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a package that Flower calls in its old way
        return build_fab_from_disk(app)


def grid_module() -> ModuleType:
    """The module of the grid that a ServerApp is given."""
    from flwr.superlink.grid import http_grid  # noqa: PLC0415  who builds a bundle needs no grid

    return http_grid
