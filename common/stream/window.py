"""A window: the slice of a stream of claims that one run asks about."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from common.stream.state import StreamState

LATEST = 2**40
"""Seconds since 1970; later is a slip."""


class Window(BaseModel):
    """What a run asks about: all claims that a bureau received before it closes and has not entered in a window yet.

    A bureau enters each claim into one window at most, whoever asks and whatever stream. So what two windows release
    is about different claims, and a window that a bureau has missed is made up for in its next one.

    Attributes:
        stream: 32 hexadecimal digits; who goes on with a stream keeps its name.
        number: From 1, rising; numbers may be left out.
        closes: Seconds since 1970. Claims that were received at this second or later are for a later window.
        state: Believed before; None where the run looks for clusters from scratch.
        reseeds: Whether clusters are looked for from scratch all the same, and take over identities of the state.
        memory: What earlier windows weigh in the next one, per mille.
        fewest_bureaus: A new cluster stays in quarantine until it was seen in so many bureaus.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    stream: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    number: Annotated[int, Field(ge=1, lt=2**31)]
    closes: Annotated[int, Field(ge=0, lt=LATEST)]
    state: StreamState | None = None
    reseeds: bool = False
    memory: Annotated[int, Field(ge=0, le=990)] = 700
    fewest_bureaus: Annotated[int, Field(ge=1, le=1000)] = 2

    @property
    def goes_on(self) -> StreamState | None:
        """The state that one round goes on from; None where clusters are looked for."""
        return None if self.reseeds else self.state
