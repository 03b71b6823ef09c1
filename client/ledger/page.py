"""The statement on a terminal, or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from client.ledger.spending import Limit
from client.ledger.statement import Amount, Room, Statement
from common.accounting.guarantee import rounded_up

_BILLION = 10**9
COUNTED = frozenset({Limit.RELEASES_PER_DAY, Limit.WINDOWS_PER_DAY})
"""Limits on how many; the others are on rho."""


def as_json(statement: Statement) -> str:
    """The statement for programs; ``left`` is worked out for each limit."""
    held = asdict(statement)
    for room, shown in zip(statement.room, held["room"], strict=True):
        shown["left"] = room.left
    return json.dumps(held, indent=2)


def show(statement: Statement, console: Console) -> None:
    """The statement for people."""
    when = datetime.fromtimestamp(statement.time, UTC).isoformat(timespec="minutes")
    console.print(f"Ledger as of {when}, head {statement.head}", soft_wrap=True)
    console.print(f"Every epsilon is at delta {statement.delta:g}.\n")
    console.print(_plans(statement))
    if statement.streams:
        console.print(_streams(statement))
    whom = "a person whose claims are in every release" if statement.covers_persons else "a single claim"
    console.print(f"\nWorst case in the last 366 days, for {whom}: {_spoken(statement.last_year)}")
    console.print(f"Worst case in any 366 days so far: {_spoken(statement.worst_year)}")
    if not statement.covers_persons:
        console.print("Some releases protect claims, not persons: whoever has several claims is protected less.")
    console.print()
    console.print(_rooms(statement) if statement.room else "Give --policy to see what is left.")


def _plans(statement: Statement) -> Table:
    table = Table("plan", "protects", "runs", "releases", "unanswered", "rho", "epsilon", title="Spent per plan")
    for plan in statement.plans:
        counts = (str(plan.sessions), str(plan.releases), str(plan.unanswered))
        table.add_row(plan.fingerprint[:16], plan.unit.value, *counts, _rho(plan.spent.rho), _epsilon(plan.spent))
    return table


def _streams(statement: Statement) -> Table:
    """Of a stream no sum is shown: a claim is in one window."""
    table = Table("stream", "protects", "windows", "releases", "unanswered", "rho", "epsilon", title="Dearest window")
    for one in statement.streams:
        counts = (str(one.windows), str(one.releases), str(one.unanswered))
        table.add_row(one.stream[:16], one.unit.value, *counts, _rho(one.dearest.rho), _epsilon(one.dearest))
    return table


def _rooms(statement: Statement) -> Table:
    table = Table("limit", "data version", "spent", "limit", "left", title="What is left (rho; how many)")
    for room in statement.room:
        table.add_row(
            room.limit.value, room.about, *(_figure(room, held) for held in (room.spent, room.most, room.left))
        )
    return table


def _figure(room: Room, held: int) -> str:
    return str(held) if room.limit in COUNTED else _rho(held)


def _spoken(amount: Amount) -> str:
    return f"epsilon {_epsilon(amount)} (rho {_rho(amount.rho)})"


def _rho(units: int) -> str:
    return f"{units // _BILLION}.{units % _BILLION:09d}"


def _epsilon(amount: Amount) -> str:
    return rounded_up(amount.epsilon)
