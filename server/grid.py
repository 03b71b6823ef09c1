"""Flower's grid as a transport: opaque bytes to nodes, opaque bytes back.

We poll ourselves: the grid's own ``send_and_receive`` sleeps three seconds between looks. A message is a ``query``
with one record that holds one field of bytes; the names of record and field carry no meaning.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from flwr.app import ConfigRecord, Message, MessageType, RecordDict
from flwr.serverapp import Grid

_LOG = logging.getLogger(__name__)

SHORTEST_PAUSE_S = 0.01
LONGEST_PAUSE_S = 0.5
PAUSE_GROWTH = 1.5
NODES_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait.

    Attributes:
        nodes_s: For all nodes to be there.
        replies_s: For the replies to one request; messages live as long.
    """

    nodes_s: float = 60.0
    replies_s: float = 600.0


class GridTransport:
    """Carries requests over a Flower grid.

    Guarantees:
        * What is yielded is the content of a node's first reply to the very message that node was sent; an error,
          a reply of another node, a second one or one of another form is dropped, and only a code of it logged.
        * Both waits are bounded by ``Patience``.
    """

    def __init__(
        self,
        grid: Grid,
        n_nodes: int,
        patience: Patience,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Use a grid.

        Args:
            grid: As Flower gives it to the ServerApp.
            n_nodes: How many nodes to wait for; Flower itself does not wait for any.
            patience: How long to wait for nodes and replies.
            clock: Seconds, never going back.
            sleep: Waits so many seconds.
        """
        self._grid = grid
        self._n_nodes = n_nodes
        self._patience = patience
        self._clock = clock
        self._sleep = sleep

    def nodes(self) -> Sequence[str]:
        """See ``server.transport.Transport``; waits for the expected number, returns what is there at the deadline."""
        deadline = self._clock() + self._patience.nodes_s
        while True:
            nodes = sorted(str(node) for node in self._grid.get_node_ids())
            if len(nodes) >= self._n_nodes or self._clock() >= deadline:
                return nodes
            self._sleep(NODES_PAUSE_S)

    def exchange(self, requests: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        """See ``server.transport.Transport``."""
        waiting = self._push(requests)
        deadline = self._clock() + self._patience.replies_s
        pause = SHORTEST_PAUSE_S
        while waiting:
            replies = list(self._grid.pull_messages(list(waiting)))
            for reply in replies:
                node = waiting.pop(reply.metadata.reply_to_message_id, None)
                held = _content(reply, node)
                if node is not None and held is not None:
                    yield node, held
            left = deadline - self._clock()
            if not waiting or left <= 0:
                break
            pause = SHORTEST_PAUSE_S if replies else min(pause * PAUSE_GROWTH, LONGEST_PAUSE_S)
            self._sleep(min(pause, left))
        if waiting:
            _LOG.warning("%d nodes did not answer within %g s", len(waiting), self._patience.replies_s)

    def _push(self, requests: Mapping[str, bytes]) -> dict[str, str]:
        """Send the requests; nodes by the identity of the message that went to them."""
        waiting: dict[str, str] = {}
        for node, request in requests.items():
            content = RecordDict({"request": ConfigRecord({"bytes": request})})
            message = Message(content, int(node), MessageType.QUERY, ttl=self._patience.replies_s)
            # one at a time: grids differ in whether a message that was not taken leaves a gap in their answer
            taken = [identity for identity in self._grid.push_messages([message]) if identity]
            waiting.update(dict.fromkeys(taken, node))
        return waiting


def _content(reply: Message, node: str | None) -> bytes | None:
    """The bytes of a node's reply, or None if it is not that node's, an error, or of another form."""
    if node is None:
        _LOG.warning("a reply that nobody waits for was dropped")
        return None
    if reply.has_error():  # Flower reports errors from its own node, so only the message they answer tells whose
        _LOG.warning("node %s answered with error %d", node, reply.error.code)
        return None
    if str(reply.metadata.src_node_id) != node:
        _LOG.warning("a reply to node %s's message came from another node", node)
        return None
    fields = [value for record in reply.content.values() for value in record.values()]
    if len(fields) != 1 or not isinstance(fields[0], bytes):
        _LOG.warning("node %s answered with something else than one field of bytes", node)
        return None
    return fields[0]
