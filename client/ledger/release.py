"""What a release is called and what it costs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from common.accounting.guarantee import Neighbouring, Unit

MAX_RHO = 10**15
"""A million rho: above it a figure is a slip."""

SESSION_BYTES = 16

FINGERPRINT = r"^[0-9a-f]{64}$"
DATA_VERSION = r"^[A-Za-z0-9._-]{1,64}$"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseId:
    """One answer to one question.

    A later attempt of a round is the same release: it gets the same bytes, whoever is in the cohort by then.

    Attributes:
        session: 16 bytes, as in messages.
        fingerprint: Of the plan.
        round: From 1.
        question: SHA-256 of all that determines the answer but the claims (phase, centroids, radii), hexadecimal.
    """

    session: bytes
    fingerprint: str
    round: int
    question: str

    def __post_init__(self) -> None:
        """Refuse what no entry can hold."""
        whole = len(self.session) == SESSION_BYTES and self.round >= 1
        if not (whole and re.fullmatch(FINGERPRINT, self.fingerprint) and re.fullmatch(FINGERPRINT, self.question)):
            msg = "a release is named by 16 bytes, two SHA-256 in hexadecimal, and a round from 1"
            raise ValueError(msg)

    @property
    def place(self) -> tuple[str, str, int]:
        """Session, plan and round: where at most one release can be."""
        return self.session.hex(), self.fingerprint, self.round


class WindowCharge(BaseModel):
    """What a charge says besides, where a release is about a window of a stream.

    Attributes:
        stream: 32 hexadecimal digits.
        number: Of the window.
        cap: The most that any one protected unit has been charged for windows in 366 days once this one is entered,
            units of 1e-9 rho. Whoever would exceed it was left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    stream: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    number: Annotated[int, Field(ge=1, lt=2**31)]
    cap: Annotated[int, Field(ge=1, le=MAX_RHO)]

    @property
    def data_version(self) -> str:
        """The claims of one window are a data version of their own."""
        return f"w-{self.stream[:8]}-{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """The price of a release.

    Attributes:
        rho: Zero-concentrated differential privacy, units of ``1e-9``, rounded up by whoever computed it.
        unit: Whose presence is hidden.
        neighbouring: Which data sets are made alike.
        data_version: The bureau's own name for the claims that were asked; letters, digits, ``. _ -`` only.
        window: Where the release is about a window; None where it is about all claims.
    """

    rho: int
    unit: Unit
    neighbouring: Neighbouring
    data_version: str
    window: WindowCharge | None = None

    def __post_init__(self) -> None:
        """Refuse what no entry can hold."""
        if not 1 <= self.rho <= MAX_RHO:
            msg = f"a charge is between 1 and {MAX_RHO} units of 1e-9 rho"
            raise ValueError(msg)
        if not re.fullmatch(DATA_VERSION, self.data_version):
            msg = "a data version has 1 to 64 letters, digits, dots, dashes or underscores"
            raise ValueError(msg)
