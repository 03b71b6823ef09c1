"""All commands about the router, for ``fedclaims-bureau``."""

from __future__ import annotations

import argparse
from pathlib import Path

from sqlalchemy import Engine

from client.router.bench import draft_key_of
from client.router.commands.clock import add_clock
from client.router.commands.deciding import add_deciding, add_router_init
from client.router.commands.models import add_model
from client.router.commands.reporting import add_report
from client.router.commands.reviewing import add_feedback, add_learning
from client.router.desk import Desk
from client.router.drafts.command import add_drafts_command
from client.router.due import draw_due
from client.router.router import now


def add_router(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``router``, ``route``, ``serve``, ``explain``, ``feedback``, ``model`` and ``drafts`` to the commands."""
    router = commands.add_parser("router", help="a router's directory, and what it learns")
    below = router.add_subparsers(dest="router_command", required=True)
    add_router_init(below)
    add_learning(below)
    add_report(below)
    add_clock(below)
    add_deciding(commands)
    add_feedback(commands)
    add_model(commands)
    add_drafts_command(commands, _opened)


def _opened(root: Path) -> Engine:
    """A router's database, with every draft in it that is due."""
    desk = Desk.open(root)
    draw_due(desk.store, draft_key_of(desk.key), now())
    return desk.store.engine
