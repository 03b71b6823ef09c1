"""Private clustering: DP-LBG beside its peers, on the same rows and for the same guarantee.

The first table compares inertia, claim by claim protected; the second says what clusters explain of real claims' log
cost; the third protects insured persons. All inertia is a ratio to k-means without noise, best of ten starts.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import numpy.typing as npt

from benchmarks.pairing import options, show_heading, show_machine, show_row
from benchmarks.private_data import DATA_SETS, PrivateData, load
from benchmarks.private_ours import Terms, fit, phi_of, weights_of
from benchmarks.private_peers import fastlloyd, sulq
from benchmarks.private_peers.diffprivlib_kmeans import Diffprivlib, install
from benchmarks.private_reference import Reference, measured_riv_of, reference_of, riv_of
from common.accounting.feasibility import REFUSE_BELOW
from common.errors import PlanError
from common.grid import GRID_UNITS
from common.plan import Protection
from common.weighting import Weighting

EPSILONS, DELTA = (0.1, 0.5, 1.0), 1e-6
REFUSED = "refused"
TABLES = ("inertia", "riv", "persons")
QUICK_ROWS, QUICK_DATA = 5_000, ("sih-16", "randhie")
WORLD_BUREAUS, BUREAUS = 8, 7

Floats = npt.NDArray[np.float64]
Fit = Callable[[PrivateData, float, int], Floats]
"""Rows, epsilon and seed to centroids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What the options say.

    Attributes:
        cache: Where references are kept; None to keep none.
        seeds: Runs of each cell; None for five, or two of a million rows.
        epsilons: Of the tables.
        library: diffprivlib in its environment; None to leave it out.
        leaves: Of the seeding, a cluster.
        cap: Of costs, yuan.
        is_quick: Few rows, one epsilon.
    """

    cache: Path | None
    seeds: int | None
    epsilons: Sequence[float]
    library: Diffprivlib | None
    leaves: int
    cap: int
    is_quick: bool

    def n_seeds(self, data: PrivateData) -> int:
        """Five, or two of a million rows."""
        return self.seeds or (5 if len(data.rows) < 500_000 else 2)


def main(arguments: list[str] | None = None) -> None:
    """Print the tables; data that are missing are left out with a line."""
    chosen = _options().parse_args(arguments)
    show_machine("numpy", "numba", "scikit-learn")
    with ExitStack() as opened:
        folder = chosen.cache or Path(opened.enter_context(tempfile.TemporaryDirectory()))
        bench = Bench(
            cache=chosen.cache,
            seeds=chosen.seeds or (2 if chosen.quick else None),
            epsilons=chosen.epsilon or (EPSILONS[-1:] if chosen.quick else EPSILONS),
            library=_library(folder / "diffprivlib") if chosen.diffprivlib else None,
            leaves=chosen.leaves,
            cap=chosen.cap,
            is_quick=chosen.quick,
        )
        names = chosen.data or (QUICK_DATA if chosen.quick else tuple(DATA_SETS))
        for table in chosen.table or TABLES:
            {"inertia": _inertia_table, "riv": _riv_table, "persons": _persons_table}[table](bench, names)


def _options() -> argparse.ArgumentParser:
    parser = options(__doc__)
    parser.add_argument("--data", nargs="+", choices=tuple(DATA_SETS), help="only these data sets")
    parser.add_argument("--table", nargs="+", choices=TABLES, help="only these tables")
    parser.add_argument("--epsilon", nargs="+", type=float, help="instead of 0.1, 0.5 and 1")
    parser.add_argument("--seeds", type=int, help="runs of each cell; 5, or 2 of a million rows")
    parser.add_argument("--leaves", type=int, default=3, help="leaves a cluster of our seeding; 3")
    parser.add_argument("--cap", type=int, default=200_000, help="yuan that costs are capped at; 200,000")
    parser.add_argument("--diffprivlib", action="store_true", help="with diffprivlib, in an environment made for it")
    parser.add_argument("--cache", type=Path, help="directory that keeps references and that environment")
    return parser


def _library(folder: Path) -> Diffprivlib | None:
    python = folder / "bin" / "python"
    return Diffprivlib(python) if python.is_file() else install(folder)


def _loaded(bench: Bench, name: str) -> PrivateData | None:
    data = load(name)
    return data if data is None or not bench.is_quick else _cut(data)


def _cut(data: PrivateData) -> PrivateData:
    first = slice(QUICK_ROWS)
    persons = None if data.persons is None else np.unique(data.persons[first], return_inverse=True)[1]
    bureaus = None if data.bureaus is None else np.arange(QUICK_ROWS) % WORLD_BUREAUS
    total_fen = None if data.total_fen is None else data.total_fen[first]
    return replace(data, rows=data.rows[first], persons=persons, bureaus=bureaus, total_fen=total_fen)


def _trusts(
    bench: Bench, data: PrivateData, epsilon: float, weighting: Weighting = Weighting.EACH_CLAIM
) -> dict[str, Terms]:
    """Terms by whom bureaus trust: a central place, a secure sum, nobody."""
    central = Terms(
        epsilon=epsilon, delta=DELTA, weighting=weighting, leaves_per_cluster=bench.leaves, cost_cap_yuan=bench.cap
    )
    n_bureaus = BUREAUS if data.bureaus is None else WORLD_BUREAUS
    secure = replace(central, protection=Protection.SECURE, n_bureaus=n_bureaus)
    return {"central": central, "secure": secure, "noise": replace(secure, protection=Protection.NOISE)}


def _peers(bench: Bench) -> Mapping[str, Sequence[Fit]]:
    """By name; of several ways to run one the better is shown."""
    found: dict[str, Sequence[Fit]] = {
        "FastLloyd": (partial(_peer, fastlloyd.fit), partial(_peer, _longer(fastlloyd.fit))),
        "SuLQ": (partial(_peer, sulq.fit), partial(_peer, _longer(sulq.fit))),
    }
    return found | ({"diffprivlib": (partial(_peer, bench.library.fit),)} if bench.library else {})


def _longer(method: Callable[..., Floats]) -> Callable[..., Floats]:
    return partial(method, fewest_rounds=sulq.MORE_ROUNDS)


def _peer(method: Callable[..., Floats], data: PrivateData, epsilon: float, seed: int) -> Floats:
    rng = np.random.default_rng((seed, round(epsilon * 1000)))
    return method(data.rows, data.n_clusters, epsilon, DELTA, rng, bounds=data.bounds)


def _inertia_table(bench: Bench, names: Sequence[str]) -> None:
    """Inertia over the reference's, a claim protected; ours for three kinds of trust, peers in one place."""
    peers = _peers(bench)
    ours = ["DP-LBG", "worst seed", "DP-LBG secure", "worst seed", "DP-LBG noise"]
    show_heading(["rows", "n, d, K", "epsilon", "phi", *ours, *peers, "seeds"])
    for data in filter(None, (_loaded(bench, name) for name in names)):
        reference, seeds = reference_of(data, bench.cache), range(bench.n_seeds(data))
        size = f"{len(data.rows):,}, {data.rows.shape[1]}, {data.n_clusters}"
        for epsilon in bench.epsilons:
            trusts = _trusts(bench, data, epsilon)
            cells = [cell for terms in trusts.values() for cell in _ours(data, reference, terms, seeds)]
            beside = [_best(data, reference, ways, epsilon, seeds) for ways in peers.values()]
            show_row([data.name, size, epsilon, _phi(data, trusts["central"]), *cells[:-1], *beside, len(seeds)])
    print()


