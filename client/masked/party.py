"""Everything a bureau brings to masked sums, whatever the session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.ledger.ledger import Clock, Ledger
from client.masked.terms import Consortium
from client.policy import Policy
from client.releasing import Releases
from common.noise.randomness import RandomBytes
from common.private.question import Question

RawWords = Callable[[Question], npt.NDArray[np.int64]]
"""Computes a bureau's answer, before noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A bureau.

    Attributes:
        name: In messages, and in the roster.
        consortium: Who it is and whom it knows.
        policy: Its limits.
        ledger: Open, of this bureau.
        releases: Pays for answers and adds their noise.
        random_bytes: For the secrets of sessions: ``os.urandom``.
        clock: Says what time it is.
    """

    name: str
    consortium: Consortium
    policy: Policy
    ledger: Ledger
    releases: Releases
    random_bytes: RandomBytes
    clock: Clock
