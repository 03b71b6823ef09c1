"""The ablation that earns the feature blocks their place: CHS-DRG tables, real claims, generated groups.

``--part codes`` scores the code features alone against generated claims of CHS-DRG groups; ``--part blocks`` leaves
out one block at a time, on real inpatient claims (explained log cost) and generated ones (recovered groups). All
clusterings are the product's own schedule without a transport.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.drg_claims import draw_claims, read_adrgs
from benchmarks.fitting import fit_rows
from benchmarks.pairing import options, show_heading, show_machine, show_row
from client.claims.ingest import Ingest
from client.claims.mapping import load_mapping
from client.claims.sources.opening import open_source
from client.claims.sources.source import ClaimSource
from common.codes import Level
from common.columns import ClaimTable
from common.costs import costs_of, sum_costs
from common.features.default import default_spec
from common.features.rows import Featuriser, Rows
from common.features.spec import Block, CodeLevel, CodesBlock, FeatureSpec
from common.quality import riv_of_log_cost
from simulations.agreement import adjusted_rand_index, contingency, normalised_mutual_information
from simulations.world import World

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
ADRGS = DATA / "codes" / "chs_drg11_adrg_membership.parquet"
REAL = DATA / "claims" / "sih_sus.parquet"
COST_CAP_YUAN = 200_000
N_ADRGS, N_DRG_CLAIMS, DRG_SEEDS = 60, 12_000, 4
REAL_CLUSTERS = (16, 32, 64)
PLAN_SEEDS = (0, 1)

Levels = tuple[CodeLevel, ...]


def main(arguments: list[str] | None = None) -> None:
    """Print a table of the code variants and one of the blocks; without the data, say so and go on."""
    parser = options(__doc__)
    parser.add_argument("--part", choices=("codes", "blocks"), help="only one of the two tables")
    chosen = parser.parse_args(arguments)
    show_machine("numpy", "numba", "scikit-learn")
    if chosen.part != "blocks":
        _codes_table(quick=chosen.quick)
    if chosen.part != "codes":
        _blocks_table(quick=chosen.quick)


def code_variants() -> Iterator[tuple[str, FeatureSpec]]:
    """Code features alone: the default's, and what else they could be."""
    chapter, block = _level(Level.CHAPTER), _level(Level.BLOCK)
    category = _level(Level.CATEGORY)
    plain: dict[str, Levels] = {"outline": (chapter,), "detail": (block,), "operation": (chapter, block)}
    yield "default: gated, outline 300", _codes(300, **plain)
    for share in (150, 500, 700):
        yield f"outline {share}", _codes(share, **plain)
    yield "ungated: outline whole, share split always", _codes(500, **plain | {"outline": (chapter, block)}, gated=False)
    yield "chapters only", _codes(300, **plain | {"detail": (chapter,), "operation": (chapter,)})
    yield "detail by category", _codes(300, **plain | {"detail": (category,)})
    yield "detail by block and category", _codes(300, **plain | {"detail": (block, category)})
    yield "operation by block, category, no chapter", _codes(300, **plain | {"operation": (block, category)})
    for buckets, nonzeros in ((16, 1), (32, 4), (32, 1), (128, 4), (128, 1)):
        hashed = _level(Level.BLOCK, buckets, nonzeros)
        yield f"{buckets} buckets, {nonzeros} nonzero", _codes(300, (chapter,), (hashed,), (chapter, hashed))
