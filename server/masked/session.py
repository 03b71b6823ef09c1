"""Drives a session of masked sums over a transport, and keeps its transcript."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from common.errors import CohortError, MessageError
from common.messages import Refusal
from server.masked.run import MaskedRun
from server.masked.steps import Closed, Step
from server.session import RoundReport, SessionReport
from server.transport import Transport

_LOG = logging.getLogger(__name__)

ATTEMPTS = {Step.RESULT: 1, Step.REVEAL: 4, Step.SURVIVORS: 3}
"""How often who does not answer is asked the same; twice elsewhere. The later in a round, the more a loss costs."""


@dataclass(slots=True, kw_only=True)
class _Traffic:
    """Bytes, and what went out for each step."""

    record: Callable[[bytes], None]
    bytes_up: dict[str, int] = field(default_factory=dict)
    down: int = 0
    up: dict[str, int] = field(default_factory=dict)


def run_masked_session(
    run: MaskedRun,
    transport: Transport,
    on_round: Callable[[RoundReport], None] = lambda _: None,
    record: Callable[[bytes], None] = lambda _: None,
) -> SessionReport:
    """Run a session from the offer to the delivered model.

    Guarantees:
        * Every request and every accepted answer goes to ``record``, in order.

    Args:
        run: Fresh.
        transport: To the nodes.
        on_round: Called after each round that was opened, for progress.
        record: Takes the transcript, message by message.

    Raises:
        CohortError: If too few bureaus join (with each one's reason) or are left.
        RoundLostError: If a round was lost and cannot be repeated.
        PlanError: If the plan is not worth its budget.
    """
    traffic, rounds = _Traffic(record=record), list[RoundReport]()
    while run.step is not Step.DONE:
        if run.step is Step.INVITE:
            traffic.down, traffic.up = 0, {}
        _ask(run, transport, traffic)
        n_closed = len(run.closed)
        try:
            run.advance()
        except CohortError as error:
            raise CohortError("; ".join([str(error), *run.refused])) from error
        for closed in run.closed[n_closed:]:
            rounds.append(_report(closed, traffic))
            on_round(rounds[-1])
    return SessionReport(
        model=run.model(),
        rounds=tuple(rounds),
        bytes_up={name: traffic.bytes_up.get(node, 0) for name, node in run.node_of.items()},
        lost=run.lost,
        refused=tuple(run.refused),
        heads=run.heads,
    )


def _ask(run: MaskedRun, transport: Transport, traffic: _Traffic) -> None:
    request = run.request
    traffic.record(request)
    traffic.down += len(request)
    silent = set(transport.nodes()) if run.step is Step.OFFER else set()
    for _ in range(ATTEMPTS.get(run.step, 2)):
        nodes = silent if run.step is Step.OFFER else {run.node_of[name] for name in run.awaited}
        if not nodes:
            return
        for node, reply in transport.exchange(dict.fromkeys(sorted(nodes), request)):
            silent.discard(node)
            _take(run, node, reply, traffic)
    for node in sorted(silent):
        run.refused.append(f"node {node} did not answer the offer")


def _take(run: MaskedRun, node: str, reply: bytes, traffic: _Traffic) -> None:
    traffic.bytes_up[node] = traffic.bytes_up.get(node, 0) + len(reply)
    traffic.up[node] = traffic.up.get(node, 0) + len(reply)
    try:
        message = run.accept(node, reply)
    except MessageError as error:
        run.refused.append(str(error))
        _LOG.warning("%s", error)
        return
    if not isinstance(message, Refusal):
        traffic.record(reply)


def _report(closed: Closed, traffic: _Traffic) -> RoundReport:
    return RoundReport(
        number=closed.asked.number,
        phase=closed.asked.phase,
        n_centroids=len(closed.asked.centroids),
        bytes_down=traffic.down,
        bytes_up=max(traffic.up.values(), default=0),
        cost=closed.asked.cost,
        inertia=closed.inertia,
    )
