"""A SuperNode that comes back at once: it says goodbye for the one before it, which was killed and could not.

A SuperLink lets nobody in under a node's key while it believes that node to be there, which is a minute after its last
heartbeat. So the number under which a node is known is kept in a file, for its successor to sign off.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx

from client.link.haste import changed
from client.link.presenting import CLIENT

_USED = ("ActivateNode", "DeactivateNode")


def return_at_once(connection: ModuleType, goodbye: Callable[[int], object], kept: Path) -> None:
    """Let a SuperNode sign off its predecessor before it signs on.

    Guarantees:
        * Nobody is signed off but the node whose number lies in the file, and only with this node's key.

    Args:
        connection: ``flwr.supernode.fleet_http_connection``.
        goodbye: Makes the request that signs a node off.
        kept: Holds the number of the node that was there last.

    Raises:
        EngineError: If Flower has changed.
    """
    known: Any = insist_signs_on(connection)

    class Returning(known):  # type: ignore[misc]  # a class that is only known while Flower runs
        """Flower's client, which signs off its predecessor."""

        def ActivateNode(self, request: object) -> Any:  # noqa: N802  Flower's name
            if (last := _last(kept)) is not None:
                with suppress(httpx.HTTPStatusError):  # it may have said goodbye itself
                    self.DeactivateNode(goodbye(last))
            response = super().ActivateNode(request)
            kept.write_text(f"{response.node_id}\n", encoding="ascii")
            return response

    vars(connection)[CLIENT] = Returning


def insist_signs_on(connection: ModuleType) -> type:
    """Insist on what ``return_at_once`` changes, and return it.

    Raises:
        EngineError: If Flower has changed.
    """
    known = getattr(connection, CLIENT, None)
    if not isinstance(known, type) or not all(callable(getattr(known, name, None)) for name in _USED):
        raise changed(connection)
    return known


def _last(kept: Path) -> int | None:
    try:
        return int(kept.read_text("ascii"))
    except (OSError, ValueError):
        return None
