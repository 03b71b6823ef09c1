"""``fedclaims-coordinator``: what the coordinator's engineer, and the people who govern the consortium, type."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from common.errors import FedclaimsError
from server.consortium.command import add_roster
from server.masked.replaying import add_replay


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0, or the exit code of the error, whose text is one line on the standard error stream.
    """
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except FedclaimsError as error:
        print(f"fedclaims-coordinator: {error}", file=sys.stderr)  # noqa: T201 - this is what a command is for
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fedclaims-coordinator", description="The coordinator's side of federated clustering."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    add_roster(commands)
    add_replay(commands)
    return parser
