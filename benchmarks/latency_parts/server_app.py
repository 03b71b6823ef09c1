"""ServerApps that conduct the ordered session: over the coordinator's transport, and over Flower's own waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from flwr.app import ConfigRecord, Context, Message, MessageType, RecordDict
from flwr.serverapp import Grid, ServerApp

from benchmarks.latency_parts import stamps
from common.plan import Plan
from server.deployment.haste import hasten_parts
from server.grid import GridTransport, Patience
from server.transport import Transport
from simulations.conducting import conduct
from simulations.flower.exchange import Exchange, Order
from simulations.flower.internals import grid_module
from simulations.flower.meeting import directory_of, insist_on_everyone

stock = ServerApp()
own = ServerApp()


@stock.main()
def stock_main(grid: Grid, context: Context) -> None:
    """Flower's waiting: ``send_and_receive``."""
    _conduct(grid, directory_of(context), _Stock)


@own.main()
def own_main(grid: Grid, context: Context) -> None:
    """The coordinator's waiting."""
    hasten_parts(grid_module())
    _conduct(grid, directory_of(context), GridTransport)


def _conduct(grid: Grid, directory: Path, over: Callable[[Grid, int, Patience], GridTransport]) -> None:
    exchange = Exchange(directory)
    order: Order = exchange.order()
    watched = _Watched(grid, directory)
    patience = Patience(nodes_s=order.nodes_s, replies_s=order.replies_s)
    transport = _Flows(over(cast("Grid", watched), len(order.names), patience), watched)
    insist_on_everyone(len(transport.nodes()), len(order.names), order.advice)
    with exchange.recording() as record:
        report = conduct(Plan.from_canonical(order.plan.encode()), order.names, transport, exchange.put_round, record)
    exchange.put_report(report)


class _Flows:
    """A transport that numbers its flows."""

    def __init__(self, transport: Transport, watched: _Watched) -> None:
        self._transport, self._watched = transport, watched

    def nodes(self) -> Any:
        return self._transport.nodes()

    def exchange(self, requests: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        self._watched.flow += 1
        self._watched.asked = stamps.now()
        yield from self._transport.exchange(requests)


class _Watched:
    """A grid that tells when a message was pushed, and when its reply was there."""

    def __init__(self, grid: Grid, directory: Path) -> None:
        self._grid, self._directory = grid, directory
        self.flow, self.asked = 0, 0.0

    def push_messages(self, messages: Iterable[Message]) -> list[str]:
        taken = list(self._grid.push_messages(messages))
        for message in taken:
            stamps.leave(self._directory, message, flow=self.flow, asked=self.asked, pushed=stamps.now())
        return taken

    def pull_messages(self, identities: Iterable[str]) -> list[Message]:
        came = list(self._grid.pull_messages(identities))
        for reply in came:
            stamps.leave(self._directory, reply.metadata.reply_to_message_id, came=stamps.now())
        return came

    def __getattr__(self, name: str) -> object:
        return getattr(self._grid, name)


class _Stock(GridTransport):
    """Everything to everybody at once, and Flower waits."""

    def exchange(self, requests: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        """See ``server.transport.Transport``."""
        seconds, grid = self._patience.replies_s, cast("_Watched", self._grid)
        messages = [
            Message(RecordDict({"request": ConfigRecord({"bytes": held})}), int(node), MessageType.QUERY, ttl=seconds)
            for node, held in requests.items()
        ]
        flowers = cast("Any", type(grid._grid)).send_and_receive  # over our looks at the clock
        for reply in flowers(grid, messages, timeout=seconds):
            (record,) = reply.content.config_records.values()
            yield str(reply.metadata.src_node_id), record["bytes"]
