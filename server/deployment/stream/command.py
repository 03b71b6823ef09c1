"""``fedclaims-coordinator stream``: begin, look, pause, pin, look for clusters anew."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from common.errors import FedclaimsError
from server.deployment.opening import open_office
from server.deployment.place import Place
from server.deployment.standing import time_of
from server.deployment.stream import begun, standing
from server.deployment.stream.one_tick import run_tick
from server.deployment.stream.options import DAY_S, Commands, add_options
from server.deployment.stream.timing import moment_of
from server.registry.tick import Outcome


class KeptError(FedclaimsError):
    """The tick that was waited for has published nothing."""


def add_stream(commands: Commands, about: str) -> None:
    """Add everything about a stream to the commands."""
    run = {
        "init": _init,
        "start": _start,
        "pause": _pause,
        "resume": _resume,
        "status": _status,
        "pin": _pin,
        "unpin": _unpin,
        "reseed": _reseed,
        "alarms": _alarms,
    }
    add_options(commands, run, about)


def _init(arguments: argparse.Namespace) -> None:
    stream = begun.begin(open_office(Place(arguments.dir)), arguments.name)
    first = moment_of(stream, 1)
    held = {"stream": stream.name, "began": stream.began, "every": stream.every, "first": first.closes}
    said = f"Stream {stream.name} has begun; its first tick is at {time_of(first.closes)}. Start the service."
    _say(arguments, held, said)


def _start(arguments: argparse.Namespace) -> None:
    tick = run_tick(Place(arguments.dir))
    held = standing.tick_told(tick)
    _say(arguments, held, f"Tick {tick.number}: {standing.in_words(held)}")
    if tick.outcome is not Outcome.PUBLISHED:
        msg = f"tick {tick.number} has published nothing, the old model stays: {tick.reason}"
        raise KeptError(msg)


def _pause(arguments: argparse.Namespace) -> None:
    office = open_office(Place(arguments.dir))
    stream = begun.begun(office)
    office.registry.streams.pause(office.clock())
    held = {"stream": stream.name, "paused": office.registry.streams.wishes().paused}
    _say(arguments, held, "No tick asks anything until `stream resume`; claims pool, the newest model stays.")


def _resume(arguments: argparse.Namespace) -> None:
    office = open_office(Place(arguments.dir))
    stream = begun.begun(office)
    office.registry.streams.resume()
    held = {"stream": stream.name, "paused": None}
    _say(arguments, held, "The next tick asks again, about all claims that came meanwhile.")


def _status(arguments: argparse.Namespace) -> None:
    found = standing.stands(open_office(Place(arguments.dir)))
    if arguments.json:
        _print(json.dumps(found, indent=2))
    else:
        standing.show(found)


def _pin(arguments: argparse.Namespace) -> None:
    begun.pin(open_office(Place(arguments.dir)), arguments.identity, pinned=True)
    said = f"From the next window on cluster {arguments.identity} may move, but neither ends, merges nor splits."
    _say(arguments, {"identity": arguments.identity, "pinned": True}, said)


def _unpin(arguments: argparse.Namespace) -> None:
    begun.pin(open_office(Place(arguments.dir)), arguments.identity, pinned=False)
    said = f"From the next window on cluster {arguments.identity} is like the others."
    _say(arguments, {"identity": arguments.identity, "pinned": False}, said)


def _reseed(arguments: argparse.Namespace) -> None:
    after = begun.reseed(open_office(Place(arguments.dir)))
    said = "Clusters are looked for anew at the first tick for which enough claims are expected."
    _say(arguments, {"after_tick": after}, said)


def _alarms(arguments: argparse.Namespace) -> None:
    office = open_office(Place(arguments.dir))
    begun.begun(office)
    found = [dict(one.held) for one in office.registry.alerts.since(office.clock() - arguments.days * DAY_S)]
    if arguments.json:
        _print(json.dumps(found, indent=2))
    else:
        standing.show_alarms(found)


def _say(arguments: argparse.Namespace, held: Any, said: str) -> None:
    _print(json.dumps(held) if arguments.json else said)


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
