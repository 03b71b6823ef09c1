"""The options of ``fedclaims-coordinator roster``."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from common.consortium.identity import KEY_BYTES
from common.consortium.roster import Role

DEFAULT_DIRECTORY = Path("consortium")
LONGEST_DAYS, MOST_KEYS = 3660, 100

Run = Callable[[argparse.Namespace], None]


def add_options(roster: argparse.ArgumentParser, run: Mapping[str, Run]) -> None:
    """Add what stands below ``roster``; ``run`` says what to call for each."""
    below = roster.add_subparsers(dest="roster_command", required=True)
    parsers = {name: below.add_parser(name, help=_HELP[name], description=_HELP[name]) for name in _HELP}
    for name, parser in parsers.items():
        parser.set_defaults(run=run[name])
        parser.add_argument("--json", action="store_true", help="print JSON")
        if name != "key":
            parser.add_argument("--dir", type=Path, default=DEFAULT_DIRECTORY, help="the consortium's directory")
    _init_options(parsers["init"])
    _add_options(parsers["add"])
    parsers["revoke"].add_argument("name", help="of the member, as `roster show` has it")
    _governance_options(parsers["renew"], required=False)
    for name in ("sign", "show"):
        parsers[name].add_argument("--roster", type=Path, metavar="FILE", help="a roster's file instead of --dir")
    parsers["sign"].add_argument("--key", type=Path, required=True, metavar="FILE", help="a governance key's file")
    parsers["key"].add_argument("--out", type=Path, required=True, metavar="FILE", help="write the new key here")
    for name in ("init", "sign", "key"):
        parsers[name].add_argument("--passphrase", action="store_true", help="ask for the passphrase of key files")
    for name in ("init", "add", "revoke", "renew"):
        parsers[name].add_argument("--days", type=_days, default=365, help="valid for so many days (default: 365)")


_HELP = {
    "init": "begin a consortium: the coordinator's key, its governance, version 1 of the roster",
    "add": "list one member more",
    "revoke": "list a member no longer",
    "renew": "prolong the roster, or bring another governance",
    "sign": "add one governance signature; several people run it in turn",
    "show": "members, terms, who has signed, whether it counts",
    "key": "make a governance key",
}


def _init_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--governance-keys", type=_few, default=0, metavar="N", help="make so many governance keys here"
    )
    _governance_options(parser, required=True)
    parser.add_argument("--name", default="coordinator", help="what the coordinator is to be called")
    parser.add_argument("--organisation", default="coordinator", help="whose it is")
    parser.add_argument("--min-cohort", type=int, default=3, help="bureaus without which no session starts")
    parser.add_argument("--honest-floor", type=int, default=2, help="bureaus whose noise is counted on")
    parser.add_argument("--colluding", type=int, default=1, help="bureaus that may side with the coordinator")
    parser.add_argument("--max-rounds", type=int, default=200, help="rounds of one session, at most")


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="what the member is to be called")
    parser.add_argument("--organisation", help="whose it is; a request says so itself")
    parser.add_argument(
        "--role", choices=[role.value for role in Role], default=Role.BUREAU.value, help="what it may do"
    )
    key = parser.add_mutually_exclusive_group(required=True)
    key.add_argument("--request", type=Path, metavar="FILE", help="the file that `fedclaims-bureau join` made")
    key.add_argument("--key", type=_public_key, metavar="HEX", help="its public key, without proof that it is its own")


def _governance_options(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        "--governance-key",
        type=_public_key,
        action="append",
        default=[],
        metavar="HEX",
        help="the public half of a governance key that somebody else made; once for each",
    )
    parser.add_argument("--threshold", type=int, required=required, metavar="K", help="so many of them must sign")


def _public_key(text: str) -> bytes:
    if re.fullmatch(f"[0-9a-fA-F]{{{2 * KEY_BYTES}}}", text) is None:
        msg = f"a public key has {2 * KEY_BYTES} hexadecimal digits"
        raise argparse.ArgumentTypeError(msg)
    return bytes.fromhex(text)


def _days(text: str) -> int:
    return _whole(text, 1, LONGEST_DAYS)


def _few(text: str) -> int:
    return _whole(text, 0, MOST_KEYS)


def _whole(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
        msg = f"a whole number from {least} to {most}, please"
        raise argparse.ArgumentTypeError(msg)
    return int(text)
