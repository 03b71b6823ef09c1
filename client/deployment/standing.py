"""How a station stands: whether it runs, since when, what it answered and refused, what is spent and left."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from client.deployment.configuration import load_configuration
from client.deployment.door import door_of
from client.deployment.journal import read_journal
from client.deployment.pausing import is_paused
from client.deployment.place import Place, is_running
from client.health import is_ready_at
from client.ledger import page
from client.ledger.errors import BrokenLedgerError
from client.ledger.ledger import inspect
from client.ledger.statement import Statement, state
from client.policy import load_policy
from client.releasing import rho_within
from client.windows import odometer
from client.windows.odometer import Odometer, read_odometer
from common.accounting.charges import rdp_epsilon
from common.errors import FedclaimsError, InputError

Standing = dict[str, Any]
KNOWN = ("bureau", "data_version", "snapshot", "roster_version", "roster_until", "claims")
ANSWER_S = 2.0


def standing(place: Place, now: int) -> tuple[Standing, Statement | None, Odometer | None]:
    """What is known of a station, its ledger's statement unless that is broken, and what its windows came to.

    Raises:
        InputError: If there is no such station.
    """
    if not place.configuration.exists():
        msg = f"{place.root} is no station's directory: make one with `fedclaims-bureau init --dir`"
        raise InputError(msg)
    running, journal = is_running(place), read_journal(place)
    found: Standing = {
        "running": running,
        "paused": is_paused(place),
        "since": journal.get("since") if running else None,
        "answers": _answers(place) if running else None,
        **{key: journal.get(key) for key in KNOWN},
        "sessions": journal.get("sessions", []),
        "refusals": journal.get("refusals", []),
    }
    statement, windows, problem = _statement(place, now)
    found["ledger"] = problem if statement is None else {"whole": True, **json.loads(page.as_json(statement))}
    found["windows"] = odometer.as_fields(windows)
    return found, statement, windows


def as_json(found: Standing) -> str:
    """For programs."""
    return json.dumps(found, indent=2)


def show(found: Standing, statement: Statement | None, windows: Odometer | None, console: Console) -> None:
    """For people."""
    runs = f"runs since {_time(found['since'])}" if found["running"] else "does not run"
    pause = "; PAUSED: nothing leaves" if found["paused"] else ""
    console.print(f"Station {found['bureau'] or '(never started)'}: {runs}{pause}")
    if found["answers"]:
        console.print(f"Its door: {found['answers']}")
    seen = f" (snapshot {found['snapshot']})" if found["snapshot"] else ""
    console.print(f"Data version {found['data_version']}{seen}, roster version {found['roster_version']}")
    if found["claims"]:
        rejected = ", ".join(f"{reason} {count}" for reason, count in found["claims"]["rejected"].items()) or "none"
        console.print(f"Claims: {found['claims']['accepted']} accepted; rows rejected: {rejected}")
    console.print(_rows("Sessions", ("session", "plan", "answers", "last", "ended"), found["sessions"]))
    console.print(_rows("Refused last", ("time", "session", "asked", "code"), found["refusals"]))
    if statement is None:
        console.print(f"[bold]The ledger cannot be trusted[/bold]: {found['ledger']}")
    else:
        page.show(statement, console)
    if windows is not None:
        odometer.show(windows, console)


def _answers(place: Place) -> str:
    """What its door says: ``ready``, ``not ready``, ``silent``; of an address only whether somebody listens."""
    try:
        door = door_of(place, load_configuration(place.configuration))
        if isinstance(door, Path):
            return "ready" if is_ready_at(door, ANSWER_S) else "not ready"
        host, _, port = door.address.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port)), ANSWER_S):
            return "listens"
    except (FedclaimsError, OSError):
        return "silent"


def _statement(place: Place, now: int) -> tuple[Statement | None, Odometer | None, Standing | None]:
    try:
        policy, chain = load_policy(place.policy), inspect(place.ledger)
    except BrokenLedgerError as error:
        return None, None, {"whole": False, "entry": error.entry, "reason": error.reason}
    limits, delta = policy.limits(rho_within), policy.delta

    def epsilon_of(rho: int) -> float:
        return rdp_epsilon((rho,), delta)

    statement = state(chain, now=now, delta=delta, epsilon_of=epsilon_of, limits=limits)
    return statement, read_odometer(place.ledger, chain, now, epsilon_of), None


def _rows(title: str, names: tuple[str, ...], rows: list[dict[str, object]]) -> Table:
    table = Table(*names, title=title)
    for row in rows:
        table.add_row(*(_time(row[name]) if name in {"time", "last"} else str(row.get(name))[:16] for name in names))
    return table


def _time(seconds: object) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if isinstance(seconds, int) else "?"
