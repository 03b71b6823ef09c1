"""``fedclaims-bureau ledger``: what was spent, whether the record is whole, and how to begin one.

Exit codes: 0 all is well; 3 there is no ledger or a file cannot be read; 8 the ledger cannot be trusted.
"""

from __future__ import annotations

import argparse
import getpass
import json
import time
from pathlib import Path

from rich.console import Console

from client.ledger.chain import Chain, Head
from client.ledger.errors import BrokenLedgerError, KeyFileError
from client.ledger.keys import load_key
from client.ledger.ledger import KEY_FILE, Ledger, inspect
from client.ledger.page import as_json, show
from client.ledger.statement import state
from client.policy import Policy, load_policy
from client.releasing import rho_within
from client.windows import odometer
from common.accounting.charges import rdp_epsilon
from common.errors import FedclaimsError, InputError

DEFAULT_DIRECTORY = Path("ledger")


def add_ledger(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``ledger`` with ``verify`` and ``init`` to the commands; ``run`` is what to call."""
    ledger = commands.add_parser("ledger", help="what was released and what it cost", description=__doc__)
    ledger.add_argument("--dir", type=Path, default=DEFAULT_DIRECTORY, help="the ledger's directory (default: ledger)")
    ledger.add_argument("--json", action="store_true", help="print JSON")
    ledger.add_argument("--policy", type=Path, help="the bureau's policy file: shows what is left of its limits")
    ledger.set_defaults(run=_show)
    below = ledger.add_subparsers(dest="ledger_command")
    verify = below.add_parser("verify", help="check every entry, and say where and how the ledger is broken")
    verify.add_argument("--head", help="a head that others have seen (number:digest): the ledger must continue it")
    verify.set_defaults(run=_verify)
    init = below.add_parser("init", help="begin a ledger in a new directory, with a new key")
    init.set_defaults(run=_init)
    for parser in (verify, init):
        parser.add_argument("--dir", type=Path, default=argparse.SUPPRESS, help="the ledger's directory")
        parser.add_argument("--passphrase", action="store_true", help="ask for the passphrase of the key file")
        parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")


def _show(arguments: argparse.Namespace) -> None:
    policy = load_policy(arguments.policy) if arguments.policy else None
    chain = inspect(arguments.dir)
    delta = (policy or Policy()).delta
    now = int(time.time())

    def epsilon_of(rho: int) -> float:
        return rdp_epsilon((rho,), delta)

    limits = policy.limits(rho_within) if policy else None
    statement = state(chain, now=now, delta=delta, epsilon_of=epsilon_of, limits=limits)
    windows = odometer.read_odometer(arguments.dir, chain, now, epsilon_of)
    if arguments.json:
        held = {**json.loads(as_json(statement)), "windows": odometer.as_fields(windows)}
        print(json.dumps(held, indent=2))  # noqa: T201 - this is what a command is for
        return
    console = Console()
    console = console if console.is_terminal else Console(width=160, no_color=True)
    show(statement, console)
    if windows is not None:
        odometer.show(windows, console)


def _verify(arguments: argparse.Namespace) -> None:
    seen = _head(arguments.head)
    public_key, doubt = _public_key(arguments)
    try:
        chain = inspect(arguments.dir, public_key)
        if seen is not None:
            chain.check_against(seen)
    except BrokenLedgerError as error:
        if arguments.json:
            print(json.dumps({"whole": False, "entry": error.entry, "byte": error.offset, "reason": error.reason}))  # noqa: T201
        raise VerdictError(error) from None
    print(_as_json(chain, doubt) if arguments.json else _in_words(chain, doubt, seen))  # noqa: T201


class VerdictError(FedclaimsError):
    """The ledger is broken, and this is where and how."""

    exit_code = BrokenLedgerError.exit_code

    def __init__(self, broken: BrokenLedgerError) -> None:
        """Put it in plain words."""
        where = "" if broken.offset is None else f", which begins at byte {broken.offset} of the file"
        before = f"Entries 0 to {broken.entry - 1} are whole. " if broken.entry else "No entry before it. "
        super().__init__(
            f"the ledger is broken at entry {broken.entry}{where}: {broken.reason}. {before}"
            "Let nothing leave. Keep this directory as evidence, restore the newest copy that continues the last head "
            "others have seen, and check it again with --head."
        )


def _init(arguments: argparse.Namespace) -> None:
    passphrase = _ask(twice=True) if arguments.passphrase else None
    head = Ledger.create(arguments.dir, clock=lambda: int(time.time()), passphrase=passphrase)
    held = {"directory": str(arguments.dir), "head": str(head)}
    said = f"A ledger begins in {arguments.dir}. Keep a copy of its key file, apart. Its head: {head}"
    print(json.dumps(held, ensure_ascii=False) if arguments.json else said)  # noqa: T201


def _public_key(arguments: argparse.Namespace) -> tuple[str | None, str]:
    """The key that should have signed, or None and why it is not known."""
    passphrase = _ask(twice=False) if arguments.passphrase else None
    try:
        return load_key(arguments.dir / KEY_FILE, passphrase).public, ""
    except KeyFileError as error:
        return None, str(error)


def _in_words(chain: Chain, doubt: str, seen: Head | None) -> str:
    lines = [f"The ledger is whole: {len(chain.digests)} entries, {len(chain.book.charges)} of them releases."]
    if chain.torn_bytes:
        lines.append(
            f"Behind them are {chain.torn_bytes} bytes of an entry that was never finished: nothing was drawn for it, "
            "and the station will cut it off."
        )
    lines.append(f"Signed by the station's key {chain.public_key}" + (f" - NOT compared: {doubt}." if doubt else "."))
    witnessed = f"It continues head {seen}." if seen else "Without --head, missing entries at the end are not noticed."
    return "\n".join([*lines, witnessed, f"Head: {chain.head}"])


def _as_json(chain: Chain, doubt: str) -> str:
    return json.dumps(
        {
            "whole": True,
            "entries": len(chain.digests),
            "releases": len(chain.book.charges),
            "unfinished_bytes": chain.torn_bytes,
            "public_key": chain.public_key,
            "key_compared": not doubt,
            "head": str(chain.head),
        }
    )


def _head(text: str | None) -> Head | None:
    try:
        return Head.parse(text) if text is not None else None
    except ValueError as error:
        raise InputError(str(error)) from None


def _ask(*, twice: bool) -> bytes:
    given = getpass.getpass("Passphrase of the key file: ").encode()
    if not given or (twice and getpass.getpass("Once more: ").encode() != given):
        raise InputError("the passphrase is empty, or the two are not the same")
    return given
