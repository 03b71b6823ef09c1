"""Which node keys a SuperLink lets in, and what it calls each: a program of its own, run as Flower's commands are.

Flower's own list leaves the keys out. What it is asked with is semi-private; where a name is gone, nothing is said.
"""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout

from flwr.cli.flower_config import read_superlink_connection
from flwr.cli.utils import init_http_client_from_connection
from flwr.proto.control_pb2 import ListNodesRequest

GONE = frozenset({"unregistered", "deleted"})


def main(connection: str) -> None:
    """Print them as JSON."""
    with redirect_stdout(sys.stderr):  # Flower talks
        client = init_http_client_from_connection(read_superlink_connection(connection))
        try:
            found = client.ListNodes(ListNodesRequest()).nodes_info
        finally:
            client.close()
    nodes = [
        {"node-id": str(one.node_id), "public-key": one.public_key.decode()} for one in found if one.status not in GONE
    ]
    sys.stdout.write(json.dumps({"success": True, "nodes": nodes}))


if __name__ == "__main__":
    main(sys.argv[1])
