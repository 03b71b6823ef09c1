"""``fedclaims-bureau preview``: what a station would send for a plan, before anything is sent."""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from client.ledger.ledger import inspect
from client.policy import Policy, load_policy
from client.preview.page import as_json, show
from client.preview.preview import Preview, objection_to_spending, preview
from client.releasing import rho_within
from common.errors import InputError, PlanError
from common.plan import Plan

MOST_BYTES = 1 << 20


def add_preview(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``preview`` to the commands; ``run`` is what to call."""
    found = commands.add_parser(
        "preview",
        help="what a station would send for a plan: every field, its noise, its price",
        description="Show everything that would leave this bureau under a plan, without reading a claim, sending or "
        "charging anything. A simulation writes its plan to plan.json.",
    )
    found.add_argument("plan", type=Path, help="the plan, as the coordinator offers it (canonical JSON)")
    found.add_argument("--policy", type=Path, help="the bureau's policy file (default: a real bureau's defaults)")
    found.add_argument("--ledger", type=Path, metavar="DIR", help="whether the run fits what this ledger has left")
    found.add_argument("--bureau", default="this bureau", metavar="NAME", help="its name in messages")
    found.add_argument("--json", action="store_true", help="print JSON")
    found.set_defaults(run=_show)


def _show(arguments: argparse.Namespace) -> None:
    plan = Plan.from_canonical(_read(arguments.plan))
    policy = load_policy(arguments.policy) if arguments.policy else Policy()
    if plan.privacy is None:
        msg = "this plan has no protection: exact sums would leave, and a sum over one claim is that claim"
        raise PlanError(msg)
    found = preview(plan, arguments.bureau, policy, os.urandom)
    if arguments.ledger is not None:
        found = _with_ledger(found, plan, policy, arguments.ledger)
    if arguments.json:
        print(as_json(found))  # noqa: T201 - this is what a command is for
        return
    console = Console()
    show(found, console if console.is_terminal else Console(width=160, no_color=True))


def _with_ledger(found: Preview, plan: Plan, policy: Policy, directory: Path) -> Preview:
    spending = inspect(directory).book.spending
    objection = objection_to_spending(plan, policy, spending, policy.limits(rho_within), int(time.time()))
    return found if objection is None else replace(found, objections=(*found.objections, objection))


def _read(path: Path) -> bytes:
    try:
        held = path.read_bytes()
    except OSError:
        msg = f"the plan {path} cannot be read: name the file the coordinator sent"
        raise InputError(msg) from None
    if len(held) > MOST_BYTES:
        msg = f"the plan {path} is larger than {MOST_BYTES} bytes; it cannot be one"
        raise InputError(msg)
    return held.strip()
