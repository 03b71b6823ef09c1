"""diffprivlib's k-means as published, in an environment of its own: it needs an older scikit-learn than ours.

Guarantees:
    * epsilon without delta (Laplace noise on sums, geometric noise on counts) when one claim is added or removed;
      budget split and 2 to 7 rounds by Su et al., as the library chooses. That a cluster is empty shows without noise.

It takes the box, not the ball: its noise is for boxes, coordinate by coordinate.

References:
    Holohan, Braghin, Mac Aonghusa, Levacher, "Diffprivlib: The IBM Differential Privacy Library", 2019; release 0.6.6.
    Su, Cao, Li, Bertino, Jin, "Differentially Private k-Means Clustering", CODASPY 2016.
"""

from __future__ import annotations

import subprocess
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.private_peers.bounds import Bounds, Centroids
from common.kernel import Rows

PACKAGES = ("diffprivlib==0.6.6", "scikit-learn<1.9")
SCRIPT = Path(__file__).with_name("diffprivlib_run.py")


@dataclass(frozen=True, slots=True)
class Diffprivlib:
    """The library in its environment.

    Attributes:
        python: The environment's interpreter.
    """

    python: Path

    def fit(
        self, rows: Rows, n_clusters: int, epsilon: float, delta: float, rng: np.random.Generator, *, bounds: Bounds
    ) -> Centroids:
        """Centroids, float64 ``(n_clusters, n_features)``.

        Raises:
            subprocess.CalledProcessError: If the library fails.
        """
        del delta  # it has none: its guarantee is the stronger one
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            np.save(folder / "rows.npy", rows)
            np.save(folder / "bounds.npy", np.stack([bounds.low, bounds.high]))
            figures = [str(n_clusters), repr(epsilon), str(rng.integers(1 << 31))]
            subprocess.run([self.python, SCRIPT, name, *figures], check=True, capture_output=True)  # noqa: S603
            return np.asarray(np.load(folder / "centroids.npy"), np.float64)


def install(folder: Path) -> Diffprivlib | None:
    """Make an environment in ``folder``; None, and a line that says so, where the library cannot be installed."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    command = [str(python), "-m", "pip", "install", "-q", *PACKAGES]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        print(f"skipped: diffprivlib does not install here ({_last_line(done.stderr)})\n")
        return None
    return Diffprivlib(python)


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "pip gives no reason")
