"""How long noise takes: ours beside opendp's sampler and beside numpy's inexact floats, in one run.

Run ``python -m benchmarks.noise`` from the project's root. The goal is 100,000 draws in 0.15 s on two cores.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable

import numpy as np

from common.noise.discrete_gaussian import discrete_gaussian
from common.noise.randomness import AesStream

STDS = {"4": 4, "1,000": 1_000, "2^30": 1 << 30, "2^40": 1 << 40}


def main() -> None:
    """Print one table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--draws", type=int, default=100_000)
    options.add_argument("--repeats", type=int, default=9)
    chosen = options.parse_args()
    source, normal = AesStream(bytes(32)), np.random.default_rng(0)
    print(f"{chosen.draws:,} draws, median of {chosen.repeats}; opendp once")
    print("| std | exact, ours | draws per second | opendp / ours | ours / rounded floats |\n|---|---|---|---|---|")
    for name, std in STDS.items():
        ours = seconds(lambda std=std: discrete_gaussian(std**2, chosen.draws, source), chosen.repeats)
        floats = seconds(lambda std=std: np.rint(normal.normal(0.0, std, chosen.draws)), chosen.repeats)
        print(
            f"| {name} | {ours * 1000:.1f} ms | {chosen.draws / ours:,.0f} "
            f"| {peer_ratio(std, chosen.draws, ours)} | {ours / floats:.1f} |",
            flush=True,
        )


def seconds(run: Callable[[], object], repeats: int) -> float:
    """Median duration."""
    return statistics.median(duration(run) for _ in range(repeats))


def duration(run: Callable[[], object]) -> float:
    """Of one run."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def peer_ratio(std: int, draws: int, ours: float) -> str:
    """How many times longer opendp takes."""
    if importlib.util.find_spec("opendp") is None:
        return "not installed"
    import opendp.prelude as opendp  # noqa: PLC0415

    opendp.enable_features("contrib")
    domain = opendp.vector_domain(opendp.atom_domain(T="i64")), opendp.l2_distance(T="i64")
    sampler = opendp.m.make_gaussian(*domain, scale=float(std))
    return f"{duration(lambda: sampler([0] * draws)) / ours:.0f}"


if __name__ == "__main__":
    main()
