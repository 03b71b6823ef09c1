"""The cohort: which bureau sits at which node, who was lost, and whether enough are left."""

from __future__ import annotations

from common.errors import CohortError, MessageError
from common.messages import Join, Refusal
from common.plan import Plan
from common.wire import decode


class Cohort:
    """Bureaus that take part in one run.

    Guarantees:
        * Every bureau sits at one node and every node holds one bureau.
        * Once closed it never grows.
    """

    def __init__(self, plan: Plan, session: bytes) -> None:
        """Start empty."""
        self.lost: list[str] = []
        self._plan = plan
        self._session = session
        self._bureau_of: dict[str, str] = {}
        self._closed = False

    @property
    def bureaus(self) -> tuple[str, ...]:
        """Names, sorted."""
        return tuple(sorted(self._bureau_of.values()))

    @property
    def nodes(self) -> tuple[str, ...]:
        """Addresses, sorted."""
        return tuple(sorted(self._bureau_of))

    def bureau_at(self, node: str) -> str | None:
        """The bureau that joined at a node, if one did."""
        return self._bureau_of.get(node)

    def admit(self, node: str, reply: bytes) -> str:
        """Take a node's answer to the offer and return its bureau's name.

        Raises:
            MessageError: If it is no join to this plan and session, a refusal, or a bureau that joined already.
            CohortError: If the cohort is closed.
        """
        if self._closed:
            msg = "the run has started; a late bureau joins the next one"
            raise CohortError(msg)
        message = decode(reply)
        if isinstance(message, Refusal):
            msg = f"the bureau at node {node} refuses the plan: {message.code}"
            raise MessageError(msg)
        if not isinstance(message, Join) or message.session != self._session:
            msg = f"node {node} did not answer the offer of this session"
            raise MessageError(msg)
        if message.fingerprint != self._plan.fingerprint:
            msg = f"node {node} joined another plan: both sides must run the same version"
            raise MessageError(msg)
        if node in self._bureau_of or message.bureau in self._bureau_of.values():
            msg = f"node {node} or its bureau's name has joined already: give every bureau its own name"
            raise MessageError(msg)
        self._bureau_of[node] = message.bureau
        return message.bureau

    def close(self) -> None:
        """Admit nobody from here on.

        Raises:
            CohortError: If too few bureaus have joined.
        """
        self._insist_on_minimum()
        self._closed = True

    def lose(self, nodes: frozenset[str]) -> None:
        """Go on without some nodes.

        Raises:
            CohortError: If too few bureaus are left.
        """
        self.lost += [self._bureau_of.pop(node) for node in sorted(nodes)]
        self._insist_on_minimum()

    def _insist_on_minimum(self) -> None:
        if len(self._bureau_of) < self._plan.min_cohort:
            gone = f" ({len(self.lost)} were lost on the way)" if self.lost else ""
            msg = (
                f"{len(self._bureau_of)} bureaus take part{gone}, the plan needs {self._plan.min_cohort}: "
                "connect more bureaus and start again"
            )
            raise CohortError(msg)
