"""``fedclaims-simulate``: the main job on one machine."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console

from common.errors import FedclaimsError, SourceError
from common.plan import Protection
from simulations.job import run_job
from simulations.options import contradiction, job_of, parser
from simulations.report import render_report
from simulations.story import Story
from simulations.terminal import Bars, Lines, notes, result_table
from simulations.transcript import TranscriptFile
from simulations.writing import directory_for_results, replace_all

INTERRUPTED = 130

UNPROTECTED = (
    "[bold red]protection is none:[/] every bureau's sums reach the coordinator in the clear, and a sum over one claim "
    "is that claim. For generated or public claims only."
)


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    Returns:
        The exit code, as documented in ``--help``.
    """
    arguments = sys.argv[1:] if argv is None else argv
    found = parser()
    options = found.parse_args(arguments)
    if problem := contradiction(options):
        found.error(problem)
    err = Console(stderr=True)
    try:
        _tell(_run(options, arguments, err), options.out)
    except FedclaimsError as error:
        err.print(f"fedclaims-simulate: {error}", highlight=False, markup=False, soft_wrap=True)
        return error.exit_code
    except OSError as error:
        err.print(f"fedclaims-simulate: {options.out}: {error.strerror}", highlight=False, markup=False, soft_wrap=True)
        return SourceError.exit_code
    except KeyboardInterrupt:
        err.print("fedclaims-simulate: interrupted; nothing was written", highlight=False, markup=False)
        return INTERRUPTED
    return 0


def _run(options: argparse.Namespace, arguments: list[str], err: Console) -> Story:
    """Do the job and write its files."""
    transcript = TranscriptFile(options.out)
    job = job_of(options, arguments, transcript.record)
    shown = Bars(err) if err.is_terminal else Lines(err)
    with directory_for_results(options.out) as out, transcript, shown.shown() as progress:
        story, page = run_job(job, progress, render_report)
        replace_all(
            {
                out / "report.html": page.encode(),
                out / "model.json": story.model.to_json(),
                out / "plan.json": story.model.plan.canonical() + b"\n",
                out / "result.json": json.dumps(story.result, indent=1, ensure_ascii=False).encode() + b"\n",
            }
        )
        transcript.publish(bureau.name for bureau in story.bureaus)
    return story


def _tell(story: Story, directory: Path) -> None:
    """Show the result, and what should be known beside it."""
    out = Console()
    out.print(result_table(story))
    if story.model.plan.protection is Protection.NONE:
        out.print(UNPROTECTED)
    for note in notes(story):
        out.print(note, highlight=False, markup=False)
    out.print(f"report: {directory / 'report.html'}", highlight=False, markup=False, soft_wrap=True)
