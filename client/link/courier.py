"""A courier that stays: claims the tasks of its bureau's SuperNode one after another and serves them itself.

Flower's own way starts a process for every message and runs what the coordinator sent. This one runs the installed
``client.courier`` and nothing else: a task's bundle is hashed, and never unpacked. If its hash is not on the bureau's
list, the message is answered with a number and the station is not asked.
"""

from __future__ import annotations

import argparse
import logging
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event, Thread

import httpx

from client.courier import CourierCode
from client.courier import app as installed
from client.deployment.logs import start_logging
from client.link.bundles import digest_of, listed
from client.link.internals import (
    AcquireTaskRequest,
    ClientApp,
    Context,
    Error,
    Message,
    Node,
    ProtobufCall,
    ProtobufRequestContext,
    PullAppMessagesRequest,
    PullTaskInputRequest,
    PullTaskInputResponse,
    PushTaskOutputRequest,
    RuntimeHttpClient,
    RuntimeTokenHttpInterceptor,
    RuntimeVersionHttpInterceptor,
    SendTaskHeartbeatRequest,
    SubStatus,
    SuperExecAuthHttpInterceptor,
    TaskIdentity,
    TaskType,
    context_from_proto,
    make_confirm_message_received_fn_protobuf,
    make_pull_object_fn_protobuf,
    pull_and_inflate_object_from_tree,
    push_message,
)
from common.errors import EngineError

_LOG = logging.getLogger("client.link.courier")  # also as a program

CLAIMING = "/flwr.proto.Runtime/AcquireTask"
POLL_S = 0.1
SILENT_POLL_S = 0.2
MESSAGE_S = 30.0
PARTS_PAUSE_S, PARTS_LONGEST_PAUSE_S = 0.02, 0.5
HEARTBEAT_S = 10.0
"""A task is given up after thirty seconds of silence."""

Bundles = Callable[[], frozenset[str]]
"""The bureau's list as it is now."""


