"""The coordinator: adds up summaries and decides which centroids come next. It never sees a claim.

A pure state machine; ``server.session`` drives it over a transport. It keeps one running sum, never a stack of
summaries, so its memory does not depend on the number of bureaus.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from common.errors import MessageError, RoundLostError
from common.grid import MAX_ROWS
from common.messages import (
    Offer,
    Received,
    Refusal,
    Result,
    RoundReply,
    RoundRequest,
    bytes_to_words,
    words_to_bytes,
)
from common.model import Model, Provenance, model_of
from common.plan import Plan
from common.private.asked import PrivateRound
from common.private.feasible import refuse_infeasible
from common.rounds import Round
from common.schedule import AnyOutcome, AnyRound, first_asked, inertia_seen, n_words, next_asked
from common.summary import Summary
from common.wire import decode, digest, encode
from server.bounds import adds_up, is_possible, is_possible_with_noise
from server.cohort import Cohort


class Coordinator:
    """One clustering run.

    Guarantees:
        * A round is only closed with a reply of every bureau of its cohort, each counted once.
        * A reply counts only if it is for this very request (its digest is in it), from the bureau that joined at
          this node, of the right shape, and a summary that some claims could have.
        * The cohort never grows after the first round and never falls below the plan's minimum.
    """

    def __init__(self, plan: Plan, session: bytes, version: str) -> None:
        """Prepare a run.

        Args:
            plan: Of the run.
            session: 16 bytes that no other run has; given by the edge.
            version: Of the software, for the model's provenance.
        """
        self.plan = plan
        self.session = session
        self.cohort = Cohort(plan, session)
        self._version = version
        self._round: AnyRound | AnyOutcome | None = None
        self._attempt = 1
        self._request = b""
        self._sum: npt.NDArray[np.int64] | None = None
        self._heads: dict[str, str] = {}
        self._awaited: set[str] = set()

    @property
    def current(self) -> AnyRound | None:
        """The open round; None before the first and after the last."""
        return self._round if isinstance(self._round, (Round, PrivateRound)) else None

    @property
    def heads(self) -> dict[str, str]:
        """The newest head of each bureau's ledger that was seen, by name."""
        return dict(self._heads)

    @property
    def awaited(self) -> frozenset[str]:
        """Nodes whose reply to the current request is still missing."""
        return frozenset(self._awaited)

    def offer(self) -> bytes:
        """The offer of the plan, the same for every node; replies go to ``cohort.admit``."""
        return encode(Offer(session=self.session, plan=self.plan.canonical()))

    def start(self) -> None:
        """Close admission and open the first round.

        Raises:
            CohortError: If too few bureaus have joined.
            PlanError: If a protected plan is not worth its budget with this cohort.
        """
        self.cohort.close()
        refuse_infeasible(self.plan, len(self.cohort.bureaus))
        self._round = first_asked(self.plan)
        self._open_request()

    def request(self) -> bytes:
        """The current request, the same bytes for every node of the cohort."""
        return self._request

    def accept(self, node: str, reply: bytes) -> None:
        """Add a bureau's summary to the sum.

        Raises:
            MessageError: If the node is not awaited, or the reply is not this bureau's to this request.
        """
        if node not in self._awaited:
            msg = f"node {node} is a stranger to this round, or has answered already"
            raise MessageError(msg)
        message = decode(reply)
        if isinstance(message, Refusal):
            msg = f"the bureau at node {node} refuses round {self._open().number}: {message.code}"
            raise MessageError(msg)
        if not isinstance(message, RoundReply) or message.bureau != self.cohort.bureau_at(node):
            msg = f"node {node} did not answer for the bureau that joined there"
            raise MessageError(msg)
        if not self._fits(message):
            msg = f"node {node} answered another request"
            raise MessageError(msg)
        self._add(message)
        self._awaited.remove(node)

    def lose(self, nodes: frozenset[str]) -> None:
        """Go on without some nodes: the round is asked again, of the rest, as a new attempt.

        Raises:
            CohortError: If too few bureaus would be left.
        """
        self.cohort.lose(nodes)
        self._attempt += 1
        self._open_request()

    def close_round(self) -> float | None:
        """Close a complete round and open the next one, or finish.

        Returns:
            Inertia of the rows around the centroids that were sent, squared feature units, noisy in a protected run;
            None where the round did not ask for it.

        Raises:
            RoundLostError: If replies are missing.
            PlanError: If there are fewer claims than clusters.
        """
        if self._awaited or self._sum is None:
            msg = f"{len(self._awaited)} replies are missing: ask again, or go on without these bureaus"
            raise RoundLostError(msg)
        closed, found, n_bureaus = self._open(), self._sum, len(self.cohort.bureaus)
        self._round = next_asked(self.plan, closed, found, n_bureaus)
        self._attempt = 1
        if self.current is not None:
            self._open_request()
        return inertia_seen(self.plan, closed, found, n_bureaus)

    def outcome(self) -> AnyOutcome:
        """Final centroids and their summary.

        Raises:
            RoundLostError: If the run has not finished.
        """
        if self._round is None or isinstance(self._round, (Round, PrivateRound)):
            msg = "the run has not finished"
            raise RoundLostError(msg)
        return self._round

    def model(self) -> Model:
        """The model of the finished run.

        Raises:
            RoundLostError: If the run has not finished.
        """
        provenance = Provenance(
            session=self.session.hex(),
            rounds=self.outcome().rounds,
            cohort=self.cohort.bureaus,
            lost=tuple(sorted(self.cohort.lost)),
            version=self._version,
        )
        return model_of(self.plan, self.outcome(), provenance)

    def result(self) -> bytes:
        """The message that brings the model to the bureaus; replies go to ``confirm``."""
        return encode(Result(session=self.session, fingerprint=self.plan.fingerprint, model=self.model().to_json()))

    def confirm(self, node: str, reply: bytes) -> None:
        """Take a bureau's receipt of the model.

        Raises:
            MessageError: If it is none.
        """
        message = decode(reply)
        expected = (self.session, self.plan.fingerprint, self.cohort.bureau_at(node))
        if not isinstance(message, Received) or (message.session, message.fingerprint, message.bureau) != expected:
            msg = f"node {node} did not confirm the model"
            raise MessageError(msg)

    def _open(self) -> AnyRound:
        current = self.current
        if current is None:
            msg = "no round is open"
            raise RoundLostError(msg)
        return current

    def _open_request(self) -> None:
        current = self._open()
        self._awaited = set(self.cohort.nodes)
        self._sum = None
        self._request = encode(
            RoundRequest(
                session=self.session,
                fingerprint=self.plan.fingerprint,
                number=current.number,
                attempt=self._attempt,
                phase=current.phase,
                cohort=self.cohort.bureaus,
                n_centroids=len(current.centroids),
                centroids=words_to_bytes(current.centroids),
                radii=words_to_bytes(current.radii),
                cost=current.cost,
            )
        )

    def _fits(self, reply: RoundReply) -> bool:
        """Whether a reply is to the current request, and says so in each of its fields."""
        said = (reply.session, reply.fingerprint, reply.number, reply.attempt, reply.request)
        asked = (self.session, self.plan.fingerprint, self._open().number, self._attempt, digest(self._request))
        return said == asked

    def _add(self, reply: RoundReply) -> None:
        current = self._open()
        words = bytes_to_words(reply.summary, (n_words(self.plan, current.phase, len(current.centroids)),))
        so_far = np.zeros_like(words) if self._sum is None else self._sum
        if not self._is_possible(current, so_far, words):
            msg = "a summary that no claims could have was refused"
            raise MessageError(msg)
        self._sum = so_far + words
        self._heads[reply.bureau] = reply.head

    def _is_possible(self, current: AnyRound, so_far: npt.NDArray[np.int64], words: npt.NDArray[np.int64]) -> bool:
        if isinstance(current, PrivateRound):
            return is_possible_with_noise(words) and adds_up(so_far, words)
        shape = self.plan.summary_shape(current.phase, len(current.centroids))
        summary = Summary.from_vector(words, shape)
        n_so_far = Summary.from_vector(so_far, shape).n_rows
        return is_possible(summary, self.plan.cost_cap_yuan) and n_so_far + summary.n_rows <= MAX_ROWS
