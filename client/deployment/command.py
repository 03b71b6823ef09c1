"""``fedclaims-bureau init|start|status|pause|resume|doctor|export-audit``: a station from its first hour to its audit.

Exit codes: 0 done, or all is well; 1 ``doctor`` found a fault, or the evidence is broken; 2 wrong options; 3 a file or
an option needs mending; 4 the plan; 5 the roster; 7 the disk, or another process; 8 the ledger.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from client.deployment import standing as standings
from client.deployment.audit import export_audit
from client.deployment.beginning import begin
from client.deployment.configuration import load_configuration
from client.deployment.doctor.examining import examine
from client.deployment.doctor.findings import Finding, Level
from client.deployment.pausing import pause, resume
from client.deployment.place import Place
from client.deployment.process import run_station
from client.deployment.verifying import Expected, in_words, verify_audit, where
from client.ledger.chain import Head
from common.errors import FedclaimsError, InputError
from common.plan import Plan

DEFAULT_DIRECTORY = Path("station")
MOST_BYTES = 1 << 20
KEY = re.compile(r"[0-9a-fA-F]{64}")
MARKS = {Level.FINE: "ok", Level.WARNING: "look", Level.FAULT: "FAULT"}


class FaultError(FedclaimsError):
    """Something that was checked is not as it must be."""


def add_deployment(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add everything about a station's process to the commands; ``run`` is what to call."""
    init = _command(commands, "init", "make a station's directory: configuration, policy, ledger, keys", _init)
    init.add_argument("--name", required=True, help="what this bureau is to be called in messages")
    init.add_argument("--organisation", required=True, help="whose bureau it is")
    init.add_argument(
        "--passphrase-file", type=Path, help="its first line opens the key files (default: no passphrase)"
    )
    _command(commands, "start", "serve the station until it is told to stop", _start)
    status = _command(commands, "status", "whether it runs, what it answered, what is spent and left", _status)
    pausing = _command(commands, "pause", "let nothing leave from now on, also after a restart", _pause)
    resuming = _command(commands, "resume", "let answers leave again", _resume)
    doctor = _command(commands, "doctor", "check what usually goes wrong, and say the fix for each", _doctor)
    doctor.add_argument("--plan", type=Path, help="whether the station would take part in this plan (canonical JSON)")
    audit = _command(commands, "export-audit", "the ledger and all that is needed to check it, in one file", _audit)
    _add_audit(audit)
    for parser in (init, status, pausing, resuming, doctor, audit):
        parser.add_argument("--json", action="store_true", help="print JSON")


def _add_audit(audit: argparse.ArgumentParser) -> None:
    what = audit.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path, metavar="FILE", help="a new tar file")
    what.add_argument("--verify", type=Path, metavar="FILE", help="check such a file, on any machine")
    audit.add_argument("--head", type=_head, metavar="N:DIGEST", help="with --verify: one that others have seen")
    audit.add_argument("--public-key", type=_key, metavar="HEX", help="with --verify: the ledger's, as told before")
    audit.set_defaults(parser=audit)


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, help_: str, run: object
) -> argparse.ArgumentParser:
    found = commands.add_parser(name, help=help_, description=__doc__)
    found.add_argument("--dir", type=Path, default=DEFAULT_DIRECTORY, help="the station's directory (default: station)")
    found.set_defaults(run=run)
    return found


def _init(arguments: argparse.Namespace) -> None:
    begun = begin(
        arguments.dir,
        arguments.name,
        arguments.organisation,
        clock=_now,
        passphrase_file=arguments.passphrase_file,
    )
    public = begun.request.public_key.hex()
    held = {"directory": str(arguments.dir), "head": str(begun.head), "public_key": public}
    _say(json.dumps(held) if arguments.json else begun.next_steps())


def _start(arguments: argparse.Namespace) -> None:
    run_station(arguments.dir)


def _status(arguments: argparse.Namespace) -> None:
    found, statement, windows = standings.standing(Place(arguments.dir), _now())
    if arguments.json:
        _say(standings.as_json(found))
        return
    console = Console()
    standings.show(found, statement, windows, console if console.is_terminal else Console(width=160, no_color=True))


def _pause(arguments: argparse.Namespace) -> None:
    changed = pause(Place(arguments.dir), _now())
    said = "Nothing leaves from now on, until `resume`." if changed else "It was paused before."
    _say(json.dumps({"paused": True, "changed": changed}) if arguments.json else said)


def _resume(arguments: argparse.Namespace) -> None:
    changed = resume(Place(arguments.dir))
    said = "Answers leave again." if changed else "It was not paused."
    _say(json.dumps({"paused": False, "changed": changed}) if arguments.json else said)


def _doctor(arguments: argparse.Namespace) -> None:
    place = Place(arguments.dir)
    plan = None if arguments.plan is None else Plan.from_canonical(_plan(arguments.plan))
    found = list(examine(place, load_configuration(place.configuration), plan))
    faults = sum(one.level is Level.FAULT for one in found)
    _say(json.dumps([asdict(one) for one in found], indent=2) if arguments.json else "\n".join(map(_line, found)))
    if faults:
        msg = f"{faults} of {len(found)} checks found a fault: the station does not start until they are mended"
        raise FaultError(msg)


def _audit(arguments: argparse.Namespace) -> None:
    if arguments.verify is not None:
        _verify(arguments)
        return
    if arguments.head is not None or arguments.public_key is not None:
        arguments.parser.error("--head and --public-key go with --verify")
    place = Place(arguments.dir)
    verdict = export_audit(place, load_configuration(place.configuration), arguments.out, _now())
    whole = bool(verdict["whole"])
    said = f"The ledger is {'whole' if whole else 'BROKEN'}; the evidence is in {arguments.out}."
    _say(json.dumps(verdict) if arguments.json else said)
    if not whole:
        msg = f"the ledger cannot be trusted from entry {verdict['entry']} on: {verdict['reason']}"
        raise FaultError(msg)


def _verify(arguments: argparse.Namespace) -> None:
    verdict = verify_audit(arguments.verify, Expected(public_key=arguments.public_key, head=arguments.head))
    if arguments.json:
        _say(json.dumps(verdict, ensure_ascii=False))
    elif verdict["whole"]:
        _say(in_words(verdict))
    if not verdict["whole"]:
        msg = f"the evidence does not hold: {where(verdict)}: {verdict['reason']}"
        raise FaultError(msg)


def _line(one: Finding) -> str:
    return f"{MARKS[one.level]:>5}  {one.check}: {one.said}" + (f"\n       fix: {one.fix}" if one.fix else "")


def _plan(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES).strip()
    except OSError:
        msg = f"the plan {path} cannot be read: name the file the coordinator sent"
        raise InputError(msg) from None


def _head(text: str) -> Head:
    try:
        return Head.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _key(text: str) -> str:
    if not KEY.fullmatch(text):
        raise argparse.ArgumentTypeError("a public key has 64 hexadecimal digits")
    return text.lower()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _now() -> int:
    return int(time.time())
