"""``fedclaims-simulate``: the main job on one machine."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rich.console import Console

from common.errors import FedclaimsError, SourceError
from common.plan import Protection
from simulations.job import run_job
from simulations.options import job_of, parser
from simulations.report import render_report
from simulations.story import Story
from simulations.terminal import Bars, Lines, result_table

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
    options = parser().parse_args(arguments)
    out, err = Console(), Console(stderr=True)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        job = job_of(options, arguments)
        shown = Bars(err) if err.is_terminal else Lines(err)
        with shown.shown() as progress:
            story = run_job(job, progress, lambda told: _write(told, options.out))
    except FedclaimsError as error:
        err.print(f"fedclaims-simulate: {error}", highlight=False, markup=False, soft_wrap=True)
        return error.exit_code
    except OSError as error:
        err.print(f"fedclaims-simulate: {options.out}: {error.strerror}", highlight=False, markup=False, soft_wrap=True)
        return SourceError.exit_code
    except KeyboardInterrupt:
        err.print("fedclaims-simulate: interrupted; nothing was written", highlight=False, markup=False)
        return INTERRUPTED
    out.print(result_table(story))
    if story.model.plan.protection is Protection.NONE:
        out.print(UNPROTECTED)
    out.print(f"report: {options.out / 'report.html'}", highlight=False, markup=False, soft_wrap=True)
    return 0


def _write(story: Story, out: Path) -> None:
    """Write the three files; each appears whole or not at all."""
    _replace(out / "report.html", render_report(story).encode())
    _replace(out / "model.json", story.model.to_json())
    _replace(out / "result.json", json.dumps(story.result, indent=1, ensure_ascii=False).encode() + b"\n")


def _replace(path: Path, held: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(held)
    part.replace(path)
