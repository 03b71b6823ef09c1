"""Inputs without end for a decoder: valid ones, damaged by a seeded generator, kept where they reach something new.

What is new is told by where an error comes from: its class and line, those of the errors behind it, and where a schema
speaks, the rule and the field.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType

from pydantic import ValidationError

from tests.common.mutations import damaged

LONGEST_INPUT = 1 << 16
LONGEST_S = 1.0
MOST_KEPT = 1500
FROM_KEPT = 0.5

Change = Callable[[bytes, random.Random], bytes]
Check = Callable[[bytes], None]


class WrongError(AssertionError):
    """Something was accepted that is not itself when written again, or that another reader refuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoder:
    """One way in.

    Attributes:
        name: For people.
        check: Reads bytes, and raises ``WrongError`` if what was accepted is not right.
        refusals: Exactly these classes are documented.
        seeds: Valid bytes.
        change: Damages with knowledge of the structure.
        share: Of a thousand inputs.
    """

    name: str
    check: Check
    refusals: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]
    change: Change
    share: int


def insist(right: bool, what: str) -> None:  # noqa: FBT001  a condition is what it takes
    if not right:
        raise WrongError(what)


@dataclass(slots=True)
class Figures:
    """What came of it; ``wrong`` must stay empty."""

    inputs: int = 0
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    kept: int = 0
    slowest_s: float = 0.0
    wrong: list[str] = field(default_factory=list)


def fuzz(decoder: Decoder, n_inputs: int, rng: random.Random) -> Figures:
    """Try so many inputs; every seed first."""
    figures, corpus, seen = Figures(), list(decoder.seeds), set[object]()
    for number in range(n_inputs):
        parents = corpus if rng.random() < FROM_KEPT else decoder.seeds
        held = corpus[number] if number < len(decoder.seeds) else _input(decoder, rng.choice(parents), rng)
        signal = _tried(decoder, held, figures)
        if signal not in seen and len(corpus) < MOST_KEPT:
            seen.add(signal)
            corpus.append(held)
    figures.kept = len(corpus) - len(decoder.seeds)
    return figures


def _input(decoder: Decoder, parent: bytes, rng: random.Random) -> bytes:
    held = _changed(decoder, parent, rng) if rng.random() < 0.6 else damaged(parent, rng)
    if rng.random() < 0.2:
        held = _changed(decoder, held, rng) if rng.random() < 0.5 else damaged(held, rng)
    return held[:LONGEST_INPUT]


def _changed(decoder: Decoder, held: bytes, rng: random.Random) -> bytes:
    """With knowledge of the structure, if there still is one."""
    try:
        return decoder.change(held, rng)
    except (ValueError, TypeError, RecursionError, OverflowError):
        return damaged(held, rng)


def seeded(name: str) -> random.Random:
    """The same inputs for the same name."""
    return random.Random(name)  # noqa: S311  nothing here is secret


def _tried(decoder: Decoder, held: bytes, figures: Figures) -> object:
    """What it came to; whatever must not happen is written down."""
    figures.inputs += 1
    begin, signal = time.thread_time(), object()
    try:
        decoder.check(held)
        figures.accepted += 1
        signal = ("accepted", len(held).bit_length())
    except Exception as error:  # noqa: BLE001  any other class is what is looked for
        signal = tuple(_signals(error))
        if isinstance(error, decoder.refusals):
            figures.refused[type(error).__name__] += 1
        else:
            figures.wrong.append(f"{decoder.name}: {type(error).__name__} {error!s:.200} on {held[:400]!r}")
    took = time.thread_time() - begin
    figures.slowest_s = max(figures.slowest_s, took)
    if took > LONGEST_S:
        figures.wrong.append(f"{decoder.name}: {took:.1f} s on {len(held)} bytes, {held[:400]!r}")
    return signal


def _signals(error: BaseException | None) -> Iterator[object]:
    """Class and line of an error and of those behind it; rule and field where a schema speaks."""
    while error is not None:
        yield type(error), _line(error.__traceback__)
        if isinstance(error, ValidationError):
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            yield first["type"], tuple(part for part in first["loc"] if isinstance(part, str))[:4]
        error = error.__cause__ or error.__context__


def _line(trace: TracebackType | None) -> int:
    line = 0
    while trace is not None:
        line, trace = trace.tb_lineno, trace.tb_next
    return line
