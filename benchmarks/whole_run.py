"""A whole run as a process: ten bureaus over loopback, against pooling everything and against other frameworks.

Every contender starts an interpreter, reads the same rows and ends with centroids; wall time of the process counts.
Another framework runs with ``--flower`` and ``--nvflare``: they take up to a minute a run.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.e_step import clustered_rows
from benchmarks.pairing import Contender, interleaved, options, ratio, show_heading, show_machine, show_row

ROWS, FEATURES, CLUSTERS, RUNS = 100_000, 16, 16, 5
POOLED = "scikit-learn, pooled, 10 iterations"
PEERS = Path(__file__).parent / "whole_run_peers"
NVFLARE = ("nvflare", "scikit-learn", "joblib")


def main(arguments: list[str] | None = None) -> None:
    """Time all contenders in turn, print one table."""
    parser = options(__doc__)
    parser.add_argument("--flower", action="store_true", help="also a minimal k-means on Flower's simulation")
    parser.add_argument("--nvflare", action="store_true", help="also NVFlare's k-means, installed for this run")
    chosen = parser.parse_args(arguments)
    show_machine("fedclaims", "numpy", "numba", "scikit-learn", "flwr", "ray")
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.npy"
        np.save(rows, clustered_rows(ROWS // (10 if chosen.quick else 1), FEATURES, CLUSTERS)[0])
        contenders = _contenders(rows)
        if chosen.flower:
            contenders["minimal k-means on Flower's simulation"] = _script(sys.executable, "flower_kmeans", rows)
        if chosen.nvflare:
            contenders |= _nvflare(Path(folder), rows)
        seconds = interleaved(contenders, 1 if chosen.quick else RUNS)
    show_heading(["whole process", "wall s", f"/ {POOLED}", "ours, full schedule / this"])
    ours = next(iter(contenders))
    for name, found in seconds.items():
        show_row([name, sorted(found)[len(found) // 2], ratio(seconds, name, POOLED), ratio(seconds, ours, name)])


def _contenders(rows: Path) -> dict[str, Contender]:
    ours = partial(_script, sys.executable, "ours")
    return {
        "ours, loopback, full schedule": ours(rows, "full"),
        "ours, loopback, 10 Lloyd rounds": ours(rows, "ten"),
        POOLED: _script(sys.executable, "pooled", rows),
    }


def _nvflare(folder: Path, rows: Path) -> dict[str, Callable[[], object]]:
    """NVFlare in an environment of its own; nothing but a line where it cannot be installed."""
    venv.create(folder / "env", with_pip=True)
    python = str(folder / "env" / "bin" / "python")
    installed = subprocess.run([python, "-m", "pip", "install", "-q", *NVFLARE], capture_output=True, check=False)  # noqa: S603
    if installed.returncode:
        print("NVFlare does not install here; it is left out\n")
        return {}
    return {"NVFlare's scikit-learn k-means": _script(python, "nvflare_kmeans", rows, str(folder / "nvflare"))}


def _script(python: str, name: str, rows: Path, *more: str) -> Contender:
    """A script in a process of its own, silent unless it fails."""
    command = [python, str(PEERS / f"{name}.py"), str(rows), *more]
    return partial(subprocess.run, command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
