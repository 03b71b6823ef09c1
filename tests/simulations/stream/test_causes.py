"""Which alarm told of which happening."""

from __future__ import annotations

from dataclasses import replace

import pytest

from common.stream.alarms import Alarm, AlarmKind
from simulations.stream.causes import AFTERWARDS_H, causes, main_categories, tells, told
from simulations.stream.story import StreamStory
from simulations.world.groups import load_groups
from simulations.world.happenings import Death, Happening, Merge, Outage, PriceRise, Surge
from tests.simulations.stream.stories import EVERY_S, OPENS, story

BEGINS = 10.0
SURGE = Surge(group="PCI", begins=BEGINS, ends=11.0, per_hour=90, bureaus=(0,))
CATEGORY = 36


def with_alarms(happenings: tuple[Happening, ...], alarms: dict[float, AlarmKind], category: int = 36) -> StreamStory:
    """The story with nothing but these happenings, and alarms at the ends of windows, by hour."""
    ticks = []
    for tick in story().ticks:
        kind = alarms.get((tick.closes - OPENS) / 3600)
        operations = category if kind is AlarmKind.SURGE_OF_OPERATIONS else None
        found = () if kind is None else (Alarm(window=tick.number, kind=kind, operations=operations),)
        ticks.append(replace(tick, alarms=found))
    return replace(story(), happenings=happenings, ticks=tuple(ticks))


def minutes(happening: Happening, alarms: dict[float, AlarmKind], category: int = 36) -> float | None:
    found = told(with_alarms((happening,), alarms, category))[0]
    return None if found is None else found.minutes


def test_a_surge_is_told_by_the_first_alarm_of_its_main_category_or_of_unknown_claims() -> None:
    operations, unknown = AlarmKind.SURGE_OF_OPERATIONS, AlarmKind.SURGE_OF_UNKNOWN
    assert minutes(SURGE, {11.0: operations, 12.0: unknown}) == 60
    assert minutes(SURGE, {11.0: unknown, 12.0: operations}) == 60
    assert minutes(SURGE, {11.0: operations, 12.0: unknown}, category=37) == 120
    assert minutes(SURGE, {11.0: AlarmKind.SURGE, 12.0: AlarmKind.DRIFT}) is None


def test_no_alarm_counts_from_before_a_happening_or_from_long_after_a_surge() -> None:
    last = SURGE.ends + AFTERWARDS_H
    assert minutes(SURGE, {9.5: AlarmKind.SURGE_OF_UNKNOWN, BEGINS: AlarmKind.SURGE_OF_UNKNOWN}) is None
    assert minutes(SURGE, {last: AlarmKind.SURGE_OF_UNKNOWN}) == 60 * (last - BEGINS)
    assert minutes(SURGE, {last + EVERY_S / 3600: AlarmKind.SURGE_OF_UNKNOWN}) is None


@pytest.mark.parametrize(
    ("happening", "kinds"),
    [
        (PriceRise(begins=BEGINS, ends=12.0, percent=5.0), {AlarmKind.DRIFT}),
        (Death(group="PCI", begins=BEGINS), {AlarmKind.DEATH, AlarmKind.MERGE}),
        (Merge(group="PCI", into="CABG", begins=BEGINS, ends=12.0), {AlarmKind.DEATH, AlarmKind.MERGE}),
        (Outage(bureau=0, begins=BEGINS, ends=12.0), set()),
    ],
)
def test_each_sort_of_happening_is_told_by_its_own_alarms_alone(happening: Happening, kinds: set[AlarmKind]) -> None:
    assert {kind for kind in AlarmKind if minutes(happening, {30.0: kind}) == 60 * 20.0} == kinds
    assert tells(happening) == bool(kinds)


def test_an_alarm_counts_for_every_happening_that_it_speaks_of() -> None:
    other = Death(group="CATARACT", begins=12.0)
    made = with_alarms((Death(group="PCI", begins=10.0), other), {14.0: AlarmKind.DEATH, 15.0: AlarmKind.DEATH})
    assert causes(made) == {0: [(0, 240.0), (1, 120.0)]}


def test_the_main_category_is_that_of_the_most_frequent_operation() -> None:
    endoscopy = next(group for group in load_groups() if group.id == "ENDOSCOPY")
    assert max((share, code) for code, share in endoscopy.operations.items())[1].startswith("44")
    found = main_categories()
    assert (found["PCI"], found["ENDOSCOPY"]) == (CATEGORY, 44)
    assert found.keys() == {group.id for group in load_groups() if group.operations}
    assert "HYPERTENSION" not in found
