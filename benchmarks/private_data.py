"""Data sets for private clustering: rows on the grid inside the unit ball, what is public about them, and persons.

Real data are looked for in ``../shared/data`` and skipped with a line where absent; the mixtures are drawn here. Bounds
are given as if an operator knew them: from the feature specification, from a code book, or, for mixtures and points in
the plane, the box that just holds the rows, which is the best any method that needs a box could wish for.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.private_blocks import diabetes130_blocks, randhie_blocks
from benchmarks.private_peers.bounds import Bounds
from client.claims.ingest import Ingest
from client.claims.mapping import ClaimMapping, load_mapping
from client.claims.sources.opening import open_source
from common.codes import CODE_SYSTEMS, Level
from common.features.default import default_spec
from common.features.rows import Featuriser, Rows
from common.features.spec import PER_MILLE, CodesBlock, FeatureSpec, NumberBlock, width
from common.grid import GRID_UNITS
from simulations.bureaus import WorldClaims
from simulations.world import World

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
CLAIMS, CLUSTERING = DATA / "claims", DATA / "clustering"
TOO_WIDE = 20
SEPARATION = 2.0
"""Distance of two centroids of a mixture in units of a group's mean spread, both per coordinate."""

Floats = npt.NDArray[np.float64]
Persons = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PrivateData:
    """One data set.

    Attributes:
        name: As in ``DATA_SETS``.
        rows: float32 ``(n, d)`` on the grid, in the unit ball and in the box of ``bounds``.
        bounds: What is public of them.
        n_clusters: K.
        persons: int64 ``(n,)``, whose claim each row is, from 0 without gaps; None where each is somebody else's.
        bureaus: int64 ``(n,)``, which bureau holds it; None where any may.
        total_fen: int64 ``(n,)``, what the claim costs; None where nothing is known of that.
    """

    name: str
    rows: Rows
    bounds: Bounds
    n_clusters: int
    persons: Persons | None = None
    bureaus: npt.NDArray[np.int64] | None = None
    total_fen: npt.NDArray[np.int64] | None = None


def load(name: str) -> PrivateData | None:
    """One data set; None, and a line that says so, where its file is absent.

    Raises:
        KeyError: If ``DATA_SETS`` has no such name.
    """
    try:
        return DATA_SETS[name](name)
    except FileNotFoundError as error:
        print(f"skipped: {name} needs ../shared/data/{Path(str(error.filename)).relative_to(DATA)}")
        return None


def _sih(name: str, *, n_clusters: int) -> PrivateData:
    """Real inpatient claims with the project's default features; nobody's claims can be told to be one person's."""
    rows, total_fen, bounds = _sih_rows()
    return PrivateData(name=name, rows=rows, bounds=bounds, n_clusters=n_clusters, total_fen=total_fen)


@cache
def _sih_rows() -> tuple[Rows, npt.NDArray[np.int64], Bounds]:
    path, mapping = _existing(CLAIMS / "sih_sus.parquet"), load_mapping("sih_sus")
    spec = _spec_of(mapping)
    featuriser = Featuriser(spec)
    tables = [found.table for found in Ingest(open_source(path), mapping, pseudonym_key=bytes(32))]
    rows = np.concatenate([featuriser.rows(table) for table in tables])
    return rows, np.concatenate([table.total for table in tables]), bounds_of(spec)


def _spec_of(mapping: ClaimMapping) -> FeatureSpec:
    operations = mapping.operations.system if mapping.operations else "icd9cm3"
    return default_spec(mapping.diagnoses.system, operations)


def bounds_of(spec: FeatureSpec) -> Bounds:
    """The box of a specification's rows, coordinate by coordinate."""
    lows, highs = [np.zeros(0)], [np.zeros(0)]
    for block in spec.blocks:
        share = block.share / PER_MILLE
        if isinstance(block, CodesBlock):
            low, high = _code_bounds(block)
        else:
            signed = isinstance(block, NumberBlock) or block.kind == "text"
            low, high = np.full(width(block), -1.0 if signed else 0.0), np.ones(width(block))
        lows.append(low * np.sqrt(share))
        highs.append(high * np.sqrt(share))
    return Bounds(low=np.concatenate(lows), high=np.concatenate(highs))


def _code_bounds(block: CodesBlock) -> tuple[Floats, Floats]:
    """Chapters are one-hot, hashes spread a signed unit vector over their nonzeros; before the block's share."""
    outline, rest = block.outline_share / PER_MILLE, 1 - block.outline_share / PER_MILLE
    lows: list[float] = []
    highs: list[float] = []
    for levels, share, system in (
        (block.outline, outline, block.diagnosis_system),
        (block.detail, rest, block.diagnosis_system),
        (block.operation, rest, block.operation_system),
    ):
        for level in levels:
            size = float(np.sqrt(share * level.share / sum(one.share for one in levels)))
            is_chapter = level.level is Level.CHAPTER
            count = CODE_SYSTEMS[system].n_chapters if is_chapter else level.buckets
            high = size if is_chapter else size / float(np.sqrt(level.nonzeros))
            lows += [0.0 if is_chapter else -high] * count
            highs += [high] * count
    return np.array(lows), np.array(highs)