def _ours(data: PrivateData, reference: Reference, terms: Terms, seeds: range) -> tuple[str, str]:
    """Mean and worst seed."""
    try:
        found = [_ratio(data, reference, terms, seed) for seed in seeds]
    except PlanError:
        return REFUSED, "-"
    return _mean(found), f"{max(found):.3f}"


def _ratio(data: PrivateData, reference: Reference, terms: Terms, seed: int) -> float:
    return reference.ratio(data, fit(data, terms, seed).centroids)


def _best(data: PrivateData, reference: Reference, ways: Sequence[Fit], epsilon: float, seeds: range) -> str:
    """The way whose mean is lowest."""
    return _mean(min(([reference.ratio(data, way(data, epsilon, seed)) for seed in seeds] for way in ways), key=mean))


def _riv_table(bench: Bench, names: Sequence[str]) -> None:
    """RIV of log cost: of the private clusters, as it is and as it is released, and of the reference."""
    kept = [name for name in names if name.startswith("sih")]
    columns = ["RIV, reference", "its ten starts", "RIV, DP-LBG", "measured, no noise", "released", "off, rms"]
    show_heading(["rows", "epsilon", "trust", *columns, "seeds"])
    for data in filter(None, (_loaded(bench, name) for name in kept)):
        starts = [riv_of(data, start) for start in reference_of(data, bench.cache).starts]
        for epsilon in bench.epsilons:
            for trust, terms in _trusts(bench, data, epsilon).items():
                runs = [fit(data, terms, seed) for seed in range(bench.n_seeds(data))]
                true, seen = [riv_of(data, run.centroids) for run in runs], [run.figures.riv_log_cost for run in runs]
                exact = [measured_riv_of(data, run.centroids, bench.cap) for run in runs]
                off = np.sqrt(np.mean(np.subtract(seen, true) ** 2))
                cells = [starts[0], f"{min(starts):.3f} to {max(starts):.3f}", *map(_mean, (true, exact, seen))]
                show_row([data.name, epsilon, trust, *cells, f"{off:.3f}", len(runs)])
    print()


