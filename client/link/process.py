"""A link as a process: it checks what it stands on, keeps two programs running, and ends in order when told to."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from client.deployment.doctor.findings import Level
from client.deployment.logs import say, start_logging
from client.deployment.place import put
from client.link.admission import read_admission
from client.link.configuration import load_link
from client.link.examining import examine_here
from client.link.place import LinkPlace, alone, is_running
from client.link.programs import environment, programs_of
from client.link.supervising import Supervisor
from common.errors import InputError


def run_link(root: Path) -> None:
    """Run the link in a directory until SIGTERM or SIGINT.

    Guarantees:
        * It does not start while anything on this machine that ``doctor`` calls a fault is wrong. A station or a
          SuperLink that cannot be reached is waited for.
        * One process at a time has the directory.
        * Whatever ends it, its programs end, too.

    Raises:
        InputError: If something needs mending; the text says all of it.
        EngineError: If another process has it.
    """
    place = LinkPlace(root)
    configuration = load_link(place.configuration)
    with alone(place):
        os.umask(0o077)
        _insist_healthy(place)
        start_logging(configuration.log.level)
        superlink = read_admission(place).superlink
        programs = programs_of(place, configuration, superlink)
        say("started", pid=os.getpid(), superlink=superlink, courier=str(configuration.courier.kind))
        since = int(time.time())

        def told(standing: Sequence[Mapping[str, object]]) -> None:
            with suppress(OSError):  # it is never needed: without room for it the link goes on
                put(place.status, json.dumps({"since": since, "programs": standing}).encode(), durable=False)

        Supervisor(programs, place.home, environment(os.environ, place.home), told).run(_until_told())
        say("stopped")


def link_standing(root: Path) -> dict[str, object]:
    """How a link stands: whether it runs, since when, and its programs.

    Raises:
        InputError: If there is no such link.
    """
    place = LinkPlace(root)
    configuration, running = load_link(place.configuration), is_running(place)
    try:
        held = json.loads(place.status.read_bytes()) if running else {}
    except (OSError, ValueError):
        held = {}
    admitted = place.admission.exists()
    return {
        "bureau": configuration.name,
        "running": running,
        "since": held.get("since"),
        "programs": held.get("programs", []),
        "courier": str(configuration.courier.kind),
        "admitted": admitted,
        "superlink": read_admission(place).superlink if admitted else None,
    }


def _insist_healthy(place: LinkPlace) -> None:
    faults = [one for one in examine_here(place) if one.level is Level.FAULT]
    if faults:
        said = "; ".join(f"{one.check}: {one.said} - {one.fix}" for one in faults)
        msg = f"the link does not start: {said}"
        raise InputError(msg)


def _until_told() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    return stop