def _mixture(name: str, *, n_rows: int, n_features: int, n_clusters: int, too_wide: int = 1) -> PrivateData:
    """Unequal, stretched Gaussian groups in the cube that the unit ball holds; ``too_wide`` shrinks the rows in it."""
    rng = np.random.default_rng([n_features, n_clusters])
    places = rng.standard_normal((n_clusters, n_features), np.float32) * np.float32(SEPARATION / np.sqrt(2))
    spreads = rng.uniform(0.6, 1.4, (n_clusters, n_features)).astype(np.float32)
    groups = rng.choice(n_clusters, n_rows, p=rng.dirichlet(np.full(n_clusters, 3.0)))
    rows = rng.standard_normal((n_rows, n_features), np.float32)
    rows *= spreads[groups]
    rows += places[groups]
    return _in_cube(name, rows, n_clusters, too_wide)


def _birch2(name: str) -> PrivateData:
    """Points in the plane along a sine; the one published set of 10,000 points or more."""
    with gzip.open(_existing(CLUSTERING / "birch2.data.gz"), "rt") as lines:
        return _in_cube(name, np.loadtxt(lines, np.float32), n_clusters=100)


def _in_cube(name: str, raw: npt.NDArray[np.float32], n_clusters: int, too_wide: int = 1) -> PrivateData:
    low, high = raw.min(axis=0), raw.max(axis=0)
    half_side = 1 / np.sqrt(raw.shape[1])
    raw -= (low + high) / 2
    raw *= np.float32(2 * half_side / too_wide) / (high - low)
    bounds = Bounds.cube(raw.shape[1], float(half_side))
    return PrivateData(name=name, rows=_on_grid(raw, bounds), bounds=bounds, n_clusters=n_clusters)


def _diabetes130(name: str) -> PrivateData:
    """Hospital stays of diabetics, up to 40 of one person."""
    table = pq.read_table(_existing(CLAIMS / "uci_diabetes130.parquet"))
    return _from_blocks(name, diabetes130_blocks(table), n_clusters=16, persons=table["patient_nbr"])


def _randhie(name: str) -> PrivateData:
    """Person-years of the RAND Health Insurance Experiment."""
    table = pq.read_table(_existing(CLAIMS / "randhie.parquet"))
    return _from_blocks(name, randhie_blocks(table), n_clusters=8, persons=table["zper"])


def _world(name: str, *, n_claims: int, n_bureaus: int, n_clusters: int) -> PrivateData:
    """Generated claims; a person with claims in two regions is two persons, since bureaus cannot link them."""
    claims = WorldClaims(world=World(n_bureaus=n_bureaus, n_claims=n_claims))
    spec = _spec_of(claims.mapping())
    featuriser, rows, totals, persons, places = Featuriser(spec), [], [], [], []
    names: dict[str, int] = {}
    for bureau, table in claims.dealt():
        rows.append(featuriser.rows(table))
        totals.append(table.total)
        persons.append(table.person_id)
        places.append(np.full(len(table), names.setdefault(bureau, len(names)), np.int64))
    return PrivateData(
        name=name,
        rows=np.concatenate(rows),
        bounds=bounds_of(spec),
        n_clusters=n_clusters,
        persons=_dense(np.concatenate(persons)),
        bureaus=np.concatenate(places),
        total_fen=np.concatenate(totals),
    )


def _from_blocks(
    name: str, blocks: Sequence[tuple[int, Floats]], n_clusters: int, persons: pa.ChunkedArray
) -> PrivateData:
    """Blocks no longer than 1, each times the root of its share per mille; numbers have one column, one-hots more."""
    roots = np.concatenate([np.full(block.shape[1], np.sqrt(share / PER_MILLE)) for share, block in blocks])
    signs = np.concatenate([np.full(block.shape[1], -1.0 if block.shape[1] == 1 else 0.0) for _, block in blocks])
    bounds = Bounds(low=signs * roots, high=roots)
    rows = (np.concatenate([block for _, block in blocks], axis=1) * roots).astype(np.float32)
    found = _dense(persons.to_numpy())
    return PrivateData(name=name, rows=_on_grid(rows, bounds), bounds=bounds, n_clusters=n_clusters, persons=found)


def _dense(persons: npt.NDArray[np.int64] | npt.NDArray[np.uint64]) -> Persons:
    return np.unique(persons, return_inverse=True)[1].astype(np.int64)


def _on_grid(rows: npt.NDArray[np.float32], bounds: Bounds) -> Rows:
    """Rows cut to the grid towards zero, which leads out of neither the ball nor a box around the origin."""
    np.clip(rows, bounds.low.astype(np.float32), bounds.high.astype(np.float32), out=rows)
    rows *= np.float32(GRID_UNITS)
    np.trunc(rows, out=rows)
    rows /= np.float32(GRID_UNITS)
    return rows


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(2, "no such file", str(path))
    return path


DATA_SETS: Mapping[str, Callable[[str], PrivateData]] = {
    "sih-16": partial(_sih, n_clusters=16),
    "sih-32": partial(_sih, n_clusters=32),
    "gmm-100k-16": partial(_mixture, n_rows=100_000, n_features=16, n_clusters=16),
    "gmm-100k-16-wide": partial(_mixture, n_rows=100_000, n_features=16, n_clusters=16, too_wide=TOO_WIDE),
    "gmm-100k-64": partial(_mixture, n_rows=100_000, n_features=64, n_clusters=32),
    "gmm-1m-64": partial(_mixture, n_rows=1_000_000, n_features=64, n_clusters=64),
    "diabetes130": _diabetes130,
    "randhie": _randhie,
    "birch2": _birch2,
    "world": partial(_world, n_claims=200_000, n_bureaus=8, n_clusters=36),
}
"""By name; the rows of a name are the same in every run."""
