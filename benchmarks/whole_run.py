"""A whole run as a process: ten bureaus over loopback, against pooling everything and against other frameworks.

Every contender starts an interpreter, reads the same rows and ends with centroids; wall time of the process counts.
Other frameworks run with ``--flower`` and ``--nvflare``: they take up to a minute a run.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.e_step import clustered_rows
from benchmarks.pairing import interleaved, options, ratio, show_heading, show_machine, show_row

ROWS, FEATURES, CLUSTERS, RUNS = 100_000, 16, 16, 3
FULL, TEN = "ours, loopback, full schedule", "ours, loopback, 5 seeding and 10 Lloyd rounds"
POOLED, FLOWER = "scikit-learn, pooled, 10 iterations", "minimal k-means on Flower's simulation, 10 rounds"
PEERS = Path(__file__).parent / "whole_run_peers"
NVFLARE = ("nvflare", "scikit-learn", "joblib")


def main(arguments: list[str] | None = None) -> None:
    """Time all contenders in turn, print one table."""
    parser = options(__doc__)
    parser.add_argument("--flower", action="store_true", help="also a minimal k-means on Flower's simulation")
    parser.add_argument("--nvflare", action="store_true", help="also NVFlare's k-means, installed for this run")
    chosen = parser.parse_args(arguments)
    show_machine("fedclaims", "numpy", "numba", "scikit-learn", "flwr", "ray")
    inertias: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.npy"
        np.save(rows, clustered_rows(ROWS // (10 if chosen.quick else 1), FEATURES, CLUSTERS)[0])
        commands = _commands(rows, flower=chosen.flower) | (_nvflare(Path(folder), rows) if chosen.nvflare else {})
        contenders = {name: partial(_run, name, command, inertias) for name, command in commands.items()}
        seconds = interleaved(contenders, 1 if chosen.quick else RUNS)
    show_heading(["whole process", "wall s", "/ pooled", "ours, 10 rounds / this", "inertia / pooled"])
    for name, found in seconds.items():
        against = [ratio(seconds, name, POOLED), ratio(seconds, TEN, name), inertias[name] / inertias[POOLED]]
        show_row([name, sorted(found)[len(found) // 2], *against])


def _commands(rows: Path, *, flower: bool) -> dict[str, list[str]]:
    commands = {
        FULL: _script(sys.executable, "ours", rows, "full"),
        TEN: _script(sys.executable, "ours", rows, "ten"),
        POOLED: _script(sys.executable, "pooled", rows),
    }
    return commands | ({FLOWER: _script(sys.executable, "flower_kmeans", rows)} if flower else {})


def _nvflare(folder: Path, rows: Path) -> dict[str, list[str]]:
    """NVFlare in an environment of its own; nothing but a line where it cannot be installed."""
    venv.create(folder / "env", with_pip=True)
    python = str(folder / "env" / "bin" / "python")
    installed = subprocess.run([python, "-m", "pip", "install", "-q", *NVFLARE], capture_output=True, check=False)  # noqa: S603
    if installed.returncode:
        print("NVFlare does not install here; it is left out\n")
        return {}
    return {
        "NVFlare, its scikit-learn k-means, 10 rounds": _script(python, "nvflare_kmeans", rows, str(folder / "nvflare"))
    }


def _script(python: str, name: str, rows: Path, *more: str) -> list[str]:
    return [python, str(PEERS / f"{name}.py"), str(rows), *more]


def _run(name: str, command: list[str], inertias: dict[str, float]) -> None:
    """A script in a process of its own; the last line it prints is the inertia around its centroids."""
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)  # noqa: S603
    inertias[name] = float(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
