"""Routing: planted anomalies that pass at each share of FAST claims, lanes, calibration, and regions beside each other.

Real claims (SIH/SUS, seven regions as seven bureaus) and generated ones, each with 1 % planted anomalies. Every figure
is a mean over seeds, each with its own plants, run, noise, reviewer and lots.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import mean, stdev

import numpy as np
import numpy.typing as npt

from benchmarks.pairing import options, show_heading, show_machine, show_row
from benchmarks.routing_data import RoutingData, routing_data
from benchmarks.routing_judging import ALONE, FOREST, ROUTER, Judged, judge, policy_for
from benchmarks.routing_regions import errors, review_rates
from benchmarks.routing_reviews import routine
from client.router.deciding.lanes import LANES
from simulations.planted import Kind

SHARES = (0.5, 0.6, 0.7, 0.8)
QUICK = 20_000

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Run = Sequence[Judged]

Ranked = Callable[[Judged], Floats]
"""How routine a method finds each claim; minus infinity where it never passes one."""


def _after_rules(judged: Judged, method: str) -> Floats:
    return np.where(judged.found, -np.inf, judged.scores[method])


def _all_lanes(judged: Judged) -> Floats:
    return np.where(judged.eligible, judged.scores[ROUTER], -np.inf)


def _by_lot(judged: Judged) -> Floats:
    lot = np.random.default_rng(len(judged.kinds)).random(len(judged.kinds))
    return np.where(judged.found, -1.0, lot)


METHODS: Mapping[str, Ranked] = {
    "score and rules": partial(_after_rules, method=ROUTER),
    "all reasons of the router": _all_lanes,
    "score alone": lambda judged: judged.scores[ROUTER],
    "model's distance and rules": partial(_after_rules, method=ALONE),
    "IsolationForest and rules": partial(_after_rules, method=FOREST),
    "IsolationForest": lambda judged: judged.scores[FOREST],
    "rules, then by lot": _by_lot,
}


def main(arguments: list[str] | None = None) -> None:
    """Print all tables."""
    parser = options(__doc__)
    parser.add_argument("--data", nargs="+", choices=("sih", "world"), default=["sih", "world"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--far", action="store_true", help="copies up to 30 days later, 10 %% different")
    chosen = parser.parse_args(arguments)
    show_machine("fedclaims", "numpy", "scikit-learn")
    for name in chosen.data:
        seeds = range(1 if chosen.quick else chosen.seeds)
        try:
            runs = [_run(name, seed, QUICK if chosen.quick else None, far=chosen.far) for seed in seeds]
        except FileNotFoundError as error:
            print(f"skipped: {name} needs {error.filename}")
            continue
        _show(name, runs)


def _run(name: str, seed: int, n_claims: int | None, *, far: bool = False) -> Run:
    data: RoutingData = routing_data(name, seed, n_claims=n_claims, far=far)
    policy = policy_for(name)
    return [judge(bureau, data.model, policy, routine(bureau, seed), seed) for bureau in data.bureaus]


def _show(name: str, runs: Sequence[Run]) -> None:
    print(f"\n{name}: planted anomalies inside FAST, of all planted, each bureau passing the same share\n")
    _show_curve(runs, _passed_by_bureau)
    print(f"\n{name}: the same with one threshold for all bureaus\n")
    _show_curve(runs, _passed_together)
    print(f"\n{name}: at 60 % FAST, by kind; each bureau passing the same share\n")
    _show_kinds(runs)
    print(f"\n{name}: lanes as the policy is shipped\n")
    _show_lanes(runs)
    print(f"\n{name}: expected calibration error on claims no rule found\n")
    _show_errors(runs)
    print(f"\n{name}: claims that are not FAST\n")
    _show_rates(runs)


def _show_curve(runs: Sequence[Run], passed: Callable[[Run, Ranked, float], Flags]) -> None:
    show_heading(["method", *(f"FAST {share:.0%}" for share in SHARES), "worst seed at 60 %"])
    for name, ranked in METHODS.items():
        leaks = [[_leak(run, passed(run, ranked, share)) for run in runs] for share in SHARES]
        show_row([name, *(_mean(found) for found in leaks), f"{max(leaks[1]):.3f}"])


def _show_kinds(runs: Sequence[Run]) -> None:
    show_heading(["method", *Kind, "precision of not FAST", "recall of not FAST"])
    for name, ranked in METHODS.items():
        passed = [_passed_by_bureau(run, ranked, 0.6) for run in runs]
        leaks = [
            _mean([float(fast[_kinds(run) == kind].mean()) for run, fast in zip(runs, passed, strict=True)])
            for kind in Kind
        ]
        sent = [float((_kinds(run)[~fast] != "").mean()) for run, fast in zip(runs, passed, strict=True)]
        recall = [1 - _leak(run, fast) for run, fast in zip(runs, passed, strict=True)]
        show_row([name, *leaks, _mean(sent), _mean(recall)])


def _show_lanes(runs: Sequence[Run]) -> None:
    show_heading(["lane", "share of claims", "of the planted", *Kind, "planted among its claims", "routine among them"])
    for lane in LANES:
        cells = [_lane(run, str(lane)) for run in runs]
        show_row([str(lane), *(_mean(list(column)) for column in zip(*cells, strict=True))])


def _lane(run: Run, lane: str) -> tuple[float, ...]:
    inside = np.concatenate([judged.lanes == lane for judged in run])
    kinds, confirmed = _kinds(run), np.concatenate([judged.routine for judged in run])
    by_kind = (float(inside[kinds == kind].mean()) for kind in Kind)
    some = inside.any()
    return (
        float(inside.mean()),
        float(inside[kinds != ""].mean()),
        *by_kind,
        float((kinds[inside] != "").mean()) if some else 0.0,
        float(confirmed[inside].mean()) if some else 0.0,
    )


def _show_errors(runs: Sequence[Run]) -> None:
    show_heading(["claims of", "calibrated", "worst seed", "uncalibrated", "AUC of the score", "with a calibration"])
    found = [errors(run) for run in runs]
    for name in found[0]:
        rows = [one[name] for one in found]
        show_row(
            [
                name,
                _mean([row.calibrated for row in rows]),
                f"{max(row.calibrated for row in rows):.3f}",
                _mean([row.uncalibrated for row in rows]),
                _mean([row.auc for row in rows]),
                _mean([row.covered for row in rows]),
            ]
        )


def _show_rates(runs: Sequence[Run]) -> None:
    show_heading(["region", "raw", "standardised by cluster", "half of its 95 % interval"])
    found = [review_rates(run) for run in runs]
    for name in found[0]:
        rows = [one[name] for one in found]
        show_row([name, *(_mean([row[place] for row in rows]) for place in range(3))])


def _passed_by_bureau(run: Run, ranked: Ranked, share: float) -> Flags:
    return np.concatenate([_best(ranked(judged), share) for judged in run])


def _passed_together(run: Run, ranked: Ranked, share: float) -> Flags:
    return _best(np.concatenate([ranked(judged) for judged in run]), share)


def _best(scores: Floats, share: float) -> Flags:
    """The share with the highest scores; fewer where fewer may pass."""
    passed = np.zeros(len(scores), np.bool_)
    passed[np.argsort(-scores, kind="stable")[: int(share * len(scores))]] = True
    return passed & (scores > -np.inf)


def _kinds(run: Run) -> npt.NDArray[np.str_]:
    return np.concatenate([judged.kinds for judged in run])


def _leak(run: Run, passed: Flags) -> float:
    return float(passed[_kinds(run) != ""].mean())


def _mean(values: Sequence[float]) -> str:
    """With its standard error, where there are several."""
    spread = f" ± {stdev(values) / len(values) ** 0.5:.3f}" if len(values) > 1 else ""
    return f"{mean(values):.3f}{spread}"


if __name__ == "__main__":
    main()
