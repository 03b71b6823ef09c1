"""``fedclaims-coordinator``: a coordinator from its first hour to its published models.

Exit codes: 0 done, or all is well; 1 `doctor` found a fault, a run or a tick that was waited for was not done, or a
model is not confirmed by every bureau; 2 wrong options; 3 a file or an option needs mending; 4 the plan; 5 the roster,
or a refusal; 7 the disk, the registry or another process.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from getpass import getpass
from pathlib import Path
from typing import Any

from common.errors import EngineError, FedclaimsError, InputError
from server.consortium.files import load_key, replace
from server.deployment import links, standing
from server.deployment.approving import approved
from server.deployment.beginning import as_json, begin
from server.deployment.clockwork import confirm_clock
from server.deployment.commands import Control
from server.deployment.delivering import CONFIRMED, awaited, missing, order_delivery
from server.deployment.doctor.examining import examine, insist_owner
from server.deployment.doctor.findings import Finding, Level
from server.deployment.office import Office
from server.deployment.opening import open_office
from server.deployment.options import Commands, add_options
from server.deployment.place import Place, is_running
from server.deployment.planning import plan_for
from server.deployment.service import run_service
from server.deployment.stopping import Stop, end_runs, order_stop
from server.deployment.stream.command import add_stream
from server.registry.run import OPEN, Purpose, Run, State, WantedBy

MARKS = {Level.FINE: "ok", Level.WARNING: "look", Level.FAULT: "FAULT"}
LOOK_S, STOP_S = 0.5, 60.0


class FaultError(FedclaimsError):
    """Something that was checked, or waited for, is not as it must be."""


def add_deployment(commands: Commands) -> None:
    """Add everything about a coordinator's service to the commands; ``run`` is what to call."""
    run = {
        "init": _init,
        "plan": _plan,
        "start": _start,
        "run": _run,
        "status": _status,
        "runs": _runs,
        "show": _show,
        "stop": _stop,
        "doctor": _doctor,
        "models": _models,
        "models export": _export,
        "models deliver": _deliver,
        "models approve": _approve,
        "link admit": _admit,
        "link revoke": _revoke,
        "link list": _links,
    }
    add_options(commands, run, __doc__ or "")
    add_stream(commands, __doc__ or "")


def _init(arguments: argparse.Namespace) -> None:
    begun = begin(arguments.dir, arguments.name, arguments.host)
    _say(as_json(begun) if arguments.json else begun.next_steps())


def _plan(arguments: argparse.Namespace) -> None:
    plan = plan_for(_office(arguments), _purpose(arguments))
    if arguments.out is None:
        _say(plan.canonical().decode())
        return
    _write_new(arguments.out, plan.canonical())
    held = {"out": str(arguments.out), "fingerprint": plan.fingerprint}
    said = f"The plan is in {arguments.out}; its fingerprint is {plan.fingerprint}.\nGive the file to the bureaus."
    _say(json.dumps(held) if arguments.json else said)


def _start(arguments: argparse.Namespace) -> None:
    run_service(Place(arguments.dir))


def _run(arguments: argparse.Namespace) -> None:
    office = _office(arguments)
    run = office.registry.runs.order(WantedBy.OPERATOR, office.clock(), purpose=_purpose(arguments))
    if arguments.wait:
        run = _waited(office, run)
    _say(json.dumps(standing.told(run)) if arguments.json else _ordered(office, run))
    if arguments.wait and run.state is not State.DONE:
        msg = f"run {run.number} was not done: {run.reason}"
        raise FaultError(msg)


def _status(arguments: argparse.Namespace) -> None:
    found = standing.standing(_office(arguments))
    if arguments.json:
        _say_json(found)
    else:
        standing.show(found)


def _runs(arguments: argparse.Namespace) -> None:
    found = [standing.told(run) for run in _office(arguments).registry.runs.newest(arguments.limit)]
    if arguments.json:
        _say_json(found)
    else:
        standing.show_runs(found)


def _show(arguments: argparse.Namespace) -> None:
    office = _office(arguments)
    run = office.registry.runs.find(arguments.number)
    if run is None:
        msg = f"there is no run {arguments.number}: look at the numbers with `runs`"
        raise InputError(msg)
    found = standing.shown(office, run)
    if arguments.json:
        _say_json(found)
    else:
        standing.show_run(found)


def _stop(arguments: argparse.Namespace) -> None:
    place = Place(arguments.dir)
    running = is_running(place)
    if running:
        order_stop(place, Stop.NOW if arguments.now else Stop.AFTER_RUN)
    closed = end_runs(_office(arguments)) if arguments.now else []
    ended = running and arguments.now and _has_ended(place)
    held = {"was_running": running, "runs_closed": closed, "ended": ended or not running}
    _say(json.dumps(held) if arguments.json else _stopped(running=running, now=arguments.now, closed=closed))
    if running and arguments.now and not ended:
        msg = "the service has not ended yet: no run goes on, but end its process by its number in `status`"
        raise EngineError(msg)


def _doctor(arguments: argparse.Namespace) -> None:
    insist_owner(Place(arguments.dir))
    if arguments.clock_is_right:
        confirm_clock(_office(arguments))
    found = list(examine(Place(arguments.dir), webhook=arguments.webhook))
    faults = sum(one.level is Level.FAULT for one in found)
    _say(json.dumps([asdict(one) for one in found], indent=2) if arguments.json else "\n".join(map(_line, found)))
    if faults:
        msg = f"{faults} of {len(found)} checks found a fault"
        raise FaultError(msg)


