"""The options of a stream's commands."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from server.certificates.command import DEFAULT_DIRECTORY

DAY_S = 86_400
MOST_DAYS, LARGEST_IDENTITY = 3660, 2**31 - 1

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001  it has no public name
Run = Callable[[argparse.Namespace], None]

_HELP = {
    "init": "begin to follow a stream as [stream] in coordinator.toml says",
    "start": "one tick now, without the service: for a test",
    "pause": "ask nothing until `resume`; claims pool",
    "resume": "ask again",
    "status": "ticks, clusters, what happened in the last day, what it costs",
    "pin": "a cluster that may move, but neither ends, merges nor splits",
    "unpin": "a cluster is like the others again",
    "reseed": "look for clusters anew, as soon as enough claims are expected",
    "alarms": "what people were told",
}


def add_options(commands: Commands, run: Mapping[str, Run], about: str) -> None:
    """Add every command; ``run`` is what to call for each, ``about`` what stands in their help."""
    stream = commands.add_parser("stream", help="claims followed as they come", description=about)
    below = stream.add_subparsers(dest="stream_command", required=True)
    found = {name: _command(below, name, help_, about, run[name]) for name, help_ in _HELP.items()}
    found["init"].add_argument("--name", type=_name, help="32 hexadecimal digits (default: new ones)")
    for name in ("pin", "unpin"):
        found[name].add_argument("identity", type=_identity, metavar="IDENTITY", help="as `stream status` has it")
    found["alarms"].add_argument("--days", type=_days, default=1, help="of so many days (1)")


def _command(commands: Commands, name: str, help_: str, about: str, run: Run) -> argparse.ArgumentParser:
    found = commands.add_parser(
        name, help=help_, description=help_, epilog=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("--dir", type=Path, default=DEFAULT_DIRECTORY, help=f"its directory ({DEFAULT_DIRECTORY})")
    found.add_argument("--json", action="store_true", help="print JSON")
    found.set_defaults(run=run)
    return found


def _identity(text: str) -> int:
    return _whole(text, LARGEST_IDENTITY)


def _days(text: str) -> int:
    return _whole(text, MOST_DAYS)


def _whole(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= most:
        msg = f"a whole number from 1 to {most}, please"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _name(text: str) -> str:
    if re.fullmatch(r"[0-9a-f]{32}", text) is None:
        msg = "32 hexadecimal digits in small letters, please"
        raise argparse.ArgumentTypeError(msg)
    return text
