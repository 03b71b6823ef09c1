"""A ServerApp for tests: sends every node one message, and writes down what came back."""

from __future__ import annotations

import json
import time
from pathlib import Path

from flwr.app import ConfigRecord, Context, Message, MessageType, RecordDict
from flwr.serverapp import Grid, ServerApp

PATIENCE_S = 90.0

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    nodes = list(grid.get_node_ids())
    until = time.monotonic() + PATIENCE_S
    while not nodes and time.monotonic() < until:
        time.sleep(0.2)
        nodes = list(grid.get_node_ids())
    asked = RecordDict({"request": ConfigRecord({"bytes": b"ask"})})
    waiting = list(grid.push_messages([Message(asked, node, MessageType.QUERY, ttl=PATIENCE_S) for node in nodes]))
    came: list[Message] = []
    while len(came) < len(waiting) and time.monotonic() < until:
        time.sleep(0.2)
        came += grid.pull_messages(waiting)
    told = Path(str(context.run_config["told"]))
    part = told.with_suffix(".part")
    part.write_text(json.dumps([_told(reply) for reply in came]))
    part.rename(told)


def _told(reply: Message) -> dict[str, object]:
    if reply.has_error():
        return {"code": reply.error.code, "reason": reply.error.reason}
    return {
        "bytes": [bytes(held).decode() for record in reply.content.config_records.values() for held in record.values()]
    }  # type: ignore[arg-type]  # our couriers send bytes
