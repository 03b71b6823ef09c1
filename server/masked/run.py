"""A session of masked sums, step by step: what is asked of whom next, and what follows when some do not answer.

A pure state machine; ``server.masked.session`` drives it over a transport.
"""

from __future__ import annotations

import numpy as np

from common.consortium.identity import verify
from common.errors import CohortError, MessageError, RoundLostError
from common.masked_messages import Confirm, Masked, MaskedJoin, Ready, Reveal
from common.masking.opening import CheatError
from common.messages import Received, Refusal, words_to_bytes
from common.model import Model, Provenance, model_of
from common.private.asked import PrivateOutcome, PrivateRound
from common.private.feasible import refuse_infeasible
from common.private.lbg import after_loss, first, following
from common.private.plausible import is_plausible
from common.schedule import inertia_seen
from common.sealing import check_seal
from common.wire import AnyMessage, decode, encode
from server.masked.steps import Closed, Step
from server.masked.tallying import Tally
from server.masked.terms import Terms


class MaskedRun:
    """One session.

    Guarantees:
        * No sum of fewer than the threshold's bureaus is opened; no bureau's words are ever seen without masks.
        * Whoever does not answer before survivors are fixed is left out; whoever does not confirm is left out of the
          next attempt of the round; if keys are missing at the end, the round is lost and asked again with fresh noise,
          without those who did not answer.
        * Whoever cheats is named and asked no more.
    """

    def __init__(self, terms: Terms) -> None:
        """Prepare a run."""
        self.terms = terms
        self.step = Step.OFFER
        self.refused: list[str] = []
        self.excluded: list[str] = []
        self.heads: dict[str, str] = {}
        self.node_of: dict[str, str] = {}
        self.closed: list[Closed] = []
        self._joins: dict[str, MaskedJoin] = {}
        self._ready: set[str] = set()
        self._active: tuple[str, ...] = ()
        self._session = b""
        self._attempt = 1
        self._asked: PrivateRound | PrivateOutcome | None = None
        self._previous: tuple[bytes, int] = (b"", 0)
        self._tally: Tally | None = None
        self._answered: set[str] = set()
        self._request: bytes = encode(terms.offer())

    @property
    def request(self) -> bytes:
        """What is asked now, the same bytes for everybody."""
        return self._request

    @property
    def awaited(self) -> frozenset[str]:
        """Bureaus whose answer is missing; nobody is known by name before the offer is answered."""
        return frozenset(self._expected()) - self._answered

    def accept(self, node: str, reply: bytes) -> AnyMessage:
        """Take an answer.

        Returns:
            The message, checked.

        Raises:
            MessageError: If it is not this bureau's answer to what is asked.
        """
        message = decode(reply)
        if isinstance(message, Refusal):
            msg = f"the bureau at node {node} refuses at {self.step}: {message.code}"
            raise MessageError(msg)
        if not isinstance(message, MaskedJoin | Ready | Masked | Confirm | Reveal | Received):
            msg = f"node {node} sent no answer of a bureau"
            raise MessageError(msg)
        known = self.step is Step.OFFER or self.node_of.get(message.bureau) == node
        if not known or (message.session, message.fingerprint) != (self.terms.session, self.terms.plan.fingerprint):
            msg = f"node {node} did not answer for its bureau in this session"
            raise MessageError(msg)
        try:
            self._take(node, message)
        except CheatError as error:
            self._exclude(error.bureau)
            raise
        self._answered.add(message.bureau)
        return message

    def advance(self) -> None:
        """Go on with those who have answered.

        Raises:
            CohortError: If too few are left.
            RoundLostError: If a lost round cannot be repeated.
            PlanError: If the plan is not worth its budget with those who joined.
        """
        after = {
            Step.OFFER: self._after_offer,
            Step.MEMBERS: self._after_members,
            Step.INVITE: self._after_invite,
            Step.SURVIVORS: self._after_survivors,
            Step.REVEAL: self._after_reveal,
            Step.RESULT: self._end,
            Step.DONE: self._end,
        }
        after[self.step]()

    def model(self) -> Model:
        """What came out.

        Raises:
            RoundLostError: If the run has not finished.
        """
        if not isinstance(self._asked, PrivateOutcome):
            msg = "the run has not finished"
            raise RoundLostError(msg)
        provenance = Provenance(
            session=self.terms.session.hex(),
            rounds=self._asked.rounds,
            cohort=self._active,
            lost=tuple(sorted(set(self._joins) - set(self._active))),
            version=self.terms.version,
        )
        return model_of(self.terms.plan, self._asked, provenance)

    @property
    def lost(self) -> tuple[str, ...]:
        """Bureaus that joined and are asked no more."""
        return tuple(sorted(set(self._joins) - set(self._active))) if self._active else ()

    @property
    def threshold(self) -> int:
        """Survivors that every sum needs."""
        return self.terms.threshold(len(self._joins))

    def _expected(self) -> tuple[str, ...]:
        if self.step in {Step.SURVIVORS, Step.REVEAL} and self._tally is not None:
            return self._tally.survivors
        if self.step is Step.MEMBERS:
            return tuple(self._joins)
        return () if self.step in {Step.OFFER, Step.DONE} else self._active

    def _take(self, node: str, message: MaskedJoin | Ready | Masked | Confirm | Reveal | Received) -> None:
        if self.step is not Step.OFFER and message.bureau not in self.awaited:
            raise _unasked(node)
        match self.step, message:
            case Step.OFFER, MaskedJoin():
                self._admit(node, message)
            case Step.MEMBERS, Ready():
                self._take_ready(message)
            case Step.INVITE, Masked():
                self._open_tally().take_masked(message)
            case Step.SURVIVORS, Confirm():
                self._open_tally().take_confirm(message)
            case Step.REVEAL, Reveal():
                self._open_tally().take_reveal(message)
            case Step.RESULT, Received():
                pass
            case _:
                raise _unasked(node)

    def _admit(self, node: str, join: MaskedJoin) -> None:
        key = self.terms.bureau_keys.get(join.bureau)
        if key is None or join.bureau in self._joins or node in self.node_of.values():
            msg = f"node {node} is no bureau of the roster, or its bureau has joined already"
            raise MessageError(msg)
        verify(key, join.signature, "join", self.terms.offer_digest, join.bureau, join.exchange_key)
        self._joins[join.bureau] = join
        self.node_of[join.bureau] = node

    def _take_ready(self, ready: Ready) -> None:
        check_seal(ready, self.terms.bureau_keys[ready.bureau])
        if ready.members != self._session:
            msg = f"bureau {ready.bureau} knows other members"
            raise MessageError(msg)
        self._ready.add(ready.bureau)

    def _after_offer(self) -> None:
        names = tuple(sorted(self._joins))
        self._insist(len(names))
        refuse_infeasible(self.terms.plan, len(names))
        self._session = self.terms.session_of(self._joins)
        self._ask(Step.MEMBERS, self.terms.members(self._joins))

    def _after_members(self) -> None:
        self._active = tuple(sorted(self._ready))
        self._asked = first(self.terms.plan)
        self._invite()

    def _after_invite(self) -> None:
        tally = self._open_tally()
        self.heads |= tally.heads
        self._active = tuple(name for name in self._active if name in tally.given)
        if suspects := tally.suspects():
            for name in suspects:
                self._exclude(name)
            self._again()
            return
        self._insist(len(tally.given))
        tally.fix_survivors()
        self._ask(Step.SURVIVORS, self.terms.survivors(tally.context.digest, tally.survivors, tally.digests))

    def _after_survivors(self) -> None:
        tally = self._open_tally()
        if set(tally.confirmations) != set(tally.survivors):
            self._active = tuple(name for name in tally.survivors if name in tally.confirmations)
            self._again()
            return
        confirmations = [tally.confirmations[name] for name in tally.survivors]
        self._ask(Step.REVEAL, self.terms.reveal_request(tally.context.digest, confirmations))

    def _after_reveal(self) -> None:
        tally, asked = self._open_tally(), self._current()
        n_bureaus = len(tally.survivors)
        opened = set(tally.revealed) == set(tally.survivors)
        total = tally.total() if opened else np.zeros(0, np.int64)
        if not opened or not is_plausible(self.terms.plan, asked.question, total, n_bureaus):
            self._lose_round(asked, tally)
            return
        seen = inertia_seen(self.terms.plan, asked, total, n_bureaus)
        self.closed.append(Closed(asked=asked, inertia=seen, opened=True))
        self._previous = words_to_bytes(total), n_bureaus
        self._asked = following(self.terms.plan, asked, total, n_bureaus)
        self._attempt = 1
        self._go_on()

    def _lose_round(self, asked: PrivateRound, tally: Tally) -> None:
        self._active = tuple(name for name in tally.survivors if name in tally.revealed)
        self._insist(len(self._active))
        self.closed.append(Closed(asked=asked, inertia=None, opened=False))
        self._previous = b"", len(self._active)
        self._asked = after_loss(self.terms.plan, asked, len(self._active))
        self._attempt = 1
        self._go_on()

    def _go_on(self) -> None:
        if isinstance(self._asked, PrivateRound):
            self._invite()
            return
        self._ask(Step.RESULT, self.terms.result(self.model(), self._previous))

    def _again(self) -> None:
        """The same round once more, with the same noised words, for those who are left."""
        self._attempt += 1
        self._invite()

    def _invite(self) -> None:
        self._insist(len(self._active))
        asked = self._current()
        self._tally = self.terms.tally(self._session, asked, self._attempt, self._active)
        self._ask(Step.INVITE, self.terms.invite(asked, self._attempt, self._active, self._previous))

    def _end(self) -> None:
        self.step = Step.DONE

    def _ask(self, step: Step, message: AnyMessage) -> None:
        self.step, self._request, self._answered = step, encode(message), set()

    def _exclude(self, name: str) -> None:
        self.excluded.append(name)
        self._active = tuple(other for other in self._active if other != name)

    def _insist(self, n_bureaus: int) -> None:
        if n_bureaus < self.threshold:
            gone = f"; not asked any more: {', '.join(self.lost)}" if self.lost else ""
            msg = f"{n_bureaus} bureaus take part, a sum needs {self.threshold}: connect more and start again{gone}"
            raise CohortError(msg)

    def _open_tally(self) -> Tally:
        if self._tally is None:
            msg = "no round is open"
            raise RoundLostError(msg)
        return self._tally

    def _current(self) -> PrivateRound:
        if not isinstance(self._asked, PrivateRound):
            msg = "no round is open"
            raise RoundLostError(msg)
        return self._asked


def _unasked(node: str) -> MessageError:
    return MessageError(f"node {node} answered something that was not asked")
