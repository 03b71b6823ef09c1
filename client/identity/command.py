"""``fedclaims-bureau join``: ask to be listed in a consortium's roster, then accept the roster that lists you.

Exit codes: 0 done; 3 a file or an option needs mending; 5 the roster does not count, or does not list this bureau;
7 the disk failed.
"""

from __future__ import annotations

import argparse
import getpass
import json
import re
import time
from pathlib import Path

from client.identity.keyfile import KEY_FILE
from client.identity.membership import REQUEST_FILE, Membership, read_bounded
from common.consortium.joining import JoinRequest
from common.consortium.roster import Member, NotAMemberError, Roster
from common.consortium.signed import DIGEST_BYTES
from common.errors import InputError

DEFAULT_DIRECTORY = Path("consortium")


def add_join(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``join`` to the commands; ``run`` is what to call."""
    join = commands.add_parser(
        "join", help="ask to join a consortium, then accept its signed roster", description=__doc__
    )
    join.add_argument("--dir", type=Path, default=DEFAULT_DIRECTORY, help="the directory (default: consortium)")
    join.add_argument("--name", help="what this bureau is to be called in messages")
    join.add_argument("--organisation", help="whose bureau it is")
    join.add_argument("--passphrase", action="store_true", help="ask for a passphrase for the key file")
    join.add_argument("--accept", type=Path, metavar="ROSTER", help="check this roster, and trust it from now on")
    join.add_argument(
        "--governance", type=_digest, metavar="DIGEST", help="of the governance keys, as its people told you"
    )
    join.add_argument("--json", action="store_true", help="print JSON")
    join.set_defaults(run=_join)


def _join(arguments: argparse.Namespace) -> None:
    if arguments.accept is None:
        _ask_to_join(arguments)
    elif arguments.name or arguments.organisation or arguments.passphrase:
        raise InputError("--accept goes with --dir and --governance alone: ask to join first, accept afterwards")
    else:
        _accept(arguments)


def _ask_to_join(arguments: argparse.Namespace) -> None:
    if not (arguments.name and arguments.organisation) or arguments.governance:
        raise InputError("give --name and --organisation to ask to join, or --accept and --governance to accept")
    membership = Membership(arguments.dir)
    known = (arguments.dir / KEY_FILE).exists()
    passphrase = _passphrase(twice=not known) if arguments.passphrase else None
    request = membership.request(arguments.name, arguments.organisation, passphrase)
    path = arguments.dir / REQUEST_FILE
    print(_request_as_json(request, path) if arguments.json else _request_in_words(request, path, known=known))  # noqa: T201


def _accept(arguments: argparse.Namespace) -> None:
    membership = Membership(arguments.dir)
    roster = membership.accept(read_bounded(arguments.accept), arguments.governance, int(time.time()))
    try:
        member = membership.member(roster) if (arguments.dir / REQUEST_FILE).exists() else None
    except NotAMemberError as error:
        msg = f"the roster counts, and was kept, but {error}"
        raise NotAMemberError(msg) from None
    print(_roster_as_json(roster, member) if arguments.json else _roster_in_words(roster, member))  # noqa: T201


def _request_in_words(request: JoinRequest, path: Path, *, known: bool) -> str:
    key = "The key that lies here was kept" if known else "A new key was made"
    return (
        f"{key}; only this machine has its secret half. Its public half: {request.public_key.hex()}\n"
        f"Next: send {path} to the coordinator, and read the public half to them by telephone. When the signed roster "
        f"comes back: fedclaims-bureau join --dir {path.parent} --accept ROSTER --governance DIGEST, with the digest "
        "that the governance told you by another way."
    )


def _request_as_json(request: JoinRequest, path: Path) -> str:
    return json.dumps(
        {
            "request": str(path),
            "name": request.name,
            "organisation": request.organisation,
            "public_key": request.public_key.hex(),
        }
    )


def _roster_in_words(roster: Roster, member: Member | None) -> str:
    until = time.strftime("%Y-%m-%d %H:%M", time.gmtime(roster.valid_until))
    listed = f"{member.name!r} among them as {member.role.value}" if member else "none of them this directory's"
    after = "start the station" if member else "go on: a router needs no more than this to trust models"
    return (
        f"Roster version {roster.version} counts, until {until} UTC. It lists {len(roster.members)} members, "
        f"{listed}.\n"
        f"Its governance is pinned: {roster.governance.digest.hex()}. Its digest: {roster.digest.hex()}\n"
        f"Next: compare the digest with another member's, then {after}. A newer roster is accepted in the "
        "same way; an older one never again."
    )


def _roster_as_json(roster: Roster, member: Member | None) -> str:
    return json.dumps(
        {
            "version": roster.version,
            "digest": roster.digest.hex(),
            "governance": roster.governance.digest.hex(),
            "valid_until": roster.valid_until,
            "members": len(roster.members),
            "name": member.name if member else None,
            "role": member.role.value if member else None,
        }
    )


def _digest(text: str) -> bytes:
    if re.fullmatch(f"[0-9a-fA-F]{{{2 * DIGEST_BYTES}}}", text) is None:
        msg = f"a digest has {2 * DIGEST_BYTES} hexadecimal digits"
        raise argparse.ArgumentTypeError(msg)
    return bytes.fromhex(text)


def _passphrase(*, twice: bool) -> bytes:
    given = getpass.getpass("Passphrase of the key file: ").encode()
    if not given or (twice and getpass.getpass("Once more: ").encode() != given):
        raise InputError("the passphrase is empty, or the two are not the same")
    return given
