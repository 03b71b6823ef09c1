"""The context: everything that both ends of a pair must agree on before their masks cancel."""

from __future__ import annotations

from dataclasses import dataclass

from common.consortium.encoding import hashed
from common.errors import MessageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One attempt of one round.

    Attributes:
        session: Digest of the session.
        round: From 1.
        attempt: From 1.
        cohort: Bureaus that are asked, sorted, each once.
        model: Digest of what is asked: phase, centroids, radii, cost.
        parameters: Digest of what else determines the answer's form: the plan, the number of words.
    """

    session: bytes
    round: int
    attempt: int
    cohort: tuple[str, ...]
    model: bytes
    parameters: bytes

    def __post_init__(self) -> None:
        """Refuse a cohort with two spellings, and counters below 1.

        Raises:
            MessageError: If it is not sorted, or names a bureau twice, or a counter is below 1.
        """
        if self.round < 1 or self.attempt < 1:
            msg = "rounds and attempts are counted from 1"
            raise MessageError(msg)
        if tuple(sorted(set(self.cohort))) != self.cohort:
            msg = "a cohort names every bureau once, in order"
            raise MessageError(msg)

    @property
    def digest(self) -> bytes:
        """32 bytes in everything that is derived, signed or opened in this attempt."""
        return hashed("context", self.session, self.round, self.attempt, list(self.cohort), self.model, self.parameters)
