"""The ablation that earns the feature blocks their place: CHS-DRG tables, real claims, generated groups.

The first table scores the code features alone on claims drawn from the CHS-DRG tables; the second leaves out one
block at a time, on real inpatient claims (explained log cost) and on generated ones (recovered groups). Every
clustering is the product's own schedule.
"""

from __future__ import annotations

from pathlib import Path
from statistics import mean

import numpy as np
import numpy.typing as npt

from benchmarks.drg_claims import draw_claims, read_adrgs
from benchmarks.feature_variants import block_variants, code_variants
from benchmarks.fitting import fit_rows
from benchmarks.pairing import options, show_heading, show_machine, show_row
from client.claims.ingest import Ingest
from client.claims.mapping import load_mapping
from client.claims.sources.opening import open_source
from client.claims.sources.source import ClaimSource
from common.columns import ClaimTable
from common.costs import costs_of, sum_costs
from common.features.rows import Featuriser, Rows
from common.features.spec import FeatureSpec
from common.quality import riv_of_log_cost
from simulations.agreement import adjusted_rand_index, contingency, normalised_mutual_information
from simulations.tally import TRUTH, Names
from simulations.world import World

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
ADRGS = DATA / "codes" / "chs_drg11_adrg_membership.parquet"
REAL = DATA / "claims" / "sih_sus.parquet"
COST_CAP_YUAN = 200_000
N_ADRGS, N_DRG_CLAIMS, DRG_SEEDS = 60, 12_000, (0, 1, 2, 3)
N_WORLD_CLAIMS, REAL_CLUSTERS, PLAN_SEEDS = 100_000, (16, 32, 64), (0, 1)

Labels = npt.NDArray[np.int32]


def main(arguments: list[str] | None = None) -> None:
    """Print a table of code variants and one of blocks; where data are missing, say so and go on."""
    parser = options(__doc__)
    parser.add_argument("--part", choices=("codes", "blocks"), help="only one of the two tables")
    chosen = parser.parse_args(arguments)
    show_machine("numpy", "numba", "scikit-learn")
    if chosen.part != "blocks":
        _codes_table(DRG_SEEDS[:1] if chosen.quick else DRG_SEEDS)
    if chosen.part != "codes":
        _blocks_table(10_000 if chosen.quick else N_WORLD_CLAIMS, PLAN_SEEDS[:1] if chosen.quick else PLAN_SEEDS)


def _codes_table(seeds: tuple[int, ...]) -> None:
    """NMI of clusters of code features with the CHS-DRG group."""
    if not ADRGS.is_file():
        print("the CHS-DRG tables are not at ../shared/data/codes: their table is skipped\n")
        return
    adrgs = read_adrgs(ADRGS)
    drawn = [draw_claims(adrgs, N_ADRGS, N_DRG_CLAIMS, seed) for seed in seeds]
    show_heading(["code features", "d", "NMI with ADRG, mean", "lowest", "highest"])
    for name, spec, blank in code_variants():
        found = []
        for table, truth in drawn:
            rows = Featuriser(spec).rows(table)
            rows[:, blank] = 0.0
            labels = fit_rows(rows, spec, N_ADRGS, smallest_cluster=1)
            found.append(normalised_mutual_information(contingency(labels, truth, (N_ADRGS, N_ADRGS))))
        show_row([name, spec.n_features - len(range(*blank.indices(10**6))), mean(found), min(found), max(found)])
    print()


def _blocks_table(n_claims: int, seeds: tuple[int, ...]) -> None:
    """RIV of log cost on real claims and ARI on generated ones, mean over the plan's seeds."""
    real = _read(open_source(REAL), "sih_sus") if REAL.is_file() else []
    if not real:
        print("the SIH/SUS claims are not at ../shared/data/claims: their columns are skipped\n")
    world = [table for bureau in World(n_bureaus=8, n_claims=n_claims).bureaus for table in _read(bureau)]
    show_heading(["blocks", *(f"SIH/SUS RIV, K = {k}" for k in REAL_CLUSTERS), "generated ARI", "NMI"])
    variants = zip(block_variants("icd10", "sigtap"), block_variants("icd10", "icd9cm3"), strict=True)
    for (name, real_spec), (_, world_spec) in variants:
        rivs = [_riv(real, real_spec, k, seeds) if real else "-" for k in REAL_CLUSTERS]
        show_row([name, *rivs, *_agreement(world, world_spec, seeds)])


def _read(source: ClaimSource, mapping: str = "nhsa_4101_wide") -> list[ClaimTable]:
    return [found.table for found in Ingest(source, load_mapping(mapping), pseudonym_key=bytes(32))]


def _riv(tables: list[ClaimTable], spec: FeatureSpec, k: int, seeds: tuple[int, ...]) -> float:
    rows = _rows(tables, spec)
    costs = costs_of(np.concatenate([table.total for table in tables]), COST_CAP_YUAN)
    return mean(riv_of_log_cost(sum_costs(costs, fit_rows(rows, spec, k, seed), k)) for seed in seeds)


def _agreement(tables: list[ClaimTable], spec: FeatureSpec, seeds: tuple[int, ...]) -> list[float]:
    """ARI and NMI with the generated groups; as many clusters as groups."""
    names, rows = Names(), _rows(tables, spec)
    truth = np.concatenate([names.translate(table.attributes[TRUTH]) for table in tables])
    k = len(names.values)
    found = [contingency(fit_rows(rows, spec, k, seed), truth, (k, k)) for seed in seeds]
    return [mean(map(adjusted_rand_index, found)), mean(map(normalised_mutual_information, found))]


def _rows(tables: list[ClaimTable], spec: FeatureSpec) -> Rows:
    featuriser = Featuriser(spec)
    return np.concatenate([featuriser.rows(table) for table in tables])


if __name__ == "__main__":
    main()
