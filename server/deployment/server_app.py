"""The coordinator's ServerApp: takes the order that a run names, and conducts or delivers it over Flower's grid.

A run's configuration can be set by whoever starts it. The order's code is all that is read of it; whose directory this
is, is known from the environment of the SuperLink alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp
from flwr.superlink.grid import http_grid

from common.errors import EngineError
from server.deployment.binding import BoundTransport, Present, bound
from server.deployment.bundle import ORDER_KEY
from server.deployment.conducting import conduct
from server.deployment.delivering import delivered
from server.deployment.haste import hasten_parts
from server.deployment.logs import start_logging
from server.deployment.office import Office
from server.deployment.opening import open_office
from server.deployment.place import DIRECTORY_KEY, Place
from server.grid import GridTransport, Patience

hasten_parts(http_grid)

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Conduct the run that was ordered."""
    office = open_office(_place())
    start_logging(office.configuration.log.level)
    answer(office, grid, context)


def answer(office: Office, grid: Grid, context: Context) -> None:
    """Conduct the run that a context names, or do the delivery, over a grid."""

    def connect(bureaus: frozenset[str]) -> BoundTransport:
        return transport_to(office, grid, bureaus)

    code = str(context.run_config.get(ORDER_KEY, ""))
    if not delivered(office, code, connect):
        conduct(office, code, connect)


def transport_to(office: Office, grid: Grid, bureaus: frozenset[str]) -> BoundTransport:
    """A transport to those of these bureaus that were let in; waits for all of them, as long as patience lasts."""
    admitted, run = office.registry.nodes.live(), office.configuration.run
    expected = [node for node in admitted if node.name in bureaus]

    def names(addresses: Sequence[str]) -> Mapping[str, str]:
        present = [Present(address=str(one.node_id), public_key=bytes(one.public_key)) for one in grid.get_nodes()]
        found = bound([one for one in present if one.address in addresses], expected, bureaus)
        for node in found.values():
            office.registry.nodes.note_seen(node.id, office.clock())
        return {address: node.name for address, node in found.items()}

    patience = Patience(nodes_s=float(run.patience), replies_s=float(run.replies))
    return BoundTransport(GridTransport(grid, len(expected), patience), names)


def _place() -> Place:
    directory = os.environ.get(DIRECTORY_KEY, "")
    if not directory:
        msg = "this ServerApp belongs below a coordinator's service: `fedclaims-coordinator start`"
        raise EngineError(msg)
    return Place(Path(directory))