def _persons_table(bench: Bench, names: Sequence[str]) -> None:
    """Inertia over the reference's, each claim counted by 1/m of its person and each counted once."""
    trusts = ("central", "secure", "noise")
    both = [f"{trust}, {counted}" for trust in trusts for counted in ("persons", "claims")]
    show_heading(["rows", "protected", "epsilon", "phi", *both, "seeds"])
    for data in filter(None, (_loaded(bench, name) for name in names if name in WITH_PERSONS)):
        weights = weights_of(data, Weighting.SHARED) / GRID_UNITS
        references = reference_of(data, bench.cache, weights), reference_of(data, bench.cache)
        for weighting, epsilon in ((each, one) for each in WEIGHTINGS for one in bench.epsilons):
            terms = _trusts(bench, data, epsilon, weighting)
            cells = [cell for trust in trusts for cell in _pair(bench, data, references, terms[trust])]
            unit = terms["central"].unit
            show_row([data.name, unit, epsilon, _phi(data, terms["central"]), *cells, bench.n_seeds(data)])
    print()


WEIGHTINGS = (Weighting.EACH_CLAIM, Weighting.SHARED)
WITH_PERSONS = ("diabetes130", "randhie", "world")


def _pair(bench: Bench, data: PrivateData, references: Sequence[Reference], terms: Terms) -> list[str]:
    runs = [fit(data, terms, seed).centroids for seed in range(bench.n_seeds(data))]
    return [_mean([reference.ratio(data, centroids) for centroids in runs]) for reference in references]


def _phi(data: PrivateData, terms: Terms) -> str:
    """The index; in brackets where the project refuses the plan for it."""
    try:
        phi = phi_of(data, terms)
    except PlanError:
        return REFUSED
    return f"{phi:.1f}" if phi >= REFUSE_BELOW else f"({phi:.1f})"


def _mean(values: Sequence[float]) -> str:
    error = stdev(values) / len(values) ** 0.5 if len(values) > 1 else float("nan")
    return f"{mean(values):.3f} ± {error:.3f}"


if __name__ == "__main__":
    main()
