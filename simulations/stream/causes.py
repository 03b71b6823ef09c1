"""Which alarm was the first to tell of which happening: known inside a simulation alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from common.stream.alarms import Alarm, AlarmKind
from simulations.stream.story import StreamStory, Tick
from simulations.world.groups import load_groups
from simulations.world.happenings import Death, Happening, Merge, Outage, PriceRise, Surge

AFTERWARDS_H = 6.0
"""Hours after the end of a surge in which an alarm may still be about it."""

_ENDS = {AlarmKind.DEATH, AlarmKind.MERGE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The first alarm about a happening.

    Attributes:
        alarm: Its place among all alarms of the stream.
        minutes: From the moment the happening began to the end of the window that told of it.
    """

    alarm: int
    minutes: float


def all_alarms(story: StreamStory) -> tuple[tuple[Tick, Alarm], ...]:
    """Every alarm with its tick, in order."""
    return tuple((tick, alarm) for tick in story.ticks for alarm in tick.alarms)


def told(story: StreamStory) -> tuple[Told | None, ...]:
    """For each happening the first alarm that speaks of it, None where no alarm did or could.

    Guarantees:
        * No alarm counts that was raised before the happening began, nor for a surge long after it was over.
        * Whether an alarm has another cause as well is not known: it counts for every happening that it speaks of.
    """
    categories = main_categories()
    return tuple(_first(story, one, categories) for one in story.happenings)


def tells(happening: Happening) -> bool:
    """Whether an alarm could speak of it; an outage is seen in who answers."""
    return not isinstance(happening, Outage)


def main_categories() -> dict[str, int]:
    """Kind of claim to the category of its most frequent main operation; kinds without operations are left out."""
    return {
        group.id: int(max(group.operations, key=group.operations.__getitem__)[:2])
        for group in load_groups()
        if group.operations
    }


def _first(story: StreamStory, happening: Happening, categories: Mapping[str, int]) -> Told | None:
    begins = story.opens + 3600 * happening.begins
    speaks = _speaker(happening, categories)
    latest = _latest(story, happening)
    found = (
        Told(alarm=place, minutes=(tick.closes - begins) / 60)
        for place, (tick, alarm) in enumerate(all_alarms(story))
        if begins < tick.closes <= latest and speaks(alarm)
    )
    return next(found, None)


def _latest(story: StreamStory, happening: Happening) -> float:
    """A surge passes; all else stays as it has become."""
    if isinstance(happening, Surge):
        return story.opens + 3600 * (happening.ends + AFTERWARDS_H)
    return float("inf")


def _speaker(happening: Happening, categories: Mapping[str, int]) -> Callable[[Alarm], bool]:
    match happening:
        case Surge():
            category = categories.get(happening.group)
            return lambda alarm: _is_surge(alarm, category)
        case PriceRise():
            return lambda alarm: alarm.kind is AlarmKind.DRIFT
        case Death() | Merge():
            return lambda alarm: alarm.kind in _ENDS
        case Outage():
            return lambda _: False


def _is_surge(alarm: Alarm, category: int | None) -> bool:
    if alarm.kind is AlarmKind.SURGE_OF_OPERATIONS:
        return category is not None and alarm.operations == category
    return alarm.kind is AlarmKind.SURGE_OF_UNKNOWN


def causes(story: StreamStory) -> dict[int, list[tuple[int, float]]]:
    """Place of an alarm to places of the happenings that it was the first to tell of, with the minutes since."""
    found: dict[int, list[tuple[int, float]]] = {}
    for place, one in _known(story):
        found.setdefault(one.alarm, []).append((place, one.minutes))
    return found


def _known(story: StreamStory) -> Iterator[tuple[int, Told]]:
    for place, one in enumerate(told(story)):
        if one is not None:
            yield place, one
