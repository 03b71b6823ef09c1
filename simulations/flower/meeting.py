"""Where the ServerApp and the ClientApps of one run meet; couriers import it, so it stays small."""

from __future__ import annotations

import os
from pathlib import Path

from flwr.app import Context

from common.errors import CohortError, EngineError
from simulations.flower.hosting import EXCHANGE_KEY, directory_named


def directory_of(context: Context) -> Path:
    """The directory of the run's exchange.

    Raises:
        EngineError: If it is missing, or open to others than this user.
    """
    named = str(context.run_config[EXCHANGE_KEY])
    directory = Path(named) if named else directory_named(str(context.run_id))
    found = directory.lstat() if directory.is_dir() else None
    if found is None or found.st_uid != os.getuid() or found.st_mode & 0o077:
        msg = "the run's directory is missing or open to others: start the simulation again"
        raise EngineError(msg)
    return directory


def insist_on_everyone(n_nodes: int, n_bureaus: int, advice: str = "") -> None:
    """Start with a node for every bureau or not at all.

    Args:
        n_nodes: As many are there.
        n_bureaus: As many are wanted.
        advice: What to do if that differs; empty for Flower's simulation, whose size is an option.

    Raises:
        CohortError: If there are more or fewer.
    """
    if n_nodes != n_bureaus:
        advice = advice or f"add --federation-config 'num-supernodes={n_bureaus}'"
        msg = f"the federation has {n_nodes} nodes for {n_bureaus} bureaus: {advice}"
        raise CohortError(msg)
