"""How requests reach bureaus and replies come back. The coordinator does not know which transport it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol


class Transport(Protocol):
    """Carries opaque bytes between the coordinator and nodes; a node is an address, not yet a bureau."""

    def nodes(self) -> Sequence[str]:
        """The nodes that can be reached now."""

    def exchange(self, requests: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        """Deliver one request to each node and yield ``(node, reply)`` as replies arrive, in any order.

        A node that does not answer in time, or whose answer is lost, is simply not yielded.
        """
