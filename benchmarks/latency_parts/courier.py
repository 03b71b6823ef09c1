"""The courier that stays, with looks at the clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.latency_parts import stamps
from client.link import courier
from simulations.flower.hosting import EXCHANGE_KEY


class _Watched(courier.Courier):
    """Tells when it has claimed a task, held its message and had an answer."""

    _picked = 0.0

    def _serve(self) -> None:
        self._picked = stamps.now()
        super()._serve()

    def answer(self, message: Any, context: Any, bundle: bytes) -> Any:
        taken = stamps.now()
        reply = super().answer(message, context, bundle)
        exchange = Path(str(context.run_config[EXCHANGE_KEY]))
        stamps.leave(exchange, message.metadata.message_id, picked=self._picked, taken=taken, done=stamps.now())
        return reply


if __name__ == "__main__":
    vars(courier)["Courier"] = _Watched
    courier.main()
