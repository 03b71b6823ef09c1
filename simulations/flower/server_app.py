"""The simulation's ServerApp: conducts one session over Flower's grid.

Started by ``fedclaims-simulate`` it finds an order and stations in the exchange that the run's configuration names.
Started by a plain ``flwr run .`` it makes a world of its own (``simulations.flower.own_world``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from common.errors import CohortError, EngineError, FedclaimsError
from common.plan import Plan
from server.grid import GridTransport, Patience
from server.session import RoundReport, SessionReport
from simulations.conducting import Record, unrecorded
from simulations.conducting import conduct as conduct_session
from simulations.flower.exchange import Exchange
from simulations.flower.hosting import EXCHANGE_KEY
from simulations.flower.meeting import directory_of, insist_on_everyone
from simulations.flower.own_world import in_own_world

_LOG = logging.getLogger(__name__)

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context) -> None:
    """Conduct the session that was ordered, or one in a world of its own."""
    if context.run_config[EXCHANGE_KEY]:
        answer_order(grid, Exchange(directory_of(context)))
    else:
        in_own_world(grid, context, conduct)


def answer_order(grid: Grid, exchange: Exchange) -> None:
    """Conduct the session and leave its outcome in the exchange; raises nothing."""
    try:
        with exchange.recording() as record:
            report = conduct(grid, exchange, exchange.put_round, record)
        exchange.put_report(report)
    except FedclaimsError as error:
        exchange.put_failure(error)
    except Exception as error:  # noqa: BLE001  whatever it is, the command that waits must learn that it is over
        _LOG.exception("the session failed")
        exchange.put_failure(EngineError(f"the session failed inside Flower ({type(error).__name__})"))


def conduct(
    grid: Grid, exchange: Exchange, on_round: Callable[[RoundReport], None], record: Record = unrecorded
) -> SessionReport:
    """Run the session that was ordered.

    Guarantees:
        * Starts with all nodes that were ordered or not at all.

    Raises:
        CohortError: If there are more or fewer nodes, or the session loses too many.
        PlanError: If there are fewer claims than clusters.
    """
    order = exchange.order()
    transport = _Everyone(grid, len(order.names), Patience(nodes_s=order.nodes_s, replies_s=order.replies_s))
    insist_on_everyone(len(transport.nodes()), len(order.names), order.advice)
    plan = Plan.from_canonical(order.plan.encode())
    return conduct_session(plan, order.names, transport, on_round, record)


class _Everyone(GridTransport):
    """Flower's grid where the offer, which is what goes out first, must be answered by all."""

    _offered = False

    def exchange(self, requests: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        """See ``server.transport.Transport``.

        Raises:
            CohortError: If a node leaves the offer without an answer.
        """
        n_replies = 0
        for node, reply in super().exchange(requests):
            n_replies += 1
            yield node, reply
        if not self._offered and n_replies < len(requests):
            msg = f"{len(requests) - n_replies} of {len(requests)} bureaus did not answer the offer: start again"
            raise CohortError(msg)
        self._offered = True
