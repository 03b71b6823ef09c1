"""Stories of runs that never were: random figures in the shape of real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from common.claim import FEE_CATEGORIES
from common.costs import LOG_UNITS
from common.features.default import default_spec
from common.grid import to_grid
from common.kernel import SQUARE_UNITS
from common.model import Model, Provenance, model_of
from common.plan import Phase, Plan, Protection
from common.rounds import Outcome
from common.summary import Summary
from server.session import RoundReport
from simulations.story import BureauStory, ClusterCard, CodeShare, Story

Counts = npt.NDArray[np.int64]

COMMAND = "fedclaims-simulate --bureaus 8 --seed 7"


def story_of(n_bureaus: int = 8, n_clusters: int = 36, *, counts: Counts | None = None, seed: int = 0) -> Story:
    """A story with random figures.

    Args:
        n_bureaus: How many.
        n_clusters: How many.
        counts: ``(n_clusters, n_bureaus)``, rows in falling order of their sums; random if None.
        seed: For everything random.
    """
    rng = np.random.default_rng(seed)
    if counts is None:
        counts = _counts(rng, n_clusters, n_bureaus)
    bureaus = tuple(_bureau(place, int(n)) for place, n in enumerate(counts.sum(axis=0)))
    model = _model(rng, counts, tuple(bureau.name for bureau in bureaus))
    cards = tuple(_card(rng, place, row, model) for place, row in enumerate(counts))
    return Story(
        result=result_of(model, bureaus),
        model=model,
        rounds=_rounds(rng, len(counts)),
        bureaus=bureaus,
        cards=cards,
        rejected={"duplicate_claim_key": 1204, "dates_disordered": 37, "ill_formed_code": 3},
    )


def with_result(story: Story, **changes: object) -> Story:
    """The story with some fields of its result changed."""
    return replace(story, result={**story.result, **changes})


def with_card(story: Story, place: int, **changes: object) -> Story:
    """The story with one card changed."""
    cards = list(story.cards)
    cards[place] = replace(cards[place], **changes)  # type: ignore[arg-type]  # fields of a card
    return replace(story, cards=tuple(cards))


def _counts(rng: np.random.Generator, n_clusters: int, n_bureaus: int) -> Counts:
    sizes = 200_000 / np.arange(1, n_clusters + 1) / n_bureaus
    counts = (sizes[:, None] * rng.gamma(2.0, 0.5, (n_clusters, n_bureaus))).astype(np.int64) + 11
    return counts[np.argsort(-counts.sum(axis=1), kind="stable")]


def _bureau(place: int, n_claims: int) -> BureauStory:
    return BureauStory(
        name=f"99{place:04d}",
        name_en=f"Region {place + 1:02d}",
        name_zh=f"第{place + 1:02d}统筹区",
        n_claims=n_claims,
        bytes_up=2_600_000 + 10 * place,
        lost=False,
    )


def _model(rng: np.random.Generator, counts: Counts, cohort: tuple[str, ...]) -> Model:
    plan = Plan(
        features=default_spec(),
        protection=Protection.NONE,
        n_clusters=len(counts),
        smallest_cluster=1,
        min_cohort=1,
        seed=7,
    )
    n = counts.sum(axis=1)
    values = rng.normal(0.0, 0.05, (len(counts), plan.features.n_features))
    centroids = to_grid(values)
    summary = Summary(
        counts=n,
        sums=centroids * n[:, None],
        squares=((values**2).sum(axis=1) * n * SQUARE_UNITS * 1.1).astype(np.int64),
        costs=_costs(rng, n),
    )
    provenance = Provenance(session="00" * 16, rounds=84, cohort=cohort, version="0.1.0")
    return model_of(plan, Outcome(centroids=centroids, summary=summary, rounds=84), provenance)


def _costs(rng: np.random.Generator, n: Counts) -> Counts:
    mean, cv, log = rng.uniform(100, 20_000, len(n)), rng.uniform(0.3, 1.4, len(n)), rng.uniform(0.3, 0.8, len(n))
    squares = [n * mean**2 * (1 + cv**2), n * (log**2 + 0.001) * LOG_UNITS**2]
    return np.column_stack([n, n * log * LOG_UNITS, squares[1], n * mean, squares[0]]).astype(np.int64)


def _card(rng: np.random.Generator, place: int, row: Counts, model: Model) -> ClusterCard:
    n = int(row.sum())
    fees = rng.dirichlet(np.full(len(FEE_CATEGORIES), 0.4)) * 0.999
    return ClusterCard(
        cluster=place,
        count=n,
        released_count=model.clusters[place].count,
        diagnoses=_codes("I1", n, (0.6, 0.2)),
        operations=_codes("39", n // 2, (0.5, 0.3)),
        operated_share=(n // 2) / max(n, 1),
        fee_shares=tuple(float(share) for share in fees),
        mean_cost=model.clusters[place].cost_mean or 0.0,
        cost_cv=model.clusters[place].cost_cv,
        mean_stay_days=float(rng.uniform(2, 20)),
        mean_age_years=float(rng.uniform(5, 80)),
        truth=_truth(place, n),
        bureau_counts=tuple(int(one) for one in row),
    )


def _codes(prefix: str, n: int, shares: Sequence[float]) -> tuple[CodeShare, ...]:
    codes = (
        CodeShare(code=f"{prefix}{place}.x00", count=int(share * n), name_en=f"Disease {place}", name_zh=f"疾病{place}")
        for place, share in enumerate(shares)
    )
    return tuple(code for code in codes if code.count >= 11)


def _truth(place: int, n: int) -> CodeShare | None:
    if int(0.8 * n) < 11:
        return None
    return CodeShare(
        code=f"GROUP{place}", count=int(0.8 * n), name_en=f"Known group {place}", name_zh=f"已知病组{place}"
    )


def _rounds(rng: np.random.Generator, k: int) -> tuple[RoundReport, ...]:
    seeding = [(Phase.SEEDING, n) for n in (1, 2, 4, 8, 16, 32, 64, 128) for _ in range(3)]
    refining = [(Phase.LLOYD, k)] * 6 + [(Phase.REFINING, k + max(1, k // 2))] * 3 + [(Phase.LLOYD, k)] * 3
    inertia = 168_000.0
    reports = []
    for place, (phase, n) in enumerate([*seeding, *refining, (Phase.MEASURE, k)]):
        inertia *= float(rng.uniform(0.9, 0.99))
        size = 8 * 94 * n + 300
        reports.append(
            RoundReport(
                number=place + 1,
                phase=phase,
                n_centroids=n,
                bytes_down=size,
                bytes_up=size + 16 * n,
                inertia=inertia,
                cost=0,
            )
        )
    return tuple(reports)


def result_of(model: Model, bureaus: Sequence[BureauStory]) -> dict[str, object]:
    """The fields of a result, its figures of quality made up."""
    return {
        "engine": "loopback",
        "protection": str(model.plan.protection),
        "n_bureaus": len(bureaus),
        "n_claims": sum(bureau.n_claims for bureau in bureaus),
        "n_features": model.plan.features.n_features,
        "n_clusters": len(model.clusters),
        "rounds": model.provenance.rounds,
        "inertia": 16_491.94,
        "reference_inertia": 16_991.32,
        "inertia_ratio": 0.97061,
        "riv_log_cost": 0.79412,
        "riv_log_cost_reference": 0.79013,
        "riv_cost": 0.47432,
        "share_clusters_cv_below_1": 0.9333,
        "truth_ari": 0.71623,
        "truth_nmi": 0.84345,
        "truth_ari_reference": 0.70654,
        "centroids_sha256": model.centroids_sha256,
        "bytes_up_per_bureau": {bureau.name: bureau.bytes_up for bureau in bureaus},
        "seconds": {"ingest": 2.51, "rounds": 11.23, "reference": 48.37, "report": 1.19},
        "peak_rss_mb": 812.4,
        "seed": 7,
        "version": "0.1.0",
        "command": COMMAND,
    }
