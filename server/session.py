"""A session: drives the coordinator over a transport, round by round, until the model is out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from common.errors import CohortError, MessageError
from common.messages import Published, Received, Refusal
from common.model import Model
from common.plan import Phase
from common.wire import decode, encode
from server.coordinator import Coordinator
from server.transport import Transport

_LOG = logging.getLogger(__name__)

ATTEMPTS_PER_REQUEST = 2
"""How often a node is asked the same before the run goes on without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundReport:
    """What one round moved.

    Attributes:
        number: From 1.
        phase: What it was for.
        n_centroids: How many went out.
        bytes_down: Bytes of the request, sent to each bureau.
        bytes_up: Bytes of a reply, received from each bureau: every summary of a round has the same length but for
            the bureau's name; this is the longest.
        inertia: Of the assignment to the centroids that were sent, squared feature units; noisy in a protected run,
            None where the round did not ask for it.
        cost: Of the answers, units of 1e-9 rho; 0 without protection.
    """

    number: int
    phase: Phase
    n_centroids: int
    bytes_down: int
    bytes_up: int
    inertia: float | None
    cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReport:
    """A finished session.

    Attributes:
        model: What came out.
        rounds: Each round, in order.
        bytes_up: All bytes that left each bureau, by name; replies that were lost or refused count, too.
        lost: Bureaus that joined and were lost on the way.
        refused: Replies that were refused and offers that were not answered, as sentences.
        heads: The newest head of each bureau's ledger, by name; empty texts without protection.
    """

    model: Model
    rounds: tuple[RoundReport, ...]
    bytes_up: dict[str, int]
    lost: tuple[str, ...]
    refused: tuple[str, ...]
    heads: dict[str, str]


@dataclass(slots=True, kw_only=True)
class _Traffic:
    """Replies as they come in: their bytes by node, and what was wrong with them."""

    bytes_up: dict[str, int] = field(default_factory=dict)
    longest: int = 0
    refused: list[str] = field(default_factory=list)

    def take(self, node: str, reply: bytes, accept: Callable[[str, bytes], object]) -> None:
        """Count a reply and hand it to ``accept``; a refused reply is noted and counts as none."""
        self.bytes_up[node] = self.bytes_up.get(node, 0) + len(reply)
        self.longest = max(self.longest, len(reply))
        try:
            accept(node, reply)
        except MessageError as error:
            self.refused.append(str(error))
            _LOG.warning("%s", error)


def run_session(
    coordinator: Coordinator, transport: Transport, on_round: Callable[[RoundReport], None] = lambda _: None
) -> SessionReport:
    """Run a session from the offer to the delivered model.

    Guarantees:
        * A node that does not answer is asked once more; then it takes no part, or the round is asked again without
          it, as long as the plan's minimum cohort is left. Lost bureaus are named in the report and in the model.

    Args:
        coordinator: Fresh.
        transport: To the nodes.
        on_round: Called after each round, for progress.

    Raises:
        CohortError: If too few bureaus join (with each one's reason) or are left.
        PlanError: If there are fewer claims than clusters.
    """
    traffic = _Traffic()
    _offer(coordinator, transport, traffic)
    name_of = {node: coordinator.cohort.bureau_at(node) for node in coordinator.cohort.nodes}
    try:
        coordinator.start()
    except CohortError as error:
        raise CohortError("; ".join([str(error), *traffic.refused])) from error
    rounds: list[RoundReport] = []
    while (current := coordinator.current) is not None:
        traffic.longest = 0
        bytes_down = len(coordinator.request())
        _complete_round(coordinator, transport, traffic)
        report = RoundReport(
            number=current.number,
            phase=current.phase,
            n_centroids=len(current.centroids),
            bytes_down=bytes_down,
            bytes_up=traffic.longest,
            cost=current.cost,
            inertia=coordinator.close_round(),
        )
        rounds.append(report)
        on_round(report)
    _deliver(coordinator, transport, traffic)
    return SessionReport(
        model=coordinator.model(),
        rounds=tuple(rounds),
        bytes_up={name: traffic.bytes_up.get(node, 0) for node, name in name_of.items() if name is not None},
        lost=tuple(coordinator.cohort.lost),
        refused=tuple(traffic.refused),
        heads=coordinator.heads,
    )


def deliver(
    published: Published, transport: Transport, confirmed: Callable[[str], object] = lambda _: None
) -> dict[str, str]:
    """Bring a published model to every node that can be reached.

    Args:
        published: The version, signed, with its model.
        transport: To the nodes.
        confirmed: Is told the name of each bureau that has received it.

    Returns:
        What each node said: ``received``, or the code of its refusal. Who is silent is not in it, and gets the next
        version.
    """
    said, request = dict[str, str](), encode(published)
    for node, reply in transport.exchange(dict.fromkeys(sorted(transport.nodes()), request)):
        try:
            message = decode(reply)
        except MessageError:
            said[node] = "unreadable"
            continue
        said[node] = str(message.code) if isinstance(message, Refusal) else message.kind
        if isinstance(message, Received):
            confirmed(message.bureau)
    return said


def _offer(coordinator: Coordinator, transport: Transport, traffic: _Traffic) -> None:
    """Offer the plan to every node; what it answers, be it a refusal, is its answer."""
    silent = set(transport.nodes())
    for _ in range(ATTEMPTS_PER_REQUEST):
        if silent:
            _ask(silent, coordinator.offer(), transport, traffic, coordinator.cohort.admit)
        silent -= traffic.bytes_up.keys()
    for node in sorted(silent):
        traffic.refused.append(f"node {node} did not answer the offer")
        _LOG.warning("node %s did not answer the offer", node)


def _complete_round(coordinator: Coordinator, transport: Transport, traffic: _Traffic) -> None:
    """Ask until every bureau of the cohort has answered, with a smaller cohort where one does not."""
    while True:
        for _ in range(ATTEMPTS_PER_REQUEST):
            _ask(coordinator.awaited, coordinator.request(), transport, traffic, coordinator.accept)
            if not coordinator.awaited:
                return
        _LOG.warning("going on without %d bureaus that do not answer", len(coordinator.awaited))
        coordinator.lose(coordinator.awaited)


def _ask(
    nodes: Collection[str],
    request: bytes,
    transport: Transport,
    traffic: _Traffic,
    accept: Callable[[str, bytes], object],
) -> None:
    for node, reply in transport.exchange(dict.fromkeys(sorted(nodes), request)):
        traffic.take(node, reply, accept)


def _deliver(coordinator: Coordinator, transport: Transport, traffic: _Traffic) -> None:
    _ask(coordinator.cohort.nodes, coordinator.result(), transport, traffic, coordinator.confirm)
