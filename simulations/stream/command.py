"""``fedclaims-simulate stream``: days of windows in minutes, and a page that tells the story."""

from __future__ import annotations

import argparse
import json
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from common.command_line import StoppedError, completion_script, ending
from common.errors import FedclaimsError, SourceError
from simulations.stream.options import command_of, parser, stream_of
from simulations.stream.report.render import render_stream
from simulations.stream.story import Spending, StreamStory, Tick
from simulations.stream.table import result_of, stream_table
from simulations.stream.ticking import StreamRun, fitted
from simulations.writing import directory_for_results, replace_all


def main(arguments: list[str]) -> int:
    """Run the command with the arguments after ``stream``.

    Returns:
        The exit code, as documented in ``--help``.
    """
    found = parser()
    options = found.parse_args(arguments)
    if options.completion:
        print(completion_script(found, options.completion))  # noqa: T201 - this is what the option is for
        return 0
    try:
        _tell(_run(options, arguments), options)
    except FedclaimsError as error:
        return _end(error, arguments)
    except OSError as error:
        return _end(SourceError(f"{options.out}: {error.strerror}"), arguments)
    except KeyboardInterrupt:
        return _end(StoppedError("interrupted; nothing was written"), arguments)
    return 0


def _end(error: FedclaimsError, arguments: list[str]) -> int:
    line, code = ending("fedclaims-simulate stream", error, arguments)
    Console(stderr=True).print(line, highlight=False, markup=False, soft_wrap=True)
    return code


def _run(options: argparse.Namespace, arguments: list[str]) -> StreamStory:
    """Do it, and write its files."""
    run, err, began = stream_of(options), Console(stderr=True, quiet=options.json), time.perf_counter()
    with directory_for_results(options.out) as out:
        ticks = _followed(run, err)
        seconds = {"stream": time.perf_counter() - began}
        story = StreamStory(
            plan=fitted(run.terms.base, len(run.world.bureaus)),
            every_s=run.terms.every_s,
            opens=run.world.opens,
            bureaus=tuple(one.name for one in run.world.bureaus),
            happenings=run.world.happenings,
            ticks=tuple(tick for tick, _ in ticks),
            spending=tuple(spent for _, spent in ticks),
            command=command_of(arguments),
            seconds=seconds,
        )
        replace_all(
            {
                out / "stream.html": render_stream(story).encode(),
                out / "result.json": json.dumps(result_of(story), indent=1, ensure_ascii=False).encode() + b"\n",
            }
        )
    return story


def _followed(run: StreamRun, err: Console) -> list[tuple[Tick, Spending]]:
    """All ticks, with a bar on a terminal and a line every six hours elsewhere."""
    n_ticks = run.world.hours * 3600 // run.terms.every_s
    found: list[tuple[Tick, Spending]] = []
    columns = (
        TextColumn("following the stream"),
        BarColumn(24),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        task = progress.add_task("", total=n_ticks, note="")
        for tick, spent in run.ticks():
            found.append((tick, spent))
            progress.update(task, advance=1, note=_note(tick, run))
            if not err.is_terminal and tick.number * run.terms.every_s % (6 * 3600) == 0:
                err.print(f"  {_note(tick, run)}", highlight=False, markup=False)
    return found


def _note(tick: Tick, run: StreamRun) -> str:
    hours = tick.number * run.terms.every_s / 3600
    clusters = 0 if tick.state is None else len(tick.state.clusters)
    return f"hour {hours:g}: {tick.n_claims:,} claims, {clusters} clusters"


def _tell(story: StreamStory, options: argparse.Namespace) -> None:
    """Show the result; to programs, what ``result.json`` holds."""
    if options.json:
        print(json.dumps(result_of(story), ensure_ascii=False))  # noqa: T201 - this is what the option is for
        return
    out = Console()
    out.print(stream_table(story))
    out.print(f"page: {options.out / 'stream.html'}", highlight=False, markup=False, soft_wrap=True)
