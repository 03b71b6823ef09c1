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

from client.service import StationLink
from common.errors import EngineError, MessageError, RefusedError

_LOG = logging.getLogger(__name__)

SOCKET_KEY = "station-socket"
"""Where a bureau names its station's socket: in its own ``--node-config``, which no run can change."""


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
        with StationLink(_socket(context), message.metadata.ttl) as link:
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


def _socket(context: Context) -> Path:
    socket = context.node_config.get(SOCKET_KEY)
    if not isinstance(socket, str) or not Path(socket).is_absolute():
        msg = f"start the SuperNode with --node-config '{SOCKET_KEY}=\"/absolute/path\"'"
        raise RefusedError(msg)
    return Path(socket)
