"""What follows from masked words once some masks are known: exact linear algebra, no statistics.

Every masked vector is one unknown input plus or minus masks. Whoever holds several of them can compute exactly those
combinations of inputs in which all unknown masks cancel. They are found by elimination over a prime field and must be
sums of one round over enough honest bureaus, no input in two of them; anything else is a leak.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

PRIME = 2**61 - 1

Vector: TypeAlias = dict[Hashable, int]
"""Coefficients modulo ``PRIME``, none of them zero."""


@dataclass(frozen=True, slots=True)
class Input:
    """What a bureau says in a round when asked a question."""

    bureau: str
    round: int
    question: Hashable


@dataclass(frozen=True, slots=True)
class Seen:
    """Masked words: an input, and the signs of its masks by name."""

    input: Input
    masks: Mapping[bytes, int]


@dataclass(frozen=True, slots=True)
class Derived:
    """A combination of inputs that follows, and the masked words (by place) that it is made of."""

    inputs: Mapping[Input, int]
    made_of: Mapping[int, int]


def derived(seen: Sequence[Seen], known: Iterable[bytes]) -> list[Derived]:
    """A reduced basis of all combinations of inputs that follow from what was seen and the masks that are known."""
    known = frozenset(known)
    unknown = {
        place: {name: sign for name, sign in each.masks.items() if name not in known} for place, each in enumerate(seen)
    }
    _drop_alone(unknown)
    rows: list[Vector] = [
        {("mask", name): sign % PRIME for name, sign in masks.items()} | {place: 1} for place, masks in unknown.items()
    ]
    free = [row for row in _eliminated(rows, tuple)[1] if row]
    inputs = [_with_inputs(row, seen) for row in free]
    basis, _ = _eliminated(inputs, Input)
    return [_split(row) for row in _reduced(basis)]


def leaks(found: Sequence[Derived], at_least: int) -> list[Derived]:
    """Those that are no sum of one round over ``at_least`` bureaus, or share a bureau's round with another."""
    used = Counter((each.bureau, each.round) for one in found for each in one.inputs)
    return [
        one
        for one in found
        if not _is_sum(one, at_least) or any(used[each.bureau, each.round] > 1 for each in one.inputs)
    ]


def _is_sum(one: Derived, at_least: int) -> bool:
    rounds = {each.round for each in one.inputs}
    return len(rounds) == 1 and len(set(one.inputs.values())) == 1 and len(one.inputs) >= at_least


def _drop_alone(unknown: dict[int, dict[bytes, int]]) -> None:
    """Masked words with a mask that nothing else has are in no combination; without them others may stand alone."""
    while True:
        count = Counter(name for masks in unknown.values() for name in masks)
        alone = [place for place, masks in unknown.items() if any(count[name] == 1 for name in masks)]
        if not alone:
            return
        for place in alone:
            del unknown[place]


def _with_inputs(row: Vector, seen: Sequence[Seen]) -> Vector:
    """The inputs in a combination of masked words, next to the places it is made of."""
    total = dict(row)
    for place, factor in row.items():
        _add(total, {seen[place].input: 1}, factor)  # type: ignore[index]
    return total


def _eliminated(rows: Iterable[Vector], kind: type) -> tuple[list[tuple[Hashable, Vector]], list[Vector]]:
    """Rows with a pivot among the keys of a kind, and what is left of the others: no key of that kind."""
    pivots: list[tuple[Hashable, Vector]] = []
    left = []
    for given in rows:
        row = dict(given)
        for pivot, other in pivots:
            if pivot in row:
                _add(row, other, -row[pivot])
        pivot = next((key for key in row if isinstance(key, kind)), None)
        if pivot is None:
            left.append(row)
        else:
            pivots.append((pivot, _scaled(row, pow(row[pivot], -1, PRIME))))
    return pivots, left


def _reduced(pivots: list[tuple[Hashable, Vector]]) -> list[Vector]:
    """The same space, with every pivot in one row alone."""
    rows = [dict(row) for _, row in pivots]
    for later in range(len(rows) - 1, -1, -1):
        pivot = pivots[later][0]
        for earlier in range(later):
            if pivot in rows[earlier]:
                _add(rows[earlier], rows[later], -rows[earlier][pivot])
    return rows


def _add(total: Vector, other: Vector, factor: int) -> None:
    for key, value in other.items():
        if changed := (total.get(key, 0) + factor * value) % PRIME:
            total[key] = changed
        else:
            total.pop(key, None)


def _scaled(row: Vector, factor: int) -> Vector:
    return {key: value * factor % PRIME for key, value in row.items()}


def _split(row: Vector) -> Derived:
    inputs = {key: _signed(value) for key, value in row.items() if isinstance(key, Input)}
    return Derived(inputs, {key: _signed(value) for key, value in row.items() if isinstance(key, int)})


def _signed(value: int) -> int:
    return value if value <= PRIME // 2 else value - PRIME
