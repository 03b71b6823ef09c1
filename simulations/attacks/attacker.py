"""A coordinator that asks what it likes: the attacker's half of every attack, in the protocol's own messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import numpy.typing as npt

from client.ledger.release import SESSION_BYTES
from client.policy import Policy
from client.rowstore import RowStore
from client.station import Station
from common.grid import from_grid, to_grid
from common.messages import Offer, Refusal, RefusalCode, RoundReply, RoundRequest, words_to_bytes
from common.noise.randomness import RandomBytes
from common.plan import Phase, Plan
from common.private.budget import allotment
from common.private.question import Question, parted
from common.wire import AnyMessage, decode, encode
from simulations.attacks.victims import COHORT, station_over

Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.int64]


class StationRefusedError(Exception):
    """The station did not answer.

    Attributes:
        code: Why not.
    """

    def __init__(self, code: RefusalCode) -> None:
        """Keep the code."""
        super().__init__(str(code))
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSums:
    """What an answer says of its cells, in feature units; exact without protection.

    Attributes:
        counts: Weights of the claims in each cell ``(K,)``.
        offsets: Sums of their offsets from the centroid ``(K, d)``.
    """

    counts: Floats
    offsets: Floats


@dataclass(slots=True, kw_only=True)
class Session:
    """One session of a curious coordinator with one station.

    Attributes:
        plan: That was offered.
        identity: Of the session.
        station: That answers.
        number: Rounds asked so far.
    """

    plan: Plan
    identity: bytes
    station: Station
    number: int = 0

    def join(self) -> None:
        """Offer the plan.

        Raises:
            StationRefusedError: If the station does not join.
        """
        self._says(Offer(session=self.identity, plan=self.plan.canonical()))

    def ask(
        self, question: Question, *, cohort: Sequence[str] = COHORT, number: int | None = None, attempt: int = 1
    ) -> Words:
        """The words that answer a question, in the next round unless a number is given.

        Without protection, radii and cost stay at home: no open request carries them.

        Raises:
            StationRefusedError: If the station does not answer.
        """
        self.number = number or self.number + 1
        private = self.plan.privacy is not None
        reply = self._says(
            RoundRequest(
                session=self.identity,
                fingerprint=self.plan.fingerprint,
                number=self.number,
                attempt=attempt,
                phase=question.phase,
                cohort=tuple(cohort),
                n_centroids=len(question.centroids),
                centroids=words_to_bytes(question.centroids),
                radii=words_to_bytes(question.radii) if private else b"",
                cost=question.cost if private else 0,
            )
        )
        return np.frombuffer(reply.summary if isinstance(reply, RoundReply) else b"", "<i8").astype(np.int64)

    def cells(self, question: Question) -> CellSums:
        """What the answer to a question of sums says of each cell.

        Raises:
            StationRefusedError: If the station does not answer.
        """
        k, d = question.centroids.shape
        counts, sums, _ = parted(self.ask(question), (k, k * d, k))
        if self.plan.privacy is None:
            offsets = from_grid(sums.reshape(k, d)) - counts[:, None] * from_grid(question.centroids)
            return CellSums(counts=counts.astype(np.float64), offsets=offsets)
        reach = from_grid(question.radii)[:, None]
        return CellSums(counts=from_grid(counts), offsets=from_grid(sums.reshape(k, d)) * reach)

    def _says(self, message: AnyMessage) -> AnyMessage:
        reply = decode(self.station.answer(encode(message)))
        if isinstance(reply, Refusal):
            raise StationRefusedError(reply.code)
        return reply


@dataclass(slots=True, kw_only=True)
class Attacker:
    """Opens sessions with one station, whose bureau brings other claims to each.

    Attributes:
        plan: Of all sessions.
        station: That is attacked; set once it stands.
        claims: Of the next session.
    """

    plan: Plan
    station: Station | None = None
    claims: RowStore | None = None
    _identities: Iterator[int] = field(default_factory=lambda: count(1))

    def session(self, claims: RowStore) -> Session:
        """A new session about these claims, joined."""
        station = self.facing(claims)
        opened = Session(plan=self.plan, identity=self.new_identity(), station=station)
        opened.join()
        return opened

    def facing(self, claims: RowStore) -> Station:
        """The station, whose next session will be about these claims."""
        if self.station is None:
            raise ValueError("there is no station yet")
        self.claims = claims
        return self.station

    def new_identity(self) -> bytes:
        """Of a session that was not before."""
        return next(self._identities).to_bytes(SESSION_BYTES, "big")

    def held(self) -> RowStore:
        """What the bureau's next session is about."""
        if self.claims is None:
            raise ValueError("there are no claims yet")
        return self.claims


@contextmanager
def attacker_of(plan: Plan, seed_bytes: RandomBytes, policy: Policy | None = None) -> Iterator[Attacker]:
    """An attacker and the station it attacks, until the block ends.

    Args:
        plan: Of all sessions.
        seed_bytes: Where seeds of the noise come from.
        policy: Of the bureau; the one of ``policy_for`` if None.
    """
    attacker = Attacker(plan=plan)
    with station_over(plan, attacker.held, seed_bytes, policy) as station:
        attacker.station = station
        yield attacker


def whole_budget(plan: Plan) -> int:
    """All that a session may cost, units of 1e-9 rho; 0 without protection."""
    return 0 if plan.privacy is None else allotment(plan.privacy, plan.max_leaves).total


def asking(centroids: Floats, radii: Floats | float, cost: int, phase: Phase = Phase.SEEDING) -> Question:
    """A question about centroids and radii in feature units."""
    words = to_grid(np.atleast_2d(centroids))
    reach = np.broadcast_to(to_grid(np.asarray(radii, np.float64)), (len(words),))
    return Question(phase=phase, centroids=words, radii=np.ascontiguousarray(reach), cost=cost)
