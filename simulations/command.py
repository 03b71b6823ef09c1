"""``fedclaims-simulate``: the main job on one machine."""

from __future__ import annotations

import argparse
import json
import sys

from rich.console import Console

from common.command_line import StoppedError, completion_script, ending
from common.errors import FedclaimsError, SourceError
from common.plan import Protection
from simulations.bureaus import WorldClaims
from simulations.job import run_job
from simulations.options import contradiction, job_of, parser
from simulations.report import render_report
from simulations.story import Story
from simulations.terminal import Bars, Lines, notes, result_table
from simulations.transcript import TranscriptFile
from simulations.world.writing import write_claims
from simulations.writing import directory_for_results, replace_all

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
    if arguments[:1] == ["stream"]:
        from simulations.stream.command import main as stream  # noqa: PLC0415  another command, with its own imports

        return stream(arguments[1:])
    found = parser()
    options = found.parse_args(arguments)
    if options.completion:
        print(completion_script(found, options.completion))  # noqa: T201 - this is what the option is for
        return 0
    if problem := contradiction(options):
        found.refuse(problem, arguments)
    err = Console(stderr=True, quiet=options.json)
    try:
        _tell(_run(options, arguments, err), options)
    except FedclaimsError as error:
        return _end(error, arguments)
    except OSError as error:
        return _end(SourceError(f"{options.out}: {error.strerror}"), arguments)
    except KeyboardInterrupt:
        return _end(StoppedError("interrupted; nothing was written"), arguments)
    return 0


def _end(error: FedclaimsError, arguments: list[str]) -> int:
    line, code = ending("fedclaims-simulate", error, arguments)
    Console(stderr=True).print(line, highlight=False, markup=False, soft_wrap=True)
    return code


def _run(options: argparse.Namespace, arguments: list[str], err: Console) -> Story:
    """Do the job and write its files."""
    transcript = TranscriptFile(options.out)
    job = job_of(options, arguments, transcript.record)
    if options.write_claims is not None and isinstance(job.claims, WorldClaims):
        write_claims(job.claims.world, options.write_claims)
    shown = Bars(err) if err.is_terminal and not err.quiet else Lines(err)
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
        transcript.publish((bureau.name for bureau in story.bureaus), story.model)
    return story


def _tell(story: Story, options: argparse.Namespace) -> None:
    """Show the result, and what should be known beside it; to programs, what ``result.json`` holds."""
    if options.json:
        print(json.dumps(story.result, ensure_ascii=False))  # noqa: T201 - this is what the option is for
        return
    out = Console()
    out.print(result_table(story))
    if story.model.plan.protection is Protection.NONE:
        out.print(UNPROTECTED)
    for note in notes(story):
        out.print(note, highlight=False, markup=False)
    out.print(f"report: {options.out / 'report.html'}", highlight=False, markup=False, soft_wrap=True)
