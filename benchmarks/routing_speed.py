"""How fast the router decides, in one process: a single claim beside a scikit-learn pipeline, and batches with records.

A single claim comes as JSON. The pipeline gets the claim's fields as a row of an array, already read and unchecked, so
that no data frame slows it down; it encodes, scales and assigns. Nothing here is written to a disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from benchmarks.pairing import interleaved, options, ratio, show_heading, show_machine, show_row
from benchmarks.routing_data import private_model, routed
from client.claims.mapping import load_mapping
from client.router.bench import Bench
from client.router.claims import RoutedClaims, routed_claims
from client.router.deciding.artefacts import LOT_BYTES, Artefacts
from client.router.deciding.cards import ClusterCards
from client.router.deciding.distance import locate
from client.router.deciding.fitting import Reviewed, fit_calibration
from client.router.deciding.lone_row import LoneRow
from client.router.deciding.model import RoutingModel
from client.router.deciding.observing import observe
from client.router.deciding.policy import RouterPolicy
from client.router.lone.claim import lone_claim
from client.router.registers import Registers
from client.router.rules.history import History
from client.router.rules.table import default_rules
from client.router.rules.usual import usual_fee_shares
from client.router.serving.reading import read_claim
from common.claim import Claim
from common.columns import MISSING
from common.features.rows import Featuriser
from common.model import Model
from simulations.world import World

CLAIMS, CLUSTERS, SINGLES = 100_000, 36, 300
BATCHES = (256, 4_096, 65_536)

CLAIM = b"""{"claim_key": "C1", "psn_key": "P1", "fixmedins_code": "H1", "med_type": "21", "insutype": "390",
"hosp_lv": "3", "adm_time": "2025-03-01T09:00:00", "dscg_time": "2025-03-08T10:00:00",
"setl_time": "2025-03-08T11:00:00", "act_ipt_days": 7, "age": 61, "gend": "1",
"diseinfo": [{"diag_code": "J15.700", "maindiag_flag": true}, {"diag_code": "I10.x05"}],
"oprninfo": [{"oprn_oprt_code": "93.9400", "main_oprn_flag": true}], "medfee_sumamt": "3058.79",
"fund_pay_sumamt": "1961.86", "psn_part_amt": "1096.93", "iteminfo": [{"med_chrgitm_type": "01", "amt": "240.86"},
{"med_chrgitm_type": "04", "amt": "1810.53"}, {"med_chrgitm_type": "09", "amt": "1007.40"}]}"""


def main(arguments: list[str] | None = None) -> None:
    """Print two tables."""
    chosen = options(__doc__).parse_args(arguments)
    show_machine("fedclaims", "numpy", "numba", "pydantic", "scikit-learn")
    claims, model = world(20_000 if chosen.quick else CLAIMS)
    bench = ready_bench(claims, model)
    _show_single(bench, _pipeline(claims), 50 if chosen.quick else SINGLES)
    _show_batches(bench, claims)


def world(n_claims: int) -> tuple[RoutedClaims, Model]:
    """Generated claims, and the model of a private run over them."""
    mapping = load_mapping("nhsa_4101_wide")
    table = pa.Table.from_batches(list(World(n_bureaus=8, n_claims=n_claims).batches()))
    places = table["insu_admdvs"].cast(pa.string()).to_numpy()
    tables = {str(name): table.filter(pa.array(places == name)) for name in sorted(set(places))}
    return routed(table, mapping), private_model(tables, mapping, CLUSTERS, seed=0)


def ready_bench(claims: RoutedClaims, model: Model) -> Bench:
    """Everything that decisions follow from, with a calibration of verdicts by lot."""
    routing, rng = RoutingModel.of(model), np.random.default_rng(0)
    rows = Featuriser(model.plan.features).rows(claims.table)
    habits = observe(claims.table, locate(rows, routing).nearest, routing, now=0)
    policy = RouterPolicy(clusters=dict.fromkeys(range(CLUSTERS), "fast"), clusters_of=routing.sha256)
    scores = rng.random(2_000)
    calibration = fit_calibration(
        Reviewed(scores=scores, routine=rng.random(2_000) < scores),
        scores,
        policy,
        model_sha256=routing.sha256,
        habits_sha256=habits.sha256,
        now=0,
    )
    artefacts = Artefacts(
        model=routing,
        policy=policy,
        cards=ClusterCards(model_sha256=routing.sha256, made_at=0),
        habits=habits,
        calibration=calibration,
        lot=bytes(LOT_BYTES),
    )
    return Bench(artefacts=artefacts, rules=default_rules(), usual=usual_fee_shares(model))


def _show_single(bench: Bench, pipeline: Pipeline, runs: int) -> None:
    lone, model, row = LoneRow(bench.artefacts.model.features), bench.artefacts.model, _fields()
    history, registers = History(), Registers()
    contenders: dict[str, Callable[[], object]] = {
        "validated, row, nearest two": lambda: locate(lone.row(read_claim(CLAIM)), model),
        "validated, decided, record written": lambda: bench.lone.decide(
            lone_claim(read_claim(CLAIM), 1, refused=False), history, registers, 0
        ),
        "the same as a batch of one": lambda: bench.decide(
            routed_claims([Claim.model_validate_json(CLAIM)]), history, registers, 0
        ).records(),
        "scikit-learn pipeline": lambda: pipeline.predict(row),
    }
    seconds = interleaved({name: partial(_tenfold, one) for name, one in contenders.items()}, runs)
    show_heading(["single claim", "p50, us", "p99, us", "scikit-learn pipeline / this"])
    for name, found in seconds.items():
        p50, p99 = np.percentile(np.array(found) * 1e5, [50, 99]).tolist()
        show_row([name, p50, p99, ratio(seconds, "scikit-learn pipeline", name)])


def _tenfold(contender: Callable[[], object]) -> None:
    for _ in range(10):
        contender()


def _show_batches(bench: Bench, claims: RoutedClaims) -> None:
    print()
    show_heading(["claims a batch", "decided, claims/s", "with canonical records, claims/s"])
    for size in (size for size in BATCHES if size <= len(claims)):
        batch = claims.select(np.arange(size))
        bench.decide(batch, History(), Registers(), 0).records()
        began = time.process_time()
        decisions = bench.decide(batch, History(), Registers(), 0)
        decided = time.process_time() - began
        decisions.records()
        show_row([size, size / decided, size / (time.process_time() - began)])


def _pipeline(claims: RoutedClaims) -> Pipeline:
    """What one would write with scikit-learn: codes one-hot, fees and numbers as scaled logarithms, k-means."""
    table = claims.table
    codes = [column.indices for column in (table.diagnoses[0], table.operations[0], table.attributes["med_type"])]
    words = [table.diagnoses[0].values, table.operations[0].values, table.attributes["med_type"].values]
    texts = [np.array([*values, "none"], object)[places] for places, values in zip(codes, words, strict=True)]
    numbers = np.column_stack([table.fees, table.total, np.maximum(table.stay_days, 0), np.maximum(table.age_days, 0)])
    rows = np.column_stack([*texts, numbers.astype(object)])[:20_000]
    return make_pipeline(_encoder(), KMeans(CLUSTERS, n_init=1, random_state=0)).fit(rows)


def _encoder() -> ColumnTransformer:
    logarithms = FunctionTransformer(_logarithms)
    return ColumnTransformer(
        [
            ("codes", OneHotEncoder(handle_unknown="ignore", sparse_output=False), slice(0, 3)),
            ("numbers", make_pipeline(logarithms, StandardScaler()), slice(3, None)),
        ]
    )


def _logarithms(numbers: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
    return np.log1p(numbers.astype(np.float64))


def _fields() -> npt.NDArray[np.object_]:
    """The single claim's fields as a row of the pipeline."""
    table = routed_claims([Claim.model_validate_json(CLAIM)]).table
    days = [max(int(column[0]), 0) for column in (table.stay_days, table.age_days)]
    assert table.operations[0].indices[0] != MISSING
    return np.array([["J15700", "939400", "21", *table.fees[0].tolist(), int(table.total[0]), *days]], object)


if __name__ == "__main__":
    main()
