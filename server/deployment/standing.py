"""How a coordinator stands: its service, its runs, its models; for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from common.consortium.publishing import SignedPublication
from server.deployment.office import Office
from server.deployment.place import is_running
from server.deployment.saying import status_of
from server.deployment.stopping import ordered_stop
from server.registry.run import Run

Standing = dict[str, Any]
MOST_SHOWN = 10
NOT_TOLD = "code"


def standing(office: Office) -> Standing:
    """What is known of a coordinator."""
    running, runs = is_running(office.place), office.registry.runs
    said = status_of(office.place) if running else {}
    under_way, newest = runs.under_way(), office.registry.models.newest()
    stop = ordered_stop(office.place)
    return {
        "running": running,
        "stopping": str(stop) if running and stop else None,
        "since": said.get("since"),
        "superlink": said.get("superlink"),
        "next_tick": office.configuration.schedule.schedule().next_tick(office.clock()) if running else None,
        "under_way": None if under_way is None else told(under_way) | {"rounds": len(runs.rounds(under_way.number))},
        "waiting": None if (waiting := runs.waiting()) is None else waiting.number,
        "model_version": None if newest is None else newest.version,
        "schedule_began_anew": office.registry.ticking.began_anew(),
        "links": [
            {"name": one.name, "seen": one.seen, "fault": said.get("link_faults", {}).get(one.name)}
            for one in office.registry.nodes.live()
        ],
        "runs": [told(run) for run in runs.newest(MOST_SHOWN)],
    }


def told(run: Run) -> Standing:
    """A run for programs; the code by which its process knows it is nobody else's."""
    held = {key: value for key, value in asdict(run).items() if key != NOT_TOLD}
    return held | {"state": str(run.state), "wanted_by": str(run.wanted_by), "purpose": str(run.purpose)}


def shown(office: Office, run: Run) -> Standing:
    """A run with its rounds and its transcript."""
    kept = office.registry.runs.transcript(run.number)
    rounds = office.registry.runs.rounds(run.number)
    return told(run) | {"rounds": rounds, "transcript": None if kept is None else asdict(kept)}


def published(models: Sequence[SignedPublication]) -> list[Standing]:
    """Published models for programs."""
    return [
        {
            **one.publication.model_dump(mode="json"),
            "digest": one.publication.digest,
            "approvals": [{"name": by.name, "role": str(by.role)} for by in one.approvals],
        }
        for one in models
    ]


def show(found: Standing) -> None:
    """A standing for people."""
    console = console_of()
    service = f"runs since {time_of(found['since'])}" if found["running"] else "does not run"
    console.print(f"Service {service}{'; stops' if found['stopping'] else ''}")
    if found["running"]:
        superlink = found["superlink"] or {}
        state = f"process {superlink.get('process')}" if superlink.get("process") else "down"
        console.print(f"SuperLink: {state}, started again {superlink.get('restarts', 0)} times")
        console.print(f"Next tick of the schedule: {time_of(found['next_tick'])}")
    if found["under_way"]:
        console.print(
            f"Run {found['under_way']['number']} is {found['under_way']['state']}, "
            f"{found['under_way']['rounds']} rounds closed"
        )
    console.print(
        f"Newest model: version {found['model_version'] or '-'}; links: "
        f"{', '.join(one['name'] for one in found['links']) or 'none'}"
    )
    for one in found["links"]:
        if one["fault"]:
            console.print(f"Link of {one['name']}: {one['fault']}")
    if found["schedule_began_anew"]:
        console.print(f"The clock ran ahead: the schedule began anew at {time_of(found['schedule_began_anew'])}")
    show_runs(found["runs"])


def show_runs(runs: Sequence[Standing]) -> None:
    """Some runs for people."""
    table = Table("run", "by", "for", "ordered", "state", "cohort", "model", "reason", title="Runs")
    for run in runs:
        cohort = ", ".join(run["cohort"]) or "-"
        table.add_row(
            *(str(run["number"]), run["wanted_by"], run["purpose"], time_of(run["ordered"]), run["state"], cohort),
            *(str(run["model"] or "-"), run["reason"]),
        )
    console_of().print(table)


def show_run(found: Standing) -> None:
    """A run for people."""
    show_runs([found])
    table = Table("round", "phase", "centroids", "bytes down", "bytes up", "cost", "closed", title="Rounds")
    for one in found["rounds"]:
        values = (one["number"], one["phase"], one["n_centroids"], one["bytes_down"], one["bytes_up"], one["cost"])
        table.add_row(*map(str, values), time_of(one["closed"]))
    console = console_of()
    console.print(table)
    for said in found["refused"]:
        console.print(f"refused: {said}")
    for name, head in found["heads"].items():
        console.print(f"head of {name}'s ledger: {head}")
    if found["transcript"]:
        console.print(f"transcript: transcripts/{found['transcript']['path']}, {found['transcript']['sha256']}")


def show_models(models: Sequence[Standing]) -> None:
    """Published models for people."""
    table = Table("version", "issued", "expires", "session", "digest", "signed by", title="Models")
    for one in models:
        signed = ", ".join(f"{by['name']} ({by['role']})" for by in one["approvals"])
        table.add_row(
            *(str(one["version"]), time_of(one["issued"]), time_of(one["expires"])),
            *(one["session"], one["digest"], signed),
        )
    console_of().print(table)


def time_of(seconds: object) -> str:
    """A time in UTC, or a dash."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if isinstance(seconds, int) else "-"


def console_of() -> Console:
    """A terminal, or a wide page without colours; names are told as they are, whatever is in them."""
    console = Console(markup=False, emoji=False)
    return console if console.is_terminal else Console(width=200, no_color=True, markup=False, emoji=False)
