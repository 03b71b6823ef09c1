"""Real claims over the years as a stream: ours, private, beside a model refitted every year and one that never is.

SIH/SUS: January of every year from 2008 to 2018, then every month of 2019. Each slice is judged by the model from
before it, which is all that a bureau would have had. Ratios are to hindsight: k-means on all claims of its year.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import mean

import numpy as np
import pyarrow.parquet as pq

from benchmarks.pairing import options, show_heading, show_machine, show_row
from benchmarks.private_data import CLAIMS, PrivateData, load
from benchmarks.private_reference import riv_of
from benchmarks.stream_following import Floats, Outline, inertia, ours
from benchmarks.stream_peers import fitted
from common.kernel import Rows

DATA = {16: "sih-16", 32: "sih-32"}
FEWEST = 1_000
"""Claims of a slice; months of fewer, those of 2020, are left out."""

MEMORY = 0.7
OURS, REFIT, FROZEN, HINDSIGHT = "ours", "last year's k-means", "the first year's k-means", "hindsight"

Models = Mapping[str, Floats | None]
"""Centroids by method; None as long as there are none."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slice:
    """The claims of a month.

    Attributes:
        year: Of the file.
        month: Likewise.
        data: Its claims.
    """

    year: int
    month: int
    data: PrivateData


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How a model fits a slice.

    Attributes:
        inertia: Mean squared distance.
        riv: RIV of log cost.
    """

    inertia: float
    riv: float


def main(arguments: list[str] | None = None) -> None:
    """Print a line a slice, then means; nothing but a line where the claims are not there."""
    chosen = _options().parse_args(arguments)
    show_machine("fedclaims", "numpy", "scikit-learn")
    data = load(DATA[chosen.clusters])
    if data is None:
        return
    slices = _slices(data)[: 6 if chosen.quick else None]
    judged = [(one, _judged(one, models)) for one, models in _followed(slices, chosen)]
    print(f"epsilon {chosen.epsilon:g}, memory {chosen.memory:g}, K = {chosen.clusters}, seed {chosen.seed}\n")
    _show(judged)
    if chosen.out is not None:
        found = [
            {"year": one.year, "month": one.month, "methods": {name: asdict(each) for name, each in figures.items()}}
            for one, figures in judged
        ]
        chosen.out.write_text(json.dumps(found, indent=1), "utf-8")


def _options() -> argparse.ArgumentParser:
    parser = options(__doc__)
    parser.add_argument("--clusters", type=int, choices=tuple(DATA), default=16, help="16 or 32; 16")
    parser.add_argument("--epsilon", type=float, default=1.0, help="of a claim, over all years; 1")
    parser.add_argument("--memory", type=float, default=MEMORY, help="what earlier slices weigh; 0.7")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="file for all figures, as JSON")
    return parser


def _slices(data: PrivateData) -> list[Slice]:
    """In the order of time; ingest takes every claim of the file, in its order."""
    table = pq.read_table(CLAIMS / "sih_sus.parquet", columns=["year", "month"])
    assert len(table) == len(data.rows)
    assert data.total_fen is not None
    years, months = (table[name].to_numpy().astype(np.int64) for name in ("year", "month"))
    found = []
    for moment in np.unique(years * 12 + months - 1).tolist():
        rows = np.flatnonzero(years * 12 + months - 1 == moment)
        if len(rows) >= FEWEST:
            part = replace(data, rows=data.rows[rows], total_fen=data.total_fen[rows])
            found.append(Slice(year=moment // 12, month=moment % 12 + 1, data=part))
    return found


def _followed(slices: Sequence[Slice], chosen: argparse.Namespace) -> list[tuple[Slice, Models]]:
    """Every slice but the first, with what each method had before it."""
    outline = Outline(n_features=slices[0].data.rows.shape[1], n_clusters=chosen.clusters)
    follower = ours(outline, chosen.epsilon, chosen.memory, chosen.seed)
    yearly = {
        year: fitted(_of_year(slices, year), chosen.clusters, chosen.seed) for year in {one.year for one in slices}
    }
    held: Floats | None = None
    found: list[tuple[Slice, Models]] = []
    for before, now in pairwise(slices):
        held = follower.window(before.data.rows)
        models = {
            OURS: None if held is None else held.copy(),
            REFIT: yearly[now.year - 1],
            FROZEN: yearly[slices[0].year],
            HINDSIGHT: yearly[now.year],
        }
        found.append((now, models))
    return found


def _of_year(slices: Sequence[Slice], year: int) -> Rows:
    return np.concatenate([one.data.rows for one in slices if one.year == year])


def _judged(one: Slice, models: Models) -> dict[str, Figures]:
    return {
        name: Figures(inertia=inertia(one.data.rows, centroids), riv=riv_of(one.data, centroids))
        for name, centroids in models.items()
        if centroids is not None
    }


def _show(judged: Sequence[tuple[Slice, Mapping[str, Figures]]]) -> None:
    names = (OURS, REFIT, FROZEN)
    columns = [f"{name}: {what}" for what in ("inertia / hindsight", "RIV") for name in names]
    show_heading(["slice", "claims", *columns, "hindsight: RIV"])
    for one, figures in judged:
        show_row([f"{one.year}-{one.month:02d}", len(one.data.rows), *_cells([figures], names)])
    all_there = [figures for _, figures in judged if OURS in figures] or [figures for _, figures in judged]
    show_row([f"mean of {len(all_there)}", "", *_cells(all_there, names)])


def _cells(found: Sequence[Mapping[str, Figures]], names: Sequence[str]) -> list[str]:
    """Means over slices; a dash for who has no model in one of them."""
    there = [all(name in figures for figures in found) for name in names]
    ratios = [
        f"{mean(one[name].inertia / one[HINDSIGHT].inertia for one in found):.3f}" if has else "-"
        for name, has in zip(names, there, strict=True)
    ]
    rivs = [
        f"{mean(one[name].riv for one in found):.3f}" if has else "-"
        for name, has in zip((*names, HINDSIGHT), (*there, True), strict=True)
    ]
    return [*ratios, *rivs]


if __name__ == "__main__":
    main()
