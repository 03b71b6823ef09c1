"""The main job: gather bureaus, run a session over an engine, compare with the pooled reference, tell the story."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Protocol, TypeVar

from threadpoolctl import threadpool_limits

from client.memory_share import MemoryShare
from common.model import Model
from common.plan import Plan
from common.private.feasible import feasibility, refuse_infeasible
from common.quality import riv_of_cost, riv_of_log_cost, share_with_cv_below_one
from common.summary import inertia
from server.session import RoundReport, SessionReport
from simulations.agreement import adjusted_rand_index, normalised_mutual_information
from simulations.bureaus import Bureaus, Claims, gather_bureaus
from simulations.cards import CodeNames, bureau_stories, cluster_cards
from simulations.engines import Engine
from simulations.inside import Inside, look_inside
from simulations.reference import Reference, fit_reference
from simulations.story import Story
from simulations.terms import fitted

Page = TypeVar("Page")

RESULT_SCHEMA = "fedclaims/result/2"
STAGES = ("ingest", "rounds", "reference", "report")

SMALLEST_REAL_COHORT = 3
"""What a bureau's policy asks for by default; a simulation of fewer bureaus lowers it for itself and says so."""


class Progress(Protocol):
    """Is told how far the job is."""

    def claims(self, so_far: int) -> None:
        """Claims were read."""

    def terms(self, plan: Plan, n_bureaus: int) -> None:
        """The plan is complete; nothing was spent yet."""

    def round(self, report: RoundReport) -> None:
        """A round was closed."""

    def stage(self, name: str) -> None:
        """One of ``STAGES`` begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to run.

    Attributes:
        claims: Where claims come from.
        plan: Of the run, but for what depends on the bureaus (``simulations.terms``).
        engine: Over what the parties talk.
        engine_name: For the result.
        with_reference: Whether to fit scikit-learn on pooled rows, too.
        names: Names of codes, groups and bureaus for the report.
        n_threads: Threads that stations may use together.
        command: What reproduces the run, for the result.
    """

    claims: Claims
    plan: Plan
    engine: Engine
    engine_name: str
    with_reference: bool
    names: CodeNames
    n_threads: int
    command: str


@dataclass(slots=True)
class _Clock:
    """Seconds per stage."""

    progress: Progress
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.progress.stage(name)
        began = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began


def run_job(job: Job, progress: Progress, render: Callable[[Story], Page]) -> tuple[Story, Page]:
    """Run a job to its end.

    Args:
        job: What to run.
        progress: Is told how far it is.
        render: Makes the report; its time is part of the result, so it is given a story whose result lacks it.

    Returns:
        The story, and what ``render`` made of it.

    Raises:
        FedclaimsError: With what to do next.
    """
    clock = _Clock(progress)
    with clock.stage("ingest"):
        bureaus = gather_bureaus(job.claims, job.plan.features, job.plan.cost_cap_yuan, MemoryShare(), progress.claims)
    try:
        return _run_on(bureaus, job, clock, render)
    finally:
        bureaus.close()


def _run_on(bureaus: Bureaus, job: Job, clock: _Clock, render: Callable[[Story], Page]) -> tuple[Story, Page]:
    plan = fitted(job.plan, len(bureaus.by_name), bureaus.n_claims, bureaus.n_persons)
    clock.progress.terms(plan, len(bureaus.by_name))
    refuse_infeasible(plan, len(bureaus.by_name))
    with (
        clock.stage("rounds"),
        threadpool_limits(1, user_api="blas"),
        bureaus.stations(plan, job.n_threads) as stations,
    ):
        session = job.engine(stations, plan, clock.progress.round)
    reference = None
    if job.with_reference:
        with clock.stage("reference"):
            reference = fit_reference(bureaus, len(session.model.clusters), plan.seed, job.n_threads, plan.privacy)
    with clock.stage("report"):
        inside = look_inside(bureaus, session.model)
        story = Story(
            result={},
            model=session.model,
            rounds=session.rounds,
            bureaus=bureau_stories(bureaus, session, job.names),
            cards=cluster_cards(session.model, inside, bureaus, job.names),
            rejected={str(reason): count for reason, count in bureaus.report.rejected.items()},
        )
        story.result.update(_result(job, bureaus, session, inside, reference))
        story.result["seconds"] = clock.seconds
        page = render(story)
    return story, page


def _result(
    job: Job, bureaus: Bureaus, session: SessionReport, inside: Inside, reference: Reference | None
) -> dict[str, object]:
    summary, centroids = inside.summary, session.model.centroid_units()
    claims_inertia, riv = inertia(summary, centroids), riv_of_log_cost(summary.costs)
    known = inside.truths.sum() > 0
    return {
        "schema": RESULT_SCHEMA,
        "engine": job.engine_name,
        "protection": str(session.model.plan.protection),
        "n_bureaus": len(session.model.provenance.cohort),
        **_privacy(session.model, len(session.model.provenance.cohort)),
        "n_claims": summary.n_rows,
        "n_features": session.model.plan.features.n_features,
        "n_clusters": len(session.model.clusters),
        "rounds": session.model.provenance.rounds,
        "inertia": inside.inertia,
        "reference_inertia": reference.inertia if reference else None,
        "inertia_ratio": inside.inertia / reference.inertia if reference else None,
        "claims_inertia_ratio": claims_inertia / reference.claims_inertia if reference else None,
        "riv_log_cost": riv,
        "riv_log_cost_reference": reference.riv_log_cost if reference else None,
        "riv_cost": riv_of_cost(summary.costs),
        "share_clusters_cv_below_1": share_with_cv_below_one(summary.costs),
        "truth_ari": adjusted_rand_index(inside.truths) if known else None,
        "truth_nmi": normalised_mutual_information(inside.truths) if known else None,
        "truth_ari_reference": reference.truth_ari if reference else None,
        "centroids_sha256": session.model.centroids_sha256,
        "bytes_up_per_bureau": session.bytes_up,
        "bureaus_lost": sorted(set(bureaus.by_name) - set(session.model.provenance.cohort)),
        "rows_rejected": _rejected(bureaus),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0, 1),
        "seed": session.model.plan.seed,
        "version": version("fedclaims"),
        "command": job.command,
    }


def _privacy(model: Model, n_bureaus: int) -> dict[str, object]:
    """What was guaranteed, to whom, and what it took."""
    privacy, spent = model.plan.privacy, model.spent
    if privacy is None or spent is None:
        return dict.fromkeys(("epsilon", "delta", "epsilon_spent", "unit", "phi", "noise_multiplier"))
    return {
        "epsilon": privacy.guarantee.epsilon,
        "delta": privacy.guarantee.delta,
        "epsilon_spent": spent.epsilon,
        "unit": str(privacy.unit),
        "phi": feasibility(model.plan, n_bureaus).phi,
        "noise_multiplier": spent.noise_multiplier,
    }


def _rejected(bureaus: Bureaus) -> Mapping[str, int]:
    return {str(reason): count for reason, count in sorted(bureaus.report.rejected.items())}
