"""``fedclaims-bureau replay``: check a session of masked sums from its transcript, without anybody's secret.

Exit codes: 0 all of it follows; 3 a file cannot be read; 5 something does not follow, and the text says where.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from common.consortium.signed import MOST_BYTES
from common.errors import InputError
from common.replay.audit import audited, in_words


def add_replay(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``replay`` to the commands."""
    text = "check a session of masked sums from its transcript"
    parser = commands.add_parser("replay", help=text, description=__doc__)
    parser.set_defaults(run=_replay)
    parser.add_argument("transcript", type=Path, help="what the coordinator has recorded: transcript.bin")
    parser.add_argument("--roster", type=Path, required=True, metavar="ROSTER.json", help="the signed roster of then")
    parser.add_argument("--governance", type=_digest, metavar="HEX", help="digest of the governance you trust")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _replay(arguments: argparse.Namespace) -> None:
    try:
        with arguments.roster.open("rb") as roster, arguments.transcript.open("rb") as transcript:
            found = audited(transcript.read, roster.read(MOST_BYTES + 1), arguments.governance)
    except OSError as error:
        msg = f"{error.filename} cannot be read: name the transcript, and the roster with --roster"
        raise InputError(msg) from None
    print(json.dumps(found, indent=1) if arguments.json else in_words(found))  # noqa: T201 - what a command is for


def _digest(text: str) -> bytes:
    try:
        held = bytes.fromhex(text)
    except ValueError:
        held = b""
    if len(held) != 32:  # noqa: PLR2004  SHA-256
        msg = "must be 64 hexadecimal digits"
        raise argparse.ArgumentTypeError(msg)
    return held
