"""A bureau that only carries bytes: a thread that speaks the Fleet API as a SuperNode does, with its own node key."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from threading import Event, Thread
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from flwr.app import ConfigRecord, Message, RecordDict
from flwr.proto.control_pb2 import RegisterNodeRequest
from flwr.supercore.control.control_http_client import ControlHttpClient
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects, get_object_tree, iterate_object_tree
from flwr.supercore.inflatable.inflatable_utils import pull_objects
from flwr.supercore.interceptors import RuntimeVersionHttpInterceptor
from flwr.supercore.primitives.asymmetric import public_key_to_bytes
from flwr.supernode.fleet_http_connection import http_request_response


class Bureau:
    """One node; answers every message with as many bytes as the message held."""

    def __init__(self, address: str, root: Path, pause_s: float) -> None:
        """Take a fresh key; ``start`` connects."""
        self._address, self._root, self._pause_s = address, root, pause_s
        self._key = ec.generate_private_key(ec.SECP384R1())
        self._stopping, self.ready = Event(), Event()
        self._thread = Thread(target=self._serve, daemon=True)

    @property
    def public_key(self) -> bytes:
        """As the SuperLink registers it."""
        return public_key_to_bytes(self._key.public_key())

    def start(self) -> None:
        """Connect and serve until ``stop``."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Serve no more messages; ``join`` waits for it."""
        self._stopping.set()

    def join(self) -> None:
        """Wait until it has left."""
        self._thread.join(30)

    def _serve(self) -> None:
        keys = (self._key, self._key.public_key())
        with http_request_response(self._address, insecure=False, root_certificates=self._root.read_bytes(),
                                   authentication_keys=keys) as link:  # fmt: skip
            self.ready.set()
            pause = random.uniform(0, self._pause_s)  # noqa: S311  so that not all of them ask at once
            while not self._stopping.wait(pause):
                pause = 0.0 if self._serves_one(*link[1:]) else self._pause_s

    def _serves_one(self, *link: Any) -> bool:
        """Whether a message waited; one that fails is left, as a SuperNode does."""
        try:
            return _serve_one(*link)
        except Exception as error:  # noqa: BLE001
            print(f"a bureau lost a message: {type(error).__name__}", file=sys.stderr)
            return False


def _serve_one(receive, send, _run, _fab, pull_object, push_object, confirm) -> bool:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """Answer one message, if one waits; the requests are a SuperNode's, in its order."""
    if (received := receive()) is None:
        return False
    message, tree = received
    run_id = message.metadata.run_id
    parts = [part.object_id for part in iterate_object_tree(tree)]
    held = pull_objects(parts, lambda part: pull_object(run_id, part), initial_backoff=0.02, backoff_cap=0.5)
    confirm(run_id, message.metadata.message_id)
    reply = _reply(message, max(map(len, held.values())))
    objects = get_all_nested_objects(reply)
    missing, session = send(reply, get_object_tree(reply), 0.0)
    for part in missing:
        push_object(run_id, session, part, objects[part].deflate())
    return True


def _reply(message: Message, part_bytes: int) -> Message:
    """Bytes nobody else sends: equal ones are stored once."""
    size = 1 << (part_bytes.bit_length() - 1)  # the largest part is the record of bytes with its head
    content = RecordDict({"reply": ConfigRecord({"bytes": os.urandom(size)})})
    reply = Message(content, reply_to=message)
    reply.metadata.__dict__["_message_id"] = reply.object_id
    return reply


def register(address: str, root: Path, keys: list[bytes]) -> None:
    """Let nodes in, as ``flwr supernode register`` does one by one."""
    version = RuntimeVersionHttpInterceptor(component_name="flwr-cli")
    with ControlHttpClient.from_server_address(address, False, root.read_bytes(), [version]) as control:  # noqa: FBT003
        for key in keys:
            control.RegisterNode(RegisterNodeRequest(public_key=key))
