"""``fedclaims-bureau router init``, ``route``, ``serve`` and ``explain``: a router from its first hour to an objection.

Exit codes: 0 done; 2 wrong options; 3 a file or an option needs mending; 5 a model or a record is refused; 7 the disk,
the store or another process. `route` may be killed and started again: what was decided stays decided.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from client.claims.sources.parquet import MAGIC
from client.claims.sources.several import SeveralFiles
from client.router.deciding.explain import explain
from client.router.deciding.facts import summary
from client.router.deciding.page import decision_page
from client.router.deciding.policy import Language
from client.router.desk import Desk
from client.router.explaining import artefacts_of, record_of, replayed
from client.router.place import begin_router
from client.router.registers import UNHEARD
from client.router.router import Router
from client.router.routing import RouteReport, route
from client.router.serving.process import run_router
from client.router.shadowing import NOT_RUNNING
from client.router.whole import whole_file
from common.errors import RefusedError

DEFAULT_DIRECTORY = Path("router")


class ReplayError(RefusedError):
    """Decided again, the record says something else: keep both, and tell the bureau's officer."""


def add_deciding(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``route``, ``serve`` and ``explain`` to the commands; ``run`` is what to call."""
    routing = command(commands, "route", "decide about files of claims", _route)
    routing.add_argument("files", nargs="+", type=Path, metavar="FILE", help="Parquet or CSV files of one layout")
    routing.add_argument("--out", type=Path, required=True, metavar="FILE", help="new file: .parquet, .csv or .jsonl")
    serve = command(commands, "serve", "decide over gRPC until told to stop; SIGHUP takes up a new model", _serve)
    explaining = command(commands, "explain", "why a claim went where it went, decided again from its record", _explain)
    explaining.add_argument("decision", metavar="DECISION", help="a decision's identity, or a claim's key")
    explaining.add_argument(
        "--html", type=Path, metavar="FILE", help="write a page with a picture to a new file, its owner's alone"
    )
    explaining.add_argument("--language", choices=("zh", "en"), help="of the sentences (default: all of the policy)")
    for parser in (routing, serve, explaining):
        parser.add_argument("--json", action="store_true", help="print JSON")


def add_router_init(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``init`` to the commands below ``router``."""
    init = command(commands, "init", "make a router's directory: policy, configuration, shelf of models", _init)
    init.add_argument("--json", action="store_true", help="print JSON")
    init.add_argument("--mapping", default="nhsa_4101_wide", help="what the columns of claims mean")


def command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    about: str,
    run: Callable[[argparse.Namespace], None],
) -> argparse.ArgumentParser:
    """A command that works in a router's directory."""
    found = commands.add_parser(name, help=about, description=about)
    found.add_argument("--dir", type=Path, default=DEFAULT_DIRECTORY, help="the router's directory (default: router)")
    found.set_defaults(run=run)
    return found


def say(text: str) -> None:
    """Print for people or programs."""
    sys.stdout.write(f"{text}\n")


def console() -> Console:
    """The terminal, or plain wide lines where there is none."""
    found = Console()
    return found if found.is_terminal else Console(width=160, no_color=True)


def _init(arguments: argparse.Namespace) -> None:
    place = begin_router(arguments.dir, arguments.mapping)
    held = {"directory": str(place.root), "policy": str(place.policy), "configuration": str(place.configuration)}
    say(
        as_json(held)
        if arguments.json
        else f"A router begins in {place.root}.\nNext:\n"
        f"  1. Read {place.policy}: every limit in it is yours. Say in {place.configuration} where files are.\n"
        f"  2. fedclaims-bureau join --dir {place.consortium} --accept ROSTER --governance DIGEST\n"
        f"  3. fedclaims-bureau model accept PUBLICATION MODEL --dir {place.root}\n"
        f"  4. fedclaims-bureau router habits FILE... --dir {place.root}\n"
        f"  5. fedclaims-bureau route FILE... --out decisions.parquet --dir {place.root}\n"
        f"Keep a copy of {place.pseudonym_key} apart from here."
    )


def _route(arguments: argparse.Namespace) -> None:
    with Router.open(arguments.dir) as router:
        rejects = router.desk.place.rejects / f"{arguments.out.name}.csv"
        rejects.unlink(missing_ok=True)
        ingest = router.desk.ingest(SeveralFiles(arguments.files), rejects)
        with _progress(_rows(arguments.files), shown=not arguments.json) as seen:
            report = route(router, ingest, arguments.out, seen)
        idle, unheard = router.idle_rules(), router.registers.opted_out is None
        fault = router.shadow_fault
    if arguments.json:
        say(report.to_json())
    else:
        _show(report, arguments.out, idle)
        if unheard:
            say(UNHEARD)
        if fault:
            say(f"{NOT_RUNNING.capitalize()}: {fault}")


def _serve(arguments: argparse.Namespace) -> None:
    run_router(arguments.dir)


def _explain(arguments: argparse.Namespace) -> None:
    with Desk.open(arguments.dir) as desk:
        record = record_of(desk, arguments.decision)
        if replayed(desk, record) != record:
            msg = f"decision {record.decision_id} does not follow from its own inputs: keep the store, tell the officer"
            raise ReplayError(msg)
        made_with = artefacts_of(desk, record)
    languages: Sequence[Language] = (arguments.language,) if arguments.language else made_with.policy.languages
    if arguments.html is not None:
        page = decision_page(record, made_with.policy, made_with.model, languages[0])
        with whole_file(arguments.html) as file:
            file.write(page.encode())
    if arguments.json:
        say(record.to_json().decode())
        return
    told = [(explain(record, made_with.policy, one, made_with.model.block_names), one) for one in languages]
    say("\n\n".join(f"{explained.text()}\n\n{summary(record, one)}" for explained, one in told))


def _show(report: RouteReport, out: Path, idle: Sequence[tuple[str, str]]) -> None:
    table = Table("lane", "claims", "share", title="Decided")
    total = max(report.ingest.accepted, 1)
    for lane, count in report.lanes.items():
        table.add_row(lane, f"{count:,}", f"{count / total:.1%}")
    shown = console()
    shown.print(table)
    if report.ingest.rejected:
        refused = Table("reason", "rows", title="Rows that are no claims")
        for reason, count in sorted(report.ingest.rejected.items(), key=lambda one: -one[1]):
            refused.add_row(str(reason), f"{count:,}")
        shown.print(refused)
    before = f" {report.again:,} of them had been decided before." if report.again else ""
    shown.print(
        f"{report.ingest.accepted:,} of {report.ingest.seen:,} rows are claims; their decisions are in {out}.{before}"
    )
    for rule, register in idle:
        shown.print(f"Rule {rule} did not run: the register {register} is not named in service.toml.")


@contextmanager
def _progress(total: int | None, *, shown: bool) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal; nothing elsewhere."""
    terminal = Console(stderr=True)
    columns = (TextColumn("routing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=terminal, disable=not (shown and terminal.is_terminal)) as progress:
        task = progress.add_task("", total=total)
        yield lambda through: progress.update(task, completed=through)


def _rows(paths: Sequence[Path]) -> int | None:
    """How many rows there are, where that is cheap to know."""
    n_rows = 0
    for path in paths:
        try:
            with path.open("rb") as file:
                if file.read(len(MAGIC)) != MAGIC:
                    return None
            n_rows += pq.read_metadata(path).num_rows
        except (OSError, ValueError):
            return None  # reading it in earnest says what is wrong
    return n_rows


def as_json(held: object) -> str:
    """For programs."""
    return json.dumps(held, indent=2, ensure_ascii=False)
