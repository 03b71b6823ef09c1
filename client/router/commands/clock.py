"""``fedclaims-bureau router clock``: whether the clock is behind, and an officer's word that it was ahead once.

A clock that was far ahead when claims were decided keeps all later ones from FAST until it has caught up, for nobody
can tell which of both moments was wrong. ``--declare-wrong`` says that it was the earlier one. Who says so, and why,
stays in the store and in `router report` for good; what was decided keeps its moments. A router that serves takes it up
at SIGHUP.

Exit codes: 0 done; 2 wrong options; 3 there is nothing to declare, or a file needs mending; 7 the store failed.
"""

from __future__ import annotations

import argparse
import dataclasses

from client.router.clocks import behind_text
from client.router.commands.deciding import as_json, command, say
from client.router.desk import Desk
from client.router.router import now
from client.router.store.wrong_clocks import declare_wrong, declared, declared_text
from common.errors import InputError

RIGHT = "The clock is not behind the latest decision."


def add_clock(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``clock`` to the commands below ``router``."""
    clock = command(
        commands, "clock", "whether the clock is behind the latest decision, and to declare it wrong", _clock
    )
    clock.add_argument("--declare-wrong", action="store_true", help="say that it was ahead when the latest was made")
    clock.add_argument("--by", default="", metavar="NAME", help="who says so; it is kept")
    clock.add_argument("--why", default="", metavar="TEXT", help="what was found out; it is kept")
    clock.add_argument("--json", action="store_true", help="print JSON")


def _clock(arguments: argparse.Namespace) -> None:
    if not arguments.declare_wrong and (arguments.by or arguments.why):
        raise InputError("--by and --why belong to --declare-wrong: give it, too")
    with Desk.open(arguments.dir) as desk:
        if arguments.declare_wrong:
            declare_wrong(desk.store.engine, desk.store.decisions.latest(), now(), arguments.by, arguments.why)
        clock, latest, told = now(), desk.store.decisions.latest(), declared(desk.store.engine)
    if arguments.json:
        held = {"behind_s": max(latest - clock, 0), "behind": bool(behind_text(clock, latest))}
        say(as_json(held | {"declared": [dataclasses.asdict(one) for one in told]}))
        return
    say("\n".join((behind_text(clock, latest) or RIGHT, *map(declared_text, told))))
