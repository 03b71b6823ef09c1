"""The courier: the Flower ClientApp of a bureau. Carries bytes between Flower and the station, and holds nothing.

Flower sends the text of any exception to the coordinator. So nothing may be raised out of here; what fails is
answered with a number.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path

from flwr.app import ConfigRecord, Context, Error, Message, RecordDict
from flwr.clientapp import ClientApp

from client.service import StationLink, TlsAddress
from common.errors import EngineError, MessageError, RefusedError

_LOG = logging.getLogger(__name__)

SOCKET_KEY = "station-socket"
"""Where a bureau names its station's socket: in its own ``--node-config``, which no run can change."""

ADDRESS_KEY, CERTIFICATE_KEY, KEY_KEY, ROOT_KEY = (
    "station-address",
    "station-certificate",
    "station-key",
    "station-root",
)
"""Where it names the address of a station on another machine, and the files that TLS takes; likewise."""

MOST_BYTES = 1 << 16
"""Of a certificate or a key."""

SILENT_S = 10.0
"""For a station that starts again; a task is given up after thirty seconds, and a coordinator asks twice."""


class CourierCode(IntEnum):
    """Why a courier brings no answer; Flower's own codes stay far below."""

    BAD_MESSAGE = 1001
    NOT_CONFIGURED = 1002
    STATION_SILENT = 1003
    INTERNAL = 1004
    BUNDLE = 1005


app = ClientApp()


@app.query()
def query(message: Message, context: Context) -> Message:
    """Carry a request to this bureau's station and its answer back."""

    def answer(request: bytes) -> bytes:
        with StationLink(_station(context), message.metadata.ttl, silent_s=SILENT_S) as link:
            return link.answer(request)

    return relay(message, answer)


def relay(message: Message, answer: Callable[[bytes], bytes]) -> Message:
    """A message's answer as a reply.

    Guarantees:
        * Never raises; the reply holds the answer's bytes, or a number and no text.

    Args:
        message: One record with one field of bytes.
        answer: What to do with the bytes.
    """
    try:
        held = answer(_content(message))
        return Message(RecordDict({"reply": ConfigRecord({"bytes": held})}), reply_to=message)
    except MessageError:
        code = CourierCode.BAD_MESSAGE
    except RefusedError:
        code = CourierCode.NOT_CONFIGURED
    except EngineError:
        code = CourierCode.STATION_SILENT
    except Exception:  # noqa: BLE001  its text would travel to the coordinator
        code = CourierCode.INTERNAL
    _LOG.error("no answer: %s", code.name)
    return Message(Error(code), reply_to=message)


def _content(message: Message) -> bytes:
    fields = [value for record in message.content.values() for value in record.values()]
    if len(fields) != 1 or not isinstance(fields[0], bytes):
        msg = "the message is not one field of bytes"
        raise MessageError(msg)
    return fields[0]


def _station(context: Context) -> Path | TlsAddress:
    """The bureau's station; its files are read for every message, so that a renewed certificate counts at once."""
    if ADDRESS_KEY not in context.node_config:
        return _path(context, SOCKET_KEY)
    address = context.node_config[ADDRESS_KEY]
    if SOCKET_KEY in context.node_config or not isinstance(address, str):
        msg = f"start the SuperNode with one of {SOCKET_KEY} and {ADDRESS_KEY} in its --node-config"
        raise RefusedError(msg)
    held = {key: _read(_path(context, key)) for key in (ROOT_KEY, CERTIFICATE_KEY, KEY_KEY)}
    return TlsAddress(address=address, root=held[ROOT_KEY], certificate=held[CERTIFICATE_KEY], key=held[KEY_KEY])


def _path(context: Context, key: str) -> Path:
    path = context.node_config.get(key)
    if not isinstance(path, str) or not Path(path).is_absolute():
        msg = f"start the SuperNode with --node-config '{key}=\"/absolute/path\"'"
        raise RefusedError(msg)
    return Path(path)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES)
    except OSError:
        msg = f"{path} cannot be read: name another in the SuperNode's --node-config, or let the courier's user read it"
        raise RefusedError(msg) from None
