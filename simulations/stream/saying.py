"""What happened in the world in words, in both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from simulations.report.texts import Catalogue, Text, Value, same
from simulations.world.groups import Name, group_names, load_groups
from simulations.world.happenings import Death, Happening, Merge, Outage, PriceRise, Span, Surge

Names = Mapping[str, Name]


def kinds_of_claims() -> Names:
    """Names of the kinds of claims of the generated world, by id."""
    return group_names(load_groups())


def sort_of(happening: Happening) -> str:
    """Under which key its texts stand; a surge in one hospital of one bureau is a burst."""
    match happening:
        case Surge(hospitals=1, bureaus=(_,)):
            return "burst"
        case Surge():
            return "surge"
        case PriceRise():
            return "price_rise" if happening.percent >= 0 else "price_fall"
        case Death():
            return "death"
        case Merge():
            return "merge"
        case Outage():
            return "outage"


def ends(happening: Happening) -> float | None:
    """Hours after which it is over; None where it never is."""
    return happening.ends if isinstance(happening, Span) else None


def said(happening: Happening, bureaus: Sequence[str], names: Names, texts: Catalogue) -> Text:
    """A sentence about it."""
    return texts.plain(f"happened.{sort_of(happening)}", **_values(happening, bureaus, names))


def briefly(happening: Happening, bureaus: Sequence[str], names: Names, texts: Catalogue) -> Text:
    """A few words about it."""
    return texts.plain(f"happened_brief.{sort_of(happening)}", **_values(happening, bureaus, names))


def clock(second: float) -> str:
    """Day and minute on the claims' own clock; the same in both languages."""
    return datetime.fromtimestamp(second, UTC).strftime("%m-%d %H:%M")


def named(group: str, names: Names) -> Text:
    """A kind of claim by its name, or by its id where it has none."""
    name = names.get(group)
    return same(group) if name is None else Text(en=name.en, zh=name.zh)


def _values(happening: Happening, bureaus: Sequence[str], names: Names) -> dict[str, Value]:
    match happening:
        case Surge():
            where = [bureaus[place] for place in happening.bureaus]
            rate = f"{happening.per_hour:,.0f}"
            return {"group": named(happening.group, names), "rate": rate, "n": len(where), "bureau": where[0]}
        case PriceRise():
            return {"percent": f"{abs(happening.percent):g}"}
        case Death():
            return {"group": named(happening.group, names)}
        case Merge():
            return {"group": named(happening.group, names), "into": named(happening.into, names)}
        case Outage():
            return {"bureau": bureaus[happening.bureau]}
