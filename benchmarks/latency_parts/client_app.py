"""The courier's ClientApp as a process for every message: the installed one between two looks at the clock."""

from __future__ import annotations

from pathlib import Path

from flwr.app import Context, Message
from flwr.clientapp import ClientApp

from benchmarks.latency_parts import stamps
from client.courier import app as installed
from simulations.flower.hosting import EXCHANGE_KEY

app = ClientApp()


@app.query()
def query(message: Message, context: Context) -> Message:
    """Answer as the installed one does."""
    taken = stamps.now()
    reply = installed(message=message, context=context)
    exchange = Path(str(context.run_config[EXCHANGE_KEY]))
    stamps.leave(exchange, message.metadata.message_id, picked=stamps.begun_at(), taken=taken, done=stamps.now())
    return reply
