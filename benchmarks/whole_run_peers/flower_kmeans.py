"""The smallest k-means on Flower's simulation: ten nodes, ten rounds, numpy, arrays in messages."""

from __future__ import annotations

import os
import sys
import warnings

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
warnings.simplefilter("ignore")

import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402
from flwr.app import ArrayRecord, Context, Message, MessageType, RecordDict  # noqa: E402
from flwr.clientapp import ClientApp  # noqa: E402
from flwr.serverapp import Grid, ServerApp  # noqa: E402
from flwr.simulation import run_simulation  # noqa: E402

NODES, CLUSTERS, ROUNDS = 10, 16, 10
ROWS = sys.argv[1]
Matrix = npt.NDArray[np.float64]

client = ClientApp()
server = ServerApp()


@client.query()
def answer(message: Message, context: Context) -> Message:
    """Sums and counts of one node's rows around the centroids."""
    rows = np.array_split(np.load(ROWS), NODES)[int(context.node_config["partition-id"])]
    centroids = message.content.array_records["centroids"].to_numpy_ndarrays()[0]
    labels = ((centroids**2).sum(axis=1) - 2.0 * rows @ centroids.T).argmin(axis=1)
    chosen = (np.arange(CLUSTERS)[:, None] == labels).astype(np.float64)
    found = ArrayRecord([chosen @ rows, chosen.sum(axis=1)])
    return Message(RecordDict({"sums": found}), reply_to=message)


@server.main()
def coordinate(grid: Grid, context: Context) -> None:  # noqa: ARG001  Flower's signature
    """Ten rounds from rows drawn at random."""
    rows = np.load(ROWS)
    centroids: Matrix = rows[np.random.default_rng(0).integers(0, len(rows), CLUSTERS)].astype(np.float64)
    for _ in range(ROUNDS):
        centroids = _one_round(grid, centroids)
    print(_inertia(rows, centroids), flush=True)


def _one_round(grid: Grid, centroids: Matrix) -> Matrix:
    content = RecordDict({"centroids": ArrayRecord([centroids])})
    requests = [Message(content, dst_node_id=node, message_type=MessageType.QUERY) for node in grid.get_node_ids()]
    replies = [reply.content.array_records["sums"].to_numpy_ndarrays() for reply in grid.send_and_receive(requests)]
    sums, counts = sum(one[0] for one in replies), sum(one[1] for one in replies)
    return np.asarray(sums / np.maximum(counts, 1.0)[:, None])


def _inertia(rows: npt.NDArray[np.float32], centroids: Matrix) -> float:
    nearest = ((centroids**2).sum(axis=1) - 2.0 * rows @ centroids.T).min(axis=1)
    return float(nearest.sum() + (rows.astype(np.float64) ** 2).sum())


if __name__ == "__main__":
    run_simulation(server_app=server, client_app=client, num_supernodes=NODES)
