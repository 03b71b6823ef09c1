"""Nodes and bureaus: which node is whose, and that nobody answers for another."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from common.errors import MessageError
from common.wire import decode
from server.deployment.node_keys import spelled
from server.registry.nodes import Node
from server.transport import Transport

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A node that is there.

    Attributes:
        address: Under which messages reach it.
        public_key: With which it proved to be itself, PEM; empty if it did not.
    """

    address: str
    public_key: bytes


def bound(present: Sequence[Present], admitted: Sequence[Node], bureaus: frozenset[str]) -> dict[str, Node]:
    """Whose each address is.

    Guarantees:
        * Nobody is in it whose key was not let in, or whose name the roster does not list as a bureau.
    """
    by_key = {spelled(node.public_key.encode()): node for node in admitted if node.name in bureaus}
    found = {one.address: by_key.get(spelled(one.public_key)) for one in present if one.public_key}
    return {address: node for address, node in found.items() if node is not None}


class BoundTransport:
    """A transport to nodes of known bureaus alone.

    Guarantees:
        * Nobody else is asked.
        * A reply that is of another bureau than its node's, or no message, is dropped.
    """

    def __init__(self, transport: Transport, names: Callable[[Sequence[str]], Mapping[str, str]]) -> None:
        """Bind a transport.

        Args:
            transport: To nodes of anybody.
            names: Whose the nodes of these addresses are; those of nobody are left out.
        """
        self._transport, self._names = transport, names
        self._known: dict[str, str] = {}

    def nodes(self) -> Sequence[str]:
        """See ``server.transport.Transport``."""
        self._known = dict(self._names(self._transport.nodes()))
        return sorted(self._known)

    def exchange(self, requests: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        """See ``server.transport.Transport``."""
        for node, reply in self._transport.exchange(requests):
            if _speaker(reply) == self._known.get(node):
                yield node, reply
            else:
                _LOG.warning("node %s of bureau %r answered under another name", node, self._known.get(node))


def _speaker(reply: bytes) -> str | None:
    """For whom a reply speaks; an empty text, which no bureau is called, if that cannot be read."""
    try:
        return str(getattr(decode(reply), "bureau", ""))
    except MessageError:
        return ""
