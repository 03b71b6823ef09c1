"""What the false coordinator does next: a seeded walk over everything it may try."""

from __future__ import annotations

import random
from dataclasses import replace

from common.masking.context import Context
from tests.common.masking.adversary import STRANGER, Attack, Outcome, Sides
from tests.common.masking.bureaus import memberships


def episode(rng: random.Random, sides: Sides = Sides()) -> Attack:  # noqa: B008  frozen
    """A session played to its end."""
    attack = Attack.drawn(rng, sides)
    for _ in range(rng.randint(3, 9)):
        rng.choices((push, invite, split, ask, restart), (9, 3, 3, 3, 2))[0](attack)
    return attack


def outcome(rng: random.Random, sides: Sides = Sides()) -> Outcome:  # noqa: B008  frozen
    return episode(rng, sides).outcome()


def push(attack: Attack, context: Context | None = None) -> None:
    """Try to carry a context through, as an honest coordinator would, or nearly."""
    context = context or drawn_context(attack)
    called = attack.invite(context, most(attack, [name for name in context.cohort if name in attack.honest]))
    if called is None:
        return
    survivors = drawn_survivors(attack, called, context)
    willing = most(attack, [name for name in attack.honest if name in survivors or attack.rng.random() < 0.1])
    attack.show(called, survivors, attack.digests(called, survivors), willing)
    reveal(attack, called, most(attack, willing))


def invite(attack: Attack) -> None:
    context = drawn_context(attack)
    attack.invite(context, some(attack, [name for name in context.cohort if name in attack.honest]))


def split(attack: Attack) -> None:
    """Show different survivors of one context to different bureaus, so that one in both sees this or that."""
    if not attack.contexts:
        return
    called, context = attack.rng.choice(attack.contexts[-4:])
    one, other, same_digests = two_survivors(attack, called, context)
    digests = attack.digests(called, one)
    other_digests = digests if same_digests else attack.digests(called, other)
    to_one = 0.0 if same_digests else attack.rng.choice([0.0, 0.5])
    for name in attack.honest:
        first = name in one and (name not in other or attack.rng.random() < to_one)
        attack.show(called, *((one, digests) if first else (other, other_digests)), [name])
    reveal(attack, called, most(attack, attack.honest))


def ask(attack: Attack) -> None:
    if attack.contexts:
        called, _ = attack.rng.choice(attack.contexts[-4:])
        reveal(attack, called, most(attack, attack.honest))


def restart(attack: Attack) -> None:
    """And mostly go on with what was under way."""
    attack.restart(most(attack, attack.honest))
    if attack.contexts and attack.rng.random() < 0.7:
        push(attack, attack.rng.choice(attack.contexts[-2:])[1])


def reveal(attack: Attack, called: bytes, names: list[str]) -> None:
    """With what each has confirmed last in this context; now and then any context, with what was confirmed in any."""
    anything = attack.rng.random() < 0.25
    if anything:
        called, _ = attack.rng.choice([*attack.contexts[-4:], attack.contexts[-1]])
    for name in names:
        if here := [each for each in attack.shown[name] if anything or each[0] == called]:
            attack.ask(called, name, here[-1])


def drawn_context(attack: Attack) -> Context:
    """The next round, the next attempt, an old context again, or one that differs from it in one thing."""
    rng = attack.rng
    if not attack.contexts:
        return _first(attack)
    _, last = attack.contexts[-1]
    _, old = rng.choice(attack.contexts[-4:])
    kind = rng.choices(("round", "attempt", "old", "cohort", "model", "parameters"), (5, 6, 3, 3, 1, 1))[0]
    if kind == "round":
        return replace(last, round=last.round + 1, attempt=1, cohort=drawn_cohort(attack))
    if kind == "attempt":
        return replace(last, attempt=last.attempt + 1, cohort=rng.choice([last.cohort, drawn_cohort(attack)]))
    if kind == "cohort":
        return replace(old, cohort=drawn_cohort(attack))
    return old if kind == "old" else replace(old, **{kind: rng.randbytes(1)})


def _first(attack: Attack) -> Context:
    session = memberships(attack.n_bureaus, attack.at_least)["b000"].session
    return Context(session=session, round=1, attempt=1, cohort=drawn_cohort(attack), model=b"", parameters=b"")


def drawn_cohort(attack: Attack) -> tuple[str, ...]:
    """Mostly everybody or all but one; sometimes too few, sometimes with a stranger."""
    rng, names = attack.rng, list(attack.names)
    least = max(2, attack.at_least - 1)
    size = rng.choice([len(names), len(names), max(least, len(names) - 1), rng.randint(least, len(names))])
    stranger = [STRANGER] if rng.random() < 0.05 else []
    return tuple(sorted([*rng.sample(names, size), *stranger]))


def drawn_survivors(attack: Attack, called: bytes, context: Context) -> list[str]:
    """Those who answered and the colluders, or as few as will do, or one too few, or the same as some time ago."""
    there = [name for name in context.cohort if name in attack.colluding or (name, called) in attack.given]
    before = [each[1] for shown in attack.shown.values() for each in shown if set(each[1]) <= set(there)]
    if before and attack.rng.random() < 0.25:
        return list(attack.rng.choice(before))
    least = min(len(there), max(1, attack.at_least - (attack.rng.random() < 0.1)))
    size = attack.rng.choice([len(there), least, attack.rng.randint(least, len(there))])
    return sorted(attack.rng.sample(there, size))


def two_survivors(attack: Attack, called: bytes, context: Context) -> tuple[list[str], list[str], bool]:
    """Two sets; if it is said so, a colluder takes in the second the place and the digest of a bureau of the first.

    Often the second is the first without a bureau that is told it survives, while the others are told it is lost.
    """
    one = drawn_survivors(attack, called, context)
    kind = attack.rng.random()
    if kind < 0.3 and (swapped := _swapped(attack, called, context, one)):
        return *attack.rng.choice(swapped), True
    if kind < 0.6 and one:
        lost = attack.rng.choice(one)
        return one, [name for name in one if name != lost], False
    return one, drawn_survivors(attack, called, context), False


def _swapped(attack: Attack, called: bytes, context: Context, one: list[str]) -> list[tuple[list[str], list[str]]]:
    honest = [name for name in context.cohort if (name, called) in attack.given]
    crooks = attack.colluding.intersection(context.cohort)
    return [
        (first, second)
        for crook in sorted(crooks)
        for name in honest
        if (first := sorted({*one, name} - {crook})) and (second := sorted({*one, crook} - {name}))
        if len(first) == len(second) and first.index(name) == second.index(crook)
    ]


def most(attack: Attack, names: list[str]) -> list[str]:
    """All of them, half of the time; else all but a few."""
    if attack.rng.random() < 0.5:
        return names
    return [name for name in names if attack.rng.random() < 0.8]


def some(attack: Attack, names: list[str]) -> list[str]:
    return [name for name in names if attack.rng.random() < attack.rng.choice([0.3, 0.6, 1.0])]
