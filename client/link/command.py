"""``fedclaims-bureau link init|accept|install|start|status|doctor``: a bureau's connection to the coordinator.

Exit codes: 0 done, or all is well; 1 ``doctor`` found a fault; 2 wrong options; 3 a file or an option needs mending; 7
Flower, the disk or another process.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import re
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TypeAlias

from pydantic import ValidationError

from client.deployment.command import MARKS, FaultError
from client.deployment.doctor.findings import Finding, Level
from client.link.admission import accept, read_bounded
from client.link.beginning import begin_link
from client.link.configuration import (
    RUNTIME_PORT,
    CourierKind,
    CourierPart,
    LinkConfiguration,
    StationPart,
    SuperNodePart,
)
from client.link.examining import examine
from client.link.installing import install_bundle
from client.link.place import LinkPlace
from client.link.process import link_standing, run_link
from common.consortium.linking import LinkAdmission
from common.consortium.signed import faults
from common.errors import InputError

DEFAULT_DIRECTORY = Path("link")
STATION_FILES = {
    "root": Path("station-root.pem"),
    "certificate": Path("station-client.pem"),
    "key": Path("station-client.key"),
}
"""Where a link looks for what it needs to ask a station on another machine, unless link.toml says otherwise."""

DIGEST = re.compile(r"[0-9a-fA-F]{64}")
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001  argparse has no other name


def add_link(commands: Commands) -> None:
    """Add everything about a link to the commands; ``run`` is what to call."""
    link = commands.add_parser("link", help="the bureau's connection to the coordinator", description=__doc__)
    below = link.add_subparsers(dest="link_command", required=True)
    init = _command(below, "init", "make a link's directory: configuration, keys, the request to be let in", _init)
    init.add_argument("--name", required=True, help="what this bureau is called in messages and in the roster")
    where = init.add_mutually_exclusive_group(required=True)
    where.add_argument("--socket", type=Path, help="where the station listens; absolute")
    where.add_argument("--address", default="", metavar="HOST:PORT", help="where it listens on another machine")
    init.add_argument("--port", type=int, default=RUNTIME_PORT, help=f"on the loopback (default: {RUNTIME_PORT})")
    init.add_argument("--stock", action="store_true", help="Flower's own courier, a process for every message")
    accepting = _command(below, "accept", "check what the coordinator lets this link in with, and keep it", _accept)
    accepting.add_argument("admission", type=Path, help="the coordinator's file")
    accepting.add_argument("--digest", type=_digest, required=True, metavar="HEX", help="as you were told by telephone")
    install = _command(below, "install", "put a bundle in for the stock courier", _install)
    install.add_argument("bundle", type=Path, help="the coordinator's .fab file")
    _command(below, "start", "run SuperNode and courier until told to stop", _start, json_=False)
    _command(below, "status", "whether it runs, and since when", _status)
    _command(below, "doctor", "check what usually goes wrong, and say the fix for each", _doctor)


def _command(
    commands: Commands, name: str, help_: str, run: Callable[[argparse.Namespace], None], *, json_: bool = True
) -> argparse.ArgumentParser:
    found = commands.add_parser(name, help=help_, description=__doc__)
    found.add_argument("--dir", type=Path, default=DEFAULT_DIRECTORY, help="the link's directory (default: link)")
    if json_:
        found.add_argument("--json", action="store_true", help="print JSON")
    found.set_defaults(run=run)
    return found


def _init(arguments: argparse.Namespace) -> None:
    try:
        configuration = LinkConfiguration(
            name=arguments.name,
            station=_station(arguments),
            supernode=SuperNodePart(port=arguments.port),
            courier=CourierPart(kind=CourierKind.STOCK if arguments.stock else CourierKind.OWN),
        )
    except ValidationError as error:
        msg = f"an option needs mending: {faults(error)}"
        raise InputError(msg) from None
    request, place = begin_link(arguments.dir, configuration, _now()), LinkPlace(arguments.dir)
    if arguments.json:
        _say(json.dumps({"directory": str(arguments.dir), "request": str(place.request), "digest": request.digest}))
        return
    _say(
        f"A link begins in {place.root}. Digest of its request: {request.digest}\n"
        "Next:\n"
        f"  1. Send {place.request} to the coordinator, and read the digest to them by telephone.\n"
        f"  2. When the admission comes: fedclaims-bureau link accept ADMISSION --digest HEX --dir {place.root}, with "
        "the digest that they read to you.\n"
        f"  3. fedclaims-bureau link doctor --dir {place.root}\n"
        f"  4. fedclaims-bureau link start --dir {place.root}\n"
        "Its keys need no copy: a link that is lost is made anew, and holds nothing."
    )


def _station(arguments: argparse.Namespace) -> StationPart:
    if arguments.socket is not None:
        return StationPart(socket=arguments.socket)
    return StationPart(address=arguments.address, **STATION_FILES)


def _accept(arguments: argparse.Namespace) -> None:
    admission = LinkAdmission.from_json(read_bounded(arguments.admission))
    accept(LinkPlace(arguments.dir), admission, arguments.digest, _now())
    held = {"name": admission.name, "superlink": admission.superlink, "bundles": admission.bundles}
    if arguments.json:
        _say(json.dumps(held | {"digest": admission.digest}))
        return
    _say(f"{admission.name} is let in at {admission.superlink}, with {len(admission.bundles)} app bundle(s).")


def _install(arguments: argparse.Namespace) -> None:
    digest = install_bundle(LinkPlace(arguments.dir), arguments.bundle)
    _say(json.dumps({"bundle": digest}) if arguments.json else f"Bundle {digest} is put in; nobody may write there.")


def _start(arguments: argparse.Namespace) -> None:
    run_link(arguments.dir)


def _status(arguments: argparse.Namespace) -> None:
    found = link_standing(arguments.dir)
    if arguments.json:
        _say(json.dumps(found, indent=2))
        return
    runs = f"runs since {_time(found['since'])}" if found["running"] else "does not run"
    where = f"let in at {found['superlink']}" if found["admitted"] else "not let in yet"
    _say(f"Link of {found['bureau']}: {runs}; {where}; {found['courier']} courier")
    for one in found["programs"] if isinstance(found["programs"], list) else ():
        _say(f"  {one['program']}: pid {one['pid'] or '-'}, started {one['starts']} time(s)")


def _doctor(arguments: argparse.Namespace) -> None:
    found = list(examine(LinkPlace(arguments.dir)))
    bad = sum(one.level is Level.FAULT for one in found)
    _say(json.dumps([asdict(one) for one in found], indent=2) if arguments.json else "\n".join(map(_line, found)))
    if bad:
        msg = f"{bad} of {len(found)} checks found a fault: mend them from the first one on"
        raise FaultError(msg)


def _line(one: Finding) -> str:
    return f"{MARKS[one.level]:>5}  {one.check}: {one.said}" + (f"\n       fix: {one.fix}" if one.fix else "")


def _digest(text: str) -> str:
    if DIGEST.fullmatch(text) is None:
        msg = "a digest has 64 hexadecimal digits"
        raise argparse.ArgumentTypeError(msg)
    return text


def _time(seconds: object) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds") if isinstance(seconds, int) else "?"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
