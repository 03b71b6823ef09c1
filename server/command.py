"""``fedclaims-coordinator``: what the coordinator's engineer, and the people who govern the consortium, type."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from common.command_line import CommandParser, add_completion, ending
from common.errors import FedclaimsError
from server.certificates.command import add_certificates
from server.consortium.command import add_roster
from server.deployment.command import add_deployment
from server.masked.replaying import add_replay
from server.proxy.command import add_proxy

PROGRAM = "fedclaims-coordinator"


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
        line, code = ending(PROGRAM, error, given)
        print(line, file=sys.stderr)  # noqa: T201 - this is what a command is for
        return code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = CommandParser(
        prog=PROGRAM, description="The coordinator's side of federated clustering."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('fedclaims')}")
    commands = parser.add_subparsers(dest="command", required=True)
    add_deployment(commands)
    add_roster(commands)
    add_certificates(commands)
    add_proxy(commands)
    add_replay(commands)
    add_completion(commands, parser, print)
    return parser
