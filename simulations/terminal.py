"""What a person sees while a job runs and after it: a progress bar or plain lines, and the result table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from common.accounting.guarantee import Language
from common.plan import Plan
from common.private.feasible import feasibility
from server.session import RoundReport
from simulations.job import SMALLEST_REAL_COHORT
from simulations.story import Story

STAGES = {
    "ingest": "reading claims",
    "rounds": "clustering together",
    "reference": "pooled reference",
    "report": "writing the report",
}


class Bars:
    """Progress on a terminal: a line for each stage, the running one moving."""

    def __init__(self, console: Console) -> None:
        """Draw on ``console``."""
        columns = (SpinnerColumn(finished_text="✓"), TextColumn("{task.description:<22}"), BarColumn(24))
        self._progress = Progress(*columns, TimeElapsedColumn(), TextColumn("{task.fields[note]}"), console=console)
        self._task: TaskID | None = None

    @contextmanager
    def shown(self) -> Iterator[Bars]:
        """Show the lines until the job ends."""
        with self._progress:
            yield self
            self._finish()

    def claims(self, so_far: int) -> None:
        """See ``simulations.job.Progress``."""
        self._note(f"{so_far:,} claims")

    def terms(self, plan: Plan, n_bureaus: int) -> None:
        """See ``simulations.job.Progress``."""
        for line in terms_of(plan, n_bureaus):
            self._progress.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def round(self, report: RoundReport) -> None:
        """See ``simulations.job.Progress``."""
        self._note(f"round {report.number}, {report.phase}{_inertia(report)}")

    def stage(self, name: str) -> None:
        """See ``simulations.job.Progress``."""
        self._finish()
        self._task = self._progress.add_task(STAGES[name], total=None, note="")

    def _note(self, text: str) -> None:
        if self._task is not None:
            self._progress.update(self._task, note=text)

    def _finish(self) -> None:
        if self._task is not None:
            self._progress.update(self._task, total=1, completed=1)


class Lines:
    """Progress where there is no terminal: a plain line now and then."""

    def __init__(self, console: Console) -> None:
        """Print on ``console``."""
        self._console = console
        self._next_claims = 1

    @contextmanager
    def shown(self) -> Iterator[Lines]:
        """Nothing to set up."""
        yield self

    def claims(self, so_far: int) -> None:
        """See ``simulations.job.Progress``; each time the number has doubled."""
        if so_far >= self._next_claims:
            self._print(f"  {so_far} claims")
            self._next_claims = 2 * so_far

    def terms(self, plan: Plan, n_bureaus: int) -> None:
        """See ``simulations.job.Progress``."""
        for line in terms_of(plan, n_bureaus):
            self._print(line)

    def round(self, report: RoundReport) -> None:
        """See ``simulations.job.Progress``; every tenth round and the last."""
        if report.number % 10 == 1 or report.phase == "measure":
            self._print(f"  round {report.number}: {report.phase}, {report.n_centroids} centroids{_inertia(report)}")

    def stage(self, name: str) -> None:
        """See ``simulations.job.Progress``."""
        self._print(STAGES[name])

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


def terms_of(plan: Plan, n_bureaus: int) -> Iterator[str]:
    """What is guaranteed, and whether it is worth trying, before anything is spent."""
    if plan.privacy is None:
        return
    yield f"protection {plan.protection}: {plan.privacy.guarantee.sentence(Language.ENGLISH)}"
    yield feasibility(plan, n_bureaus).sentence(Language.ENGLISH)


def _inertia(report: RoundReport) -> str:
    return "" if report.inertia is None else f", inertia {report.inertia:,.1f}"


def notes(story: Story) -> Iterator[str]:
    """What a real run would not do, or would not hide."""
    n_bureaus = len(story.bureaus)
    if n_bureaus < SMALLEST_REAL_COHORT:
        yield (
            f"bureaus: {n_bureaus}, below the {SMALLEST_REAL_COHORT} that a real bureau's policy asks for; "
            f"this simulation has lowered its bureaus' limit to {n_bureaus}"
        )
    if gone := [bureau.name for bureau in story.bureaus if bureau.lost]:
        yield f"without {len(gone)} bureaus, whose claims are not in the model: {', '.join(gone)}"


def result_table(story: Story) -> Table:
    """The result in a few lines."""
    result = story.result
    table = Table(title="fedclaims: one clustering, no pooled claims", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column(style="dim")
    for name, value, meaning in _lines(result, story):
        table.add_row(name, value, meaning)
    return table


def _lines(result: dict[str, object], story: Story) -> Iterator[tuple[str, str, str]]:
    yield "bureaus", f"{result['n_bureaus']}", f"over {result['engine']}, protection {result['protection']}"
    if result["epsilon"] is not None:
        yield "privacy", f"epsilon {result['epsilon_spent']:.4f}", f"per {result['unit']}, delta {result['delta']:g}"
        yield "feasibility index", f"{result['phi']:.1f}", "above 18 claims outweigh noise, below 5 nothing is spent"
    yield "claims", f"{result['n_claims']:,}", f"{sum(story.rejected.values()):,} rows rejected"
    yield "clusters", f"{result['n_clusters']}", f"{result['n_features']} features, {result['rounds']} rounds"
    yield (
        "inertia ratio",
        _figure(result["inertia_ratio"]),
        "to scikit-learn on pooled rows, best of 10; below 1 beats it",
    )
    yield "RIV of log cost", _figure(result["riv_log_cost"]), f"reference {_figure(result['riv_log_cost_reference'])}"
    yield (
        "clusters with CV < 1",
        f"{result['share_clusters_cv_below_1']:.0%}",
        "of capped cost; the usual criterion of a group",
    )
    if result["truth_ari"] is not None:
        reference = _figure(result["truth_ari_reference"])
        yield (
            "known groups, ARI",
            _figure(result["truth_ari"]),
            f"reference {reference}, NMI {_figure(result['truth_nmi'])}",
        )
    sent = [bureau.bytes_up for bureau in story.bureaus]
    yield "left each bureau", f"{max(sent) / 1e6:.2f} MB", "in sums; no row, code or text of a claim"
    seconds = ", ".join(f"{name} {value:.1f}" for name, value in story.result["seconds"].items())  # type: ignore[attr-defined]
    yield "seconds", "", seconds
    once = "the same for any split of the claims" if result["epsilon"] is None else "other noise, other centroids"
    yield "centroids", f"{result['centroids_sha256']}"[:16], f"first 16 of the SHA-256; {once}"


def _figure(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else "-"
