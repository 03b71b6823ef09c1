"""The simulation's ClientApp: a courier whose station is the one at its node's place in the run's directory.

Unlike a real courier it is told by the run where stations listen; whoever starts a simulation owns both ends.
"""

from __future__ import annotations

from pathlib import Path

from flwr.app import Context, Message
from flwr.clientapp import ClientApp

from client.courier import relay
from client.service import StationLink
from common.errors import EngineError
from simulations.flower.hosting import SIZE_REQUEST, n_hosted, socket_at
from simulations.flower.meeting import directory_of

app = ClientApp()


@app.query()
def query(message: Message, context: Context) -> Message:
    """Carry a request to the node's station and its answer back."""

    def answer(request: bytes) -> bytes:
        if request == SIZE_REQUEST:
            return str(context.node_config["num-partitions"]).encode()
        with StationLink(_socket(context), message.metadata.ttl) as link:
            return link.answer(request)

    return relay(message, answer)


def _socket(context: Context) -> Path:
    """This node's station; a federation of another size than there are stations is refused, not cut down to fit."""
    directory = directory_of(context)
    if context.node_config["num-partitions"] != n_hosted(directory):
        msg = "the federation has another number of nodes than there are stations"
        raise EngineError(msg)
    return socket_at(directory, int(context.node_config["partition-id"]))