class Courier:
    """Serves the tasks of one SuperNode.

    Guarantees:
        * Only messages to a ClientApp are taken, and of these only those of a bundle on the bureau's list reach the
          station.
        * A bundle's bytes are hashed and nothing else is done with them.
        * What goes back is the station's answer or a number, never an exception's text.
    """

    def __init__(self, address: str, root: bytes, secret: bytes, bundles: Bundles, app: ClientApp = installed) -> None:
        """Connect to a SuperNode.

        Args:
            address: Of its Runtime API.
            root: Certificate that its own must come from, PEM.
            secret: What the SuperNode knows its couriers by.
            bundles: Tells the bureau's list; asked for every message.
            app: What answers messages.
        """
        self._app, self._bundles = app, bundles
        self._token = _Token()
        self._client = RuntimeHttpClient.from_server_address(
            address,
            insecure=False,
            root_certificates=root,
            interceptors=[
                RuntimeVersionHttpInterceptor(component_name="flwr-clientapp"),
                SuperExecAuthHttpInterceptor(master_secret=secret, protected_methods=[CLAIMING]),
                self._token,
            ],
        )

    def serve_until(self, stop: Event) -> None:
        """Serve tasks as they come; what fails concerns one task, or passes. A task at work is finished first."""
        pause, complaint = 0.0, ""
        while not stop.wait(pause):
            try:
                pause, complaint = (0.0 if self.serve_one() else POLL_S), ""
            except Exception as error:  # noqa: BLE001  a courier outlives what one task, or a SuperNode's absence, does
                if type(error).__name__ != complaint:
                    _LOG.warning("no task was served: %s", type(error).__name__)
                pause, complaint = SILENT_POLL_S, type(error).__name__

    def serve_one(self) -> bool:
        """Serve a task, if one waits.

        Raises:
            httpx.HTTPError: If the SuperNode cannot be reached or refuses.
            EngineError: If a task comes without its message.
        """
        self._token.value = None
        claimed = self._client.AcquireTask(AcquireTaskRequest(supported_task_types=[TaskType.CLIENT_APP]))
        if not claimed.token:
            return False
        self._token.value = claimed.token
        ended = Event()
        beating = Thread(target=self._beat, args=(ended,), daemon=True)
        beating.start()
        try:
            self._serve()
        finally:
            ended.set()
            beating.join()
        return True

    def answer(self, message: Message, context: Context, bundle: bytes) -> Message:
        """What goes back for a message that came with a bundle; raises nothing."""
        try:
            if digest_of(bundle) in self._bundles():
                return self._app(message=message, context=context)
            code = CourierCode.BUNDLE
        except Exception:  # noqa: BLE001  its text would travel; Flower refuses messages of other kinds by raising
            code = CourierCode.INTERNAL
        _LOG.error("no answer: %s", code.name)
        return Message(Error(code), reply_to=message)

    def _serve(self) -> None:
        """Answer the task's message; a task that is left without an answer is given up by the SuperNode in time."""
        held = self._client.PullTaskInput(PullTaskInputRequest())
        context = _context(held)
        message = self._message(context)
        push_message(self._client, self.answer(message, context, held.fab.content), context)
        self._client.PushTaskOutput(PushTaskOutputRequest(sub_status=SubStatus.COMPLETED, details=""))

    def _message(self, context: Context) -> Message:
        """The task's message; a SuperNode offers a task shortly before it stores the message."""
        deadline = time.monotonic() + MESSAGE_S
        while not (trees := self._client.PullMessages(PullAppMessagesRequest()).message_object_trees):
            if time.monotonic() > deadline:
                raise EngineError("the SuperNode has a task without a message: start it again")
            time.sleep(PARTS_PAUSE_S)
        node = Node(node_id=context.node_id)
        message = pull_and_inflate_object_from_tree(
            trees[0],
            make_pull_object_fn_protobuf(self._client.PullObject, node, context.run_id),
            make_confirm_message_received_fn_protobuf(self._client.ConfirmMessageReceived, node, context.run_id),
            return_type=Message,
            initial_backoff=PARTS_PAUSE_S,
            backoff_cap=PARTS_LONGEST_PAUSE_S,
        )
        message.metadata.__dict__["_message_id"] = trees[0].object_id
        return message

    def _beat(self, ended: Event) -> None:
        """Tell the SuperNode that the task is at work until it has ended."""
        while not ended.wait(HEARTBEAT_S):
            try:
                self._client.SendTaskHeartbeat(SendTaskHeartbeatRequest())
            except httpx.HTTPError as error:
                _LOG.warning("no heartbeat: %s", type(error).__name__)


class _Token:
    """Adds the token of the task at work, if any."""

    value: str | None = None

    def intercept(self, context: ProtobufRequestContext, call_next: ProtobufCall) -> httpx.Response:
        if self.value is None:
            return call_next(context)
        return RuntimeTokenHttpInterceptor(self.value).intercept(context, call_next)


def _context(held: PullTaskInputResponse) -> Context:
    """The task's context."""
    context = context_from_proto(held.context)
    TaskIdentity.task_id, TaskIdentity.run_id, TaskIdentity.node_id = held.task_id, context.run_id, context.node_id
    return context


def main() -> None:
    """Serve the SuperNode that the options name, until told to stop."""
    parser = argparse.ArgumentParser(prog="client.link.courier", description="Serve a SuperNode's tasks.")
    parser.add_argument("address", help="of the SuperNode's Runtime API, host:port")
    parser.add_argument("--root-certificates", type=Path, required=True, metavar="PEM")
    parser.add_argument("--superexec-auth-secret-file", type=Path, required=True, metavar="FILE")
    parser.add_argument("--bundles", type=Path, required=True, metavar="FILE", help="SHA-256 of a bundle a line")
    parser.add_argument("--log-level", default="warning")
    options = parser.parse_args()
    start_logging(options.log_level)
    for talkative in ("httpx", "httpcore"):  # they tell of every request
        logging.getLogger(talkative).setLevel(logging.WARNING)
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    root, secret = options.root_certificates.read_bytes(), options.superexec_auth_secret_file.read_bytes()
    Courier(options.address, root, secret, partial(listed, options.bundles)).serve_until(stop)


if __name__ == "__main__":
    main()
