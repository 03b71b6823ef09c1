"""``fedclaims-bureau``: what a bureau's engineer types."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

from client.claims.ingest import Ingest, IngestReport
from client.claims.mapping import ClaimMapping, load_mapping, parse_mapping, ready_made
from client.claims.projection import present_columns
from client.claims.sources.opening import open_source
from client.claims.sources.source import ClaimSource
from client.deployment.command import add_deployment
from client.identity.command import add_join
from client.ledger.command import add_ledger
from client.link.command import add_link
from client.masked.replaying import add_replay
from client.preview.command import add_preview
from client.profiling.columns import profile_file
from client.profiling.page import Page, as_json, show
from client.profiling.proposal import propose
from client.profiling.toml import mapping_toml
from client.router.commands.command import add_router
from common.command_line import CommandParser, add_completion, ending
from common.errors import FedclaimsError, InputError, SourceError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0, or the exit code of the error, whose text is one line on the standard error stream.
    """
    given = sys.argv[1:] if argv is None else argv
    arguments = _parser().parse_args(given)
    try:
        arguments.run(arguments)
    except (FedclaimsError, KeyboardInterrupt) as error:
        line, code = ending("fedclaims-bureau", error, given)
        print(line, file=sys.stderr)  # noqa: T201 - this is what a command is for
        return code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = CommandParser(
        prog="fedclaims-bureau", description="A bureau's side of federated clustering."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('fedclaims')}")
    commands = parser.add_subparsers(dest="command", required=True)
    profile = commands.add_parser(
        "profile",
        help="look at a file of claims and propose a mapping",
        description="Look at a Parquet or CSV file: columns, identifiers, ill-formed codes; propose a mapping, or "
        "try a given one. Shows no value that fewer than 11 rows share. Writes nothing unless asked to.",
    )
    profile.set_defaults(run=_profile)
    profile.add_argument("file", type=Path, help="a Parquet or CSV file")
    profile.add_argument(
        "--mapping", metavar="NAME|FILE", help=f"try this mapping: a TOML file, or one of {', '.join(ready_made())}"
    )
    profile.add_argument("--json", action="store_true", help="print JSON instead of tables")
    profile.add_argument("--write-mapping", type=Path, metavar="OUT.toml", help="write the proposed mapping here")
    add_ledger(commands)
    add_preview(commands)
    add_join(commands)
    add_deployment(commands)
    add_link(commands)
    add_replay(commands)
    add_router(commands)
    add_completion(commands, parser, print)
    return parser


def _profile(arguments: argparse.Namespace) -> None:
    source = open_source(arguments.file)
    found = profile_file(source)
    toml, mapping, problem = None, None, None
    try:
        if arguments.mapping is not None:
            mapping = load_mapping(arguments.mapping)
        else:
            toml = mapping_toml(propose(found), arguments.file.name)
            mapping = parse_mapping(toml, "proposed")
        outcome = _try(source, mapping)
    except InputError as error:
        if arguments.mapping is not None:
            raise
        outcome, problem = None, str(error)
    if arguments.write_mapping is not None:
        _write(arguments.write_mapping, toml)
    read = mapping.columns if mapping is not None else ()
    page = Page(
        file=found,
        mapping_name=mapping.name if mapping is not None else "proposed",
        mapping_toml=toml,
        outcome=outcome,
        problem=problem,
        unmapped=tuple(name for name in source.schema_names if name not in read),
        fitting=_fitting(source) if arguments.mapping is None else (),
    )
    _print(page, json=arguments.json)


def _fitting(source: ClaimSource) -> tuple[str, ...]:
    """The ready-made mappings whose columns the source has."""
    fitting = []
    for name in ready_made():
        try:
            present_columns(source, load_mapping(name))
        except SourceError:
            continue
        fitting.append(name)
    return tuple(fitting)


def _try(source: ClaimSource, mapping: ClaimMapping) -> IngestReport:
    """Ingest everything under a key that is thrown away, for the report alone."""
    reader = Ingest(source, mapping, pseudonym_key=secrets.token_bytes(32))
    for _ in reader:
        pass
    return reader.report


def _print(page: Page, *, json: bool) -> None:
    if json:
        print(as_json(page))  # noqa: T201 - this is what a command is for
        return
    console = Console()
    show(page, console if console.is_terminal else Console(width=160, no_color=True))


def _write(path: Path, toml: str | None) -> None:
    if toml is None:
        msg = "a mapping was given, so none is proposed: leave out --mapping or --write-mapping"
        raise InputError(msg)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(toml)
    except FileExistsError:
        msg = f"{path} exists already; remove it or name another file"
        raise InputError(msg) from None
    except OSError:
        msg = f"{path} cannot be written; check that its folder exists"
        raise InputError(msg) from None