def _models(arguments: argparse.Namespace) -> None:
    found = standing.published(_office(arguments).registry.models.all())
    if arguments.json:
        _say_json(found)
    else:
        standing.show_models(found)


def _export(arguments: argparse.Namespace) -> None:
    kept = _office(arguments).registry.models.find(arguments.version)
    if kept is None:
        msg = f"no model of version {arguments.version} was published: look at `models`"
        raise InputError(msg)
    files = {"model": arguments.out / "model.json", "publication": arguments.out / "publication.json"}
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError:
        msg = f"{arguments.out} cannot be made: name another directory"
        raise InputError(msg) from None
    _write_new(files["model"], kept.model)
    _write_new(files["publication"], kept.signed.to_json())
    held = {name: str(path) for name, path in files.items()}
    _say(json.dumps(held) if arguments.json else "\n".join(held.values()))


def _deliver(arguments: argparse.Namespace) -> None:
    office, version = _office(arguments), arguments.version
    found = {"version": version, "reason": "", "refused": []}
    if missing(office, version):
        done = awaited(office, order_delivery(office, version, Control(office.place).run))
        found |= {"reason": done.reason, "refused": [word for word in done.said if word != CONFIRMED]}
    left = missing(office, version)
    held = found | {"confirmed": sorted(office.registry.models.confirmed(version)), "missing": left}
    said = f"Model version {version} is confirmed by {', '.join(held['confirmed']) or 'nobody'}."
    _say(json.dumps(held) if arguments.json else said)
    if left:
        why = found["reason"] or f"refused with {', '.join(found['refused']) or 'nothing'}, the others are silent"
        msg = f"model version {version} is not confirmed by {', '.join(left)} ({why}): try again, or send it as files"
        raise FaultError(msg)


def _approve(arguments: argparse.Namespace) -> None:
    passphrase = getpass("Passphrase: ").encode() if arguments.passphrase else None
    identity = load_key(arguments.key, passphrase)
    signed = approved(arguments.publication, arguments.model, arguments.name, identity)
    _write_new(arguments.out, signed.to_json())
    held = {"out": str(arguments.out), "version": signed.publication.version, "digest": signed.publication.digest}
    said = f"Model version {held['version']} is signed by {arguments.name!r}. Send {arguments.out} to the bureaus."
    _say(json.dumps(held) if arguments.json else said)


def _admit(arguments: argparse.Namespace) -> None:
    request, admission = links.admit(_office(arguments), arguments.request, arguments.out)
    held = {"name": admission.name, "request": request.digest, "admission": admission.digest, "out": str(arguments.out)}
    said = (
        f"{admission.name!r} is let in. Digest of its request: {request.digest}\n"
        f"Compare it with the bureau by telephone; if it is another one: fedclaims-coordinator link revoke.\n"
        f"Send {arguments.out}; read this digest of it to the bureau by telephone: {admission.digest}"
    )
    _say(json.dumps(held) if arguments.json else said)


def _revoke(arguments: argparse.Namespace) -> None:
    n_certificates = links.revoke(_office(arguments), arguments.name)
    held = {"name": arguments.name, "certificates": n_certificates}
    said = (
        f"{arguments.name!r} is let in no longer; {n_certificates} certificates count no more once the proxy is "
        "reloaded.\nIf its identity is not to be trusted either: fedclaims-coordinator roster revoke."
    )
    _say(json.dumps(held) if arguments.json else said)


def _links(arguments: argparse.Namespace) -> None:
    nodes = _office(arguments).registry.nodes.all()
    _say(links.listed(nodes) if arguments.json else links.in_words(nodes))


def _purpose(arguments: argparse.Namespace) -> Purpose:
    return Purpose.OUTCOMES if arguments.outcomes else Purpose.CLUSTERS


def _office(arguments: argparse.Namespace) -> Office:
    return open_office(Place(arguments.dir))


def _waited(office: Office, run: Run) -> Run:
    """The run once it is closed; the service must be there to do it."""
    while run.state in OPEN:
        if not is_running(office.place):
            msg = f"run {run.number} is ordered, but no service runs: fedclaims-coordinator start"
            raise EngineError(msg)
        time.sleep(LOOK_S)
        run = office.registry.runs.find(run.number) or run
    return run


def _ordered(office: Office, run: Run) -> str:
    if run.state is State.DONE:
        return f"Run {run.number} is done; model version {run.model} was published."
    if run.state in OPEN:
        hint = "" if is_running(office.place) else " No service runs: start it."
        return f"Run {run.number} is ordered.{hint} Look at it with: fedclaims-coordinator show {run.number}"
    return f"Run {run.number}: {run.state}"


def _has_ended(place: Place) -> bool:
    until = time.monotonic() + STOP_S
    while is_running(place):
        if time.monotonic() > until:
            return False
        time.sleep(LOOK_S)
    return True


def _stopped(*, running: bool, now: bool, closed: list[int]) -> str:
    ended = f" Closed: {', '.join(map(str, closed))}." if closed else ""
    if not running:
        return f"No service runs.{ended}"
    return f"The service ends now.{ended}" if now else "The service ends after the run that is under way."


def _line(one: Finding) -> str:
    return f"{MARKS[one.level]:>5}  {one.check}: {one.said}" + (f"\n       fix: {one.fix}" if one.fix else "")


def _write_new(path: Path, held: bytes) -> None:
    if path.exists():
        msg = f"{path} exists already: name a new file"
        raise InputError(msg)
    replace(path, held)


def _say_json(found: Any) -> None:
    _say(json.dumps(found, indent=2))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
