"""Telling people of a stream: what a new model gives rise to is noted, written to a file, and posted."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.errors import EngineError, InputError
from common.stream.alarms import Alarm, alarms_of
from common.stream.state import StreamState
from server.consortium.files import PRIVATE
from server.deployment.configuration import StreamPart
from server.deployment.logs import say
from server.deployment.office import Office
from server.deployment.stream.windows import model_of
from server.registry.alerts import Alert
from server.registry.tick import Tick

MOST_AT_ONCE = 1000
TAIL_BYTES = 1 << 20
"""Of the file's end: what a killed process has written of it without saying so lies there."""


def tell(office: Office) -> bool:
    """Note what the models since the last look give rise to, and write what is not in the file yet.

    Guarantees:
        * Each version is looked at once, in order, beside the one before it; a line stands in the file once, whole,
          and on the disk, also if a process was killed while it wrote.

    Returns:
        Whether there is anything new.

    Raises:
        EngineError: If the file or the registry cannot be used; nothing is lost, the next look tries again.
    """
    part, stream, alerts = office.configuration.stream, office.registry.streams.begun(), office.registry.alerts
    if part is None or stream is None:
        return False
    fresh = office.registry.ticks.published(stream.name, alerts.looked_at())
    for tick in reversed(fresh):
        _look_at(office, part, tick)
    waiting = alerts.unwritten(MOST_AT_ONCE)
    if waiting:
        _write(office, office.place.within(part.alerts_file), waiting)
    return bool(waiting)


def told(stream: str, version: int, place: int, alarm: Alarm, closes: int) -> dict[str, Any]:
    """An alarm as programs and people read it; nothing of any claim or bureau is in it."""
    return {
        "id": f"{stream[:8]}-{version}-{place}",
        "stream": stream,
        "tick": alarm.window,
        "closes": closes,
        "version": version,
        "kind": str(alarm.kind),
        "identity": alarm.identity,
        "others": list(alarm.others),
        "size": round(alarm.size, 1),
        "en": alarm.sentence(),
        "zh": alarm.sentence(chinese=True),
    }


def _look_at(office: Office, part: StreamPart, tick: Tick) -> None:
    version = tick.version or 0
    held = [told(tick.stream, version, place, one, tick.closes) for place, one in enumerate(_alarms(office, tick))]
    office.registry.alerts.note(version, held, office.clock(), posts=part.alerts_webhook is not None)
    for one in held:
        say("alert", **one)


def _alarms(office: Office, tick: Tick) -> tuple[Alarm, ...]:
    """What a published tick calls for; nothing, where a model cannot be read."""
    try:
        after = model_of(office, tick.version or 0).stream
        return () if after is None else alarms_of(_before(office, tick), after)
    except InputError as error:
        say("no alerts", level=logging.WARNING, tick=tick.number, text=str(error))
        return ()


def _before(office: Office, tick: Tick) -> StreamState | None:
    """The state that a tick went on from: that of the published tick before it."""
    earlier = office.registry.ticks.newest_published(tick.stream, before=tick.number)
    return None if earlier is None or earlier.version is None else model_of(office, earlier.version).stream


def _write(office: Office, path: Path, waiting: list[Alert]) -> None:
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)
        try:
            there, whole = _ids_at_end(file)
            lines = [json.dumps(one.held, ensure_ascii=False) for one in waiting if one.held["id"] not in there]
            _append(file, ("" if whole else "\n") + "".join(f"{line}\n" for line in lines))
        finally:
            os.close(file)
    except OSError as error:
        msg = f"alerts cannot be written to {path} ({type(error).__name__}): look at disk and rights"
        raise EngineError(msg) from None
    for one in waiting:
        office.registry.alerts.note_written(one, office.clock())


def _append(file: int, text: str) -> None:
    held = text.encode()
    while held:
        held = held[os.write(file, held) :]
    os.fsync(file)


def _ids_at_end(file: int) -> tuple[frozenset[str], bool]:
    """Of the lines at the end of the file, and whether the last of them is whole."""
    size = os.fstat(file).st_size
    held = os.pread(file, TAIL_BYTES, max(size - TAIL_BYTES, 0))
    found = (_object(line) for line in held.split(b"\n"))
    return frozenset(str(one.get("id")) for one in found), not held or held.endswith(b"\n")


def _object(line: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
