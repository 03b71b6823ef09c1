"""The whole job in one process: the result, the view from inside, the reference, and its documented schema."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from client.policy import Policy
from common.costs import costs_of, sum_costs
from common.errors import CohortError, PlanError
from common.grid import from_grid
from common.model import Model
from common.quality import riv_of_log_cost
from server.session import RoundReport
from simulations.bureaus import Bureaus, gather_bureaus
from simulations.engines import loopback_engine
from simulations.inside import Inside, look_inside
from simulations.job import STAGES, run_job
from simulations.options import job_of, parser
from simulations.reference import fit_reference
from simulations.story import Story
from tests.simulations.claim_files import N_CLAIMS, Silent, arguments, generated, parquet_file, story_of
from tests.simulations.schema import faults

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "result.schema.json").read_text())
ISSUE_ASKS = {
    *("engine", "protection", "n_bureaus", "n_claims", "n_features", "n_clusters", "rounds", "seed", "version"),
    *("inertia", "reference_inertia", "inertia_ratio", "riv_log_cost", "riv_log_cost_reference"),
    *("share_clusters_cv_below_1", "truth_ari", "truth_nmi", "centroids_sha256", "bytes_up_per_bureau"),
    *("seconds", "peak_rss_mb"),
}


@pytest.fixture(scope="module")
def claims(tmp_path_factory: pytest.TempPathFactory) -> str:
    return parquet_file(tmp_path_factory.mktemp("claims") / "claims.parquet")


@pytest.fixture(scope="module")
def story(claims: str) -> Story:
    return story_of(arguments(claims, bureau_column="insu_admdvs", no_reference=False))


@pytest.fixture(scope="module")
def bureaus(claims: str) -> Bureaus:
    job = job_of(parser().parse_args(given := arguments(claims, bureau_column="insu_admdvs")), given)
    return gather_bureaus(job.claims, job.plan.features, job.plan.cost_cap_yuan)


def labels_and_rows(bureaus: Bureaus, model: Model) -> tuple[Any, Any]:
    """Nearest centroids in plain numpy."""
    rows = np.concatenate([chunk.rows for one in bureaus.largest_first() for chunk in one.store.chunks()])
    exact = rows.astype(np.float64)[:, None] - from_grid(model.centroid_units())
    return np.argmin((exact**2).sum(axis=2), axis=1), rows


def test_a_result_has_every_field_of_its_schema_and_what_the_issue_asks_for(story: Story) -> None:
    assert list(faults(SCHEMA, story.result)) == []
    assert ISSUE_ASKS <= set(SCHEMA["required"]) == set(SCHEMA["properties"]) == set(story.result)
    assert set(SCHEMA["properties"]["seconds"]["required"]) == set(STAGES)
    assert json.loads(json.dumps(story.result, allow_nan=False)) == story.result


@pytest.mark.parametrize(
    "changes",
    [
        {"n_claims": 1.5},
        {"n_claims": True},
        {"inertia": None},
        {"inertia": "1"},
        {"riv_log_cost": 1.01},
        {"centroids_sha256": "ABC"},
        {"schema": "fedclaims/result/3"},
        {"protection": "hope"},
        {"bytes_up_per_bureau": {"north": -1}},
        {"seconds": {"ingest": 1.0}},
        {"bureaus_lost": [1]},
        {"patients": 7},
    ],
)
def test_the_schema_can_refuse(story: Story, changes: dict[str, object]) -> None:
    assert list(faults(SCHEMA, story.result | changes))


@pytest.mark.parametrize("field", SCHEMA["required"])
def test_the_schema_misses_every_field(story: Story, field: str) -> None:
    assert list(faults(SCHEMA, {name: value for name, value in story.result.items() if name != field}))


def test_the_result_without_a_reference_says_so(claims: str) -> None:
    result = story_of(arguments(claims, bureaus=2)).result
    assert list(faults(SCHEMA, result)) == []
    missing = ("reference_inertia", "inertia_ratio", "riv_log_cost_reference", "truth_ari_reference")
    assert [result[name] for name in missing] == [None] * len(missing)


def test_figures_of_the_result_are_those_of_the_model(story: Story) -> None:
    assert story.result["n_claims"] == N_CLAIMS == sum(cluster.count for cluster in story.model.clusters)
    assert story.result["n_clusters"] == len(story.model.clusters) == 8
    assert story.result["n_bureaus"] == len(story.bureaus) == 5
    assert story.model.quality.inertia == story.rounds[-1].inertia
    assert story.result["inertia"] == pytest.approx(story.model.quality.inertia, rel=1e-9)
    assert story.result["rounds"] == len(story.rounds)
    assert story.result["centroids_sha256"] == story.model.centroids_sha256
    assert story.result["bytes_up_per_bureau"] == {bureau.name: bureau.bytes_up for bureau in story.bureaus}


def test_inertia_is_that_of_plain_numpy(story: Story, bureaus: Bureaus) -> None:
    labels, rows = labels_and_rows(bureaus, story.model)
    exact = rows - from_grid(story.model.centroid_units())[labels]
    assert story.result["inertia"] == pytest.approx((exact**2).sum(), rel=1e-6)


def test_agreement_is_scikit_learns_over_the_claims_themselves(story: Story, bureaus: Bureaus) -> None:
    labels, _ = labels_and_rows(bureaus, story.model)
    truth = np.concatenate([one.tally.column("truth") for one in bureaus.largest_first()])
    assert story.result["truth_ari"] == pytest.approx(adjusted_rand_score(truth, labels), abs=1e-9)
    assert story.result["truth_nmi"] == pytest.approx(normalized_mutual_info_score(truth, labels), abs=1e-9)


def test_without_known_groups_no_agreement_is_claimed(tmp_path: Path) -> None:
    plain = parquet_file(tmp_path / "plain.parquet", generated().drop_columns(["drg_code"]))
    result = story_of(arguments(plain, bureaus=2, no_reference=False)).result
    assert [result[name] for name in ("truth_ari", "truth_nmi", "truth_ari_reference")] == [None] * 3


def test_the_reference_is_scikit_learn_on_the_pooled_rows(story: Story, bureaus: Bureaus) -> None:
    _, rows = labels_and_rows(bureaus, story.model)
    found = fit_reference(bureaus, 8, 0, 1)
    starts = [KMeans(8, n_init=1, random_state=number).fit(rows) for number in range(10)]
    pooled = min(starts, key=lambda fitted: float(fitted.inertia_))
    assert found.inertia == pytest.approx(pooled.inertia_, rel=1e-6)
    assert story.result["reference_inertia"] == pytest.approx(found.inertia, rel=1e-6)
    assert story.result["inertia_ratio"] == pytest.approx(story.result["inertia"] / found.inertia, rel=1e-6)
    truth = np.concatenate([one.tally.column("truth") for one in bureaus.largest_first()])
    assert found.truth_ari == pytest.approx(adjusted_rand_score(truth, pooled.labels_), abs=1e-6)


def test_riv_is_that_of_the_claims_themselves(story: Story, bureaus: Bureaus) -> None:
    labels, _ = labels_and_rows(bureaus, story.model)
    order = np.concatenate([np.flatnonzero(np.array(generated()["insu_admdvs"].to_pylist()) == one.name)
                            for one in bureaus.largest_first()])  # fmt: skip
    fen = np.rint(np.asarray(generated()["medfee_sumamt"])[order] * 100).astype(np.int64)
    sums = sum_costs(costs_of(fen, 200_000), labels.astype(np.int32), 8)
    assert story.result["riv_log_cost"] == pytest.approx(riv_of_log_cost(sums), abs=1e-12)
    logs = np.log(np.minimum(fen, 200_000_00))
    within = sum(((logs[labels == k] - logs[labels == k].mean()) ** 2).sum() for k in range(8))
    assert story.result["riv_log_cost"] == pytest.approx(1 - within / ((logs - logs.mean()) ** 2).sum(), abs=1e-3)


def test_the_inside_view_counts_every_claim_once(story: Story, bureaus: Bureaus) -> None:
    inside = look_inside(bureaus, story.model)
    labels, _ = labels_and_rows(bureaus, story.model)
    counts = [cluster.count for cluster in story.model.clusters]
    assert inside.bureau_counts.sum(axis=1).tolist() == np.bincount(labels, minlength=8).tolist() == counts
    assert inside.bureau_counts.sum(axis=0).tolist() == [len(one.store) for one in bureaus.largest_first()]
    assert inside.diagnoses.sum(axis=1).tolist() == inside.truths.sum(axis=1).tolist() == counts
    assert (inside.operations.sum(axis=1) <= inside.diagnoses.sum(axis=1)).all()


def test_the_inside_view_has_the_means_of_the_claims_themselves(story: Story, bureaus: Bureaus) -> None:
    inside = look_inside(bureaus, story.model)
    labels, _ = labels_and_rows(bureaus, story.model)
    stays = np.concatenate([one.tally.column("stay_days") for one in bureaus.largest_first()])
    for k in range(8):
        given = stays[(labels == k) & (stays >= 0)]
        assert inside.stay_days[k] == pytest.approx(given.mean() if len(given) else np.nan, nan_ok=True)
    assert inside.fee_shares.sum(axis=1) == pytest.approx(1.0, abs=1e-3), "the rows hold roots of the fee shares"


def test_the_inside_view_is_the_same_in_however_many_pieces_claims_came(story: Story, tmp_path: Path) -> None:
    def seen(*parts: pa.Table) -> tuple[int, Inside]:
        paths = [parquet_file(tmp_path / f"{len(parts)}-{place}.parquet", part) for place, part in enumerate(parts)]
        job = job_of(parser().parse_args(given := arguments(*paths, bureau_column="of_3")), given)
        found = gather_bureaus(job.claims, job.plan.features, job.plan.cost_cap_yuan)
        return len(list(found.largest_first()[0].tally.pieces())), look_inside(found, story.model)

    whole = generated()
    (one, at_once), (three, in_pieces) = seen(whole), seen(whole[:500], whole[500:900], whole[900:])
    assert (one, three) == (1, 3)
    assert np.array_equal(at_once.summary.to_vector(), in_pieces.summary.to_vector())
    for field in (one for one in fields(Inside) if one.name != "summary"):
        assert np.array_equal(getattr(at_once, field.name), getattr(in_pieces, field.name), equal_nan=True), field.name


def test_small_counts_are_on_no_card(story: Story) -> None:
    shares = [share for card in story.cards for share in (*card.diagnoses, *card.operations)]
    assert shares
    assert min(share.count for share in shares) >= 11
    assert [card.count for card in story.cards] == [cluster.count for cluster in story.model.clusters]


def test_fewer_than_three_bureaus_lower_their_limit_and_more_do_not(claims: str) -> None:
    for bureaus, limit in [(1, 1), (2, 2), (5, 3)]:
        assert story_of(arguments(claims, bureaus=bureaus)).model.plan.min_cohort == limit
    assert Policy().min_cohort == 3


def test_bureaus_without_claims_take_part(tmp_path: Path) -> None:
    few = parquet_file(tmp_path / "few.parquet", generated()[:30])
    story = story_of(arguments(few, bureaus=40, clusters=2, no_reference=False))
    assert story.result["n_bureaus"] == 40
    assert any(bureau.n_claims == 0 and bureau.bytes_up > 0 for bureau in story.bureaus)
    assert story.model.centroids_sha256 == story_of(arguments(few, bureaus=1, clusters=2)).model.centroids_sha256


@pytest.mark.parametrize(("n_claims", "clusters"), [(8, 8), (9, 8), (12, 5), (25, 2), (1, 1)])
def test_hardly_more_claims_than_clusters_still_end_in_a_model(tmp_path: Path, n_claims: int, clusters: int) -> None:
    few = parquet_file(tmp_path / "few.parquet", generated()[:n_claims])
    result = story_of(arguments(few, bureaus=1, clusters=clusters)).result
    assert result["n_claims"] == n_claims
    assert list(faults(SCHEMA, result)) == []


def test_claims_that_are_all_alike_make_one_cluster(tmp_path: Path) -> None:
    alike = generated().take([3] * 40)
    numbered = [f"S{place}" for place in range(40)]
    alike = alike.set_column(0, "setl_id", [numbered])
    result = story_of(arguments(parquet_file(tmp_path / "alike.parquet", alike), bureaus=2, clusters=4)).result
    assert result["n_claims"] == 40
    assert result["inertia"] == pytest.approx(0.0, abs=1e-6)


def test_fewer_claims_than_clusters_are_the_plans_mistake(tmp_path: Path) -> None:
    few = parquet_file(tmp_path / "few.parquet", generated()[:7])
    with pytest.raises(PlanError, match="7 claims cannot form 8 clusters"):
        story_of(arguments(few, bureaus=2))


def test_a_bureau_that_is_lost_is_told_of_and_not_counted(claims: str) -> None:
    def without_the_first(stations: Any, plan: Any, on_round: Any) -> Any:
        def broken(_: bytes) -> bytes:
            return b""

        return loopback_engine(1)(stations | {min(stations): broken}, plan, on_round)

    story = story_of(arguments(claims, bureau_column="of_7"), without_the_first)
    assert story.result["n_bureaus"] == 6
    assert story.result["bureaus_lost"] == ["bureau 0"]
    assert [bureau.name for bureau in story.bureaus if bureau.lost] == ["bureau 0"]
    assert list(faults(SCHEMA, story.result)) == []


def test_when_too_few_bureaus_are_left_there_is_no_story(claims: str) -> None:
    def without_any(stations: Any, plan: Any, on_round: Any) -> Any:
        return loopback_engine(1)(dict.fromkeys(stations, lambda _: b""), plan, on_round)

    with pytest.raises(CohortError, match="0 bureaus take part, the plan needs 3"):
        story_of(arguments(claims, bureau_column="of_7"), without_any)


class Watching(Silent):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.rounds: list[RoundReport] = []

    def stage(self, name: str) -> None:
        self.stages.append(name)

    def round(self, report: RoundReport) -> None:
        self.rounds.append(report)


def test_progress_is_told_of_every_stage_and_round(claims: str) -> None:
    given = arguments(claims, bureaus=2, no_reference=False)
    watching = Watching()
    story, page = run_job(job_of(parser().parse_args(given), given), watching, lambda told: len(told.cards))
    assert tuple(watching.stages) == STAGES
    assert tuple(watching.rounds) == story.rounds
    assert page == len(story.cards) == 8
    seconds: Any = story.result["seconds"]
    assert all(seconds[name] > 0 for name in STAGES)


def test_rows_are_given_back_however_the_job_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Bureaus] = []
    monkeypatch.setattr(Bureaus, "close", lambda bureaus: closed.append(bureaus))  # noqa: PLW0108  a method
    few = parquet_file(tmp_path / "few.parquet", generated()[:20])
    with pytest.raises(PlanError):
        story_of(arguments(few, bureaus=2, clusters=21))
    assert len(closed) == 1
    story_of(arguments(few, bureaus=2, clusters=2))
    assert len(closed) == 2
