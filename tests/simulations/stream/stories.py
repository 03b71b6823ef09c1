"""A stream that never was: a day and a half in three bureaus, made up by hand, with everything that can happen."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from common.plan import Plan
from common.stream.alarms import Alarm, AlarmKind, alarms_of
from common.stream.state import Change, Event, StreamCluster, StreamState
from simulations.stream.follower import base_plan
from simulations.stream.story import Quality, Spending, StreamStory, Tick
from simulations.world.happenings import Death, Happening, Merge, Outage, PriceRise, Surge

EVERY_S, N_TICKS = 1800, 72
OPENS = 1_736_121_600
"""Monday, 6 January 2025, midnight."""

BUREAUS = ("990101", "990102", "990103")
COMMAND = "fedclaims-simulate stream --hours 36 --every 1800 --seed 7"

HAPPENINGS: tuple[Happening, ...] = (
    Surge(group="PCI", begins=9.75, ends=12.0, per_hour=90, bureaus=(0,)),
    PriceRise(begins=14.0, ends=18.0, percent=12.0),
    Outage(bureau=2, begins=6.0, ends=8.0),
    Death(group="CATARACT", begins=20.0),
    Merge(group="DIABETES", into="HYPERTENSION", begins=24.0, ends=26.0),
    Surge(group="HYPERTENSION", begins=30.0, ends=31.0, per_hour=400, bureaus=(0, 1), hospitals=3),
)

EVENTS = (
    Event(window=14, change=Change.BIRTH, identity=7),
    Event(window=22, change=Change.CONFIRMED, identity=7),
    Event(window=44, change=Change.DEATH, identity=3),
    Event(window=53, change=Change.MERGE, identity=2, others=(5,)),
    Event(window=60, change=Change.SPLIT, identity=8, others=(1,)),
    Event(window=66, change=Change.BIRTH, identity=9),
)
TOLD = {
    21: (AlarmKind.SURGE_OF_OPERATIONS, {"operations": 36, "size": 6.4}),
    23: (AlarmKind.SURGE_OF_OPERATIONS, {"operations": 36, "size": 7.0}),
    24: (AlarmKind.SURGE_OF_OPERATIONS, {"operations": 13, "size": 5.2}),
    32: (AlarmKind.DRIFT, {"size": 9.1}),
    63: (AlarmKind.SURGE, {"identity": 2, "size": 12.3}),
    70: (AlarmKind.HELD, {"identity": 9}),
}
"""By window, besides what happens to clusters."""

KEPT = {
    1: "too few claims: feasibility index 2.1",
    2: "too few claims: feasibility index 3.9",
    40: "RoundLostError: the round could not be finished",
    41: "CohortError: 1 of 2 bureaus",
}


def plan() -> Plan:
    """Of the made-up stream."""
    return base_plan(4, 6, 1.0, 7)


@cache
def story() -> StreamStory:
    """All of it."""
    ticks = tuple(_ticks())
    return StreamStory(
        plan=plan(),
        every_s=EVERY_S,
        opens=OPENS,
        bureaus=BUREAUS,
        happenings=HAPPENINGS,
        ticks=ticks,
        spending=tuple(_spending(tick) for tick in ticks),
        command=COMMAND,
        seconds={"world": 3.21, "stream": 12.34, "report": 0.5},
    )


def empty() -> StreamStory:
    """A stream that ended before it began."""
    return replace(story(), ticks=(), spending=(), happenings=(), command="", seconds={})


def without_model() -> StreamStory:
    """A stream that never had claims enough."""
    ticks = tuple(
        replace(tick, state=None, alarms=(), quality=None, cell_counts={}, answered=(), kept_because=KEPT[1])
        for tick in story().ticks[:5]
    )
    return replace(story(), ticks=ticks, spending=story().spending[:5])


def _ticks() -> list[Tick]:
    ticks, before = list[Tick](), None
    for number in range(1, N_TICKS + 1):
        because = KEPT.get(number, "")
        after = before if because else _state(number)
        ticks.append(_tick(number, because, before, after))
        before = after
    return ticks


def _tick(number: int, because: str, before: StreamState | None, after: StreamState | None) -> Tick:
    asked = BUREAUS[:2] if 12 < number <= 16 else BUREAUS
    alarms = () if because or after is None else alarms_of(before, after)
    if number in TOLD:
        kind, details = TOLD[number]
        alarms += (Alarm(window=number, kind=kind, **details),)  # type: ignore[arg-type]
    fit = 1.02 + 0.002 * (number % 7)
    oracle = 0.4 + 0.01 * (number % 5)
    frozen = fit + 0.006 * max(number - 10, 0)
    quality = Quality(inertia=fit * oracle, oracle=oracle, frozen=frozen * oracle, riv=0.6 + 0.01 * (number % 4))
    return Tick(
        number=number,
        closes=OPENS + number * EVERY_S,
        n_claims=4000 + 900 * (number % 9),
        asked=asked,
        answered=() if because else asked if number % 11 else asked[:2],
        kept_because=because,
        state=after,
        alarms=alarms,
        quality=None if after is None else quality,
        cell_counts={} if after is None else {one.identity: one.count >> 20 for one in after.clusters},
        station_s=0.12,
        coordinator_s=0.03,
    )


def _state(number: int) -> StreamState:
    events = tuple(one for one in EVENTS if one.window <= number)
    living = dict.fromkeys(range(1, 7), False)
    for one in events:
        if one.change in {Change.BIRTH, Change.SPLIT, Change.CONFIRMED}:
            living[one.identity] = one.change is Change.BIRTH
        gone = (one.identity,) if one.change is Change.DEATH else one.others if one.change is Change.MERGE else ()
        for identity in gone:
            del living[identity]
    seeded = tuple(Event(window=3, change=Change.SEEDED, identity=identity) for identity in range(1, 7))
    clusters = tuple(_cluster(identity, number, held=held) for identity, held in living.items())
    return StreamState(window=number, seeded=3, clusters=clusters, next_identity=10, events=seeded + events)


def _cluster(identity: int, number: int, *, held: bool) -> StreamCluster:
    born = {one.identity: one.window for one in EVENTS if one.change in {Change.BIRTH, Change.SPLIT}}
    size = 9000 // (identity + 1) + 300 * ((number * identity) % 5)
    return StreamCluster(
        identity=identity,
        born=born.get(identity, 3),
        centroid=(identity * 1000, 0, 0, 0),
        radius=1 << 19,
        count=size << 20,
        square=1 << 20,
        quarantined=held,
        pinned=identity == 4,
    )


def _spending(tick: Tick) -> Spending:
    n = tick.number
    return Spending(
        epsilon=min(0.02 * n, 1.0),
        entered=4_000 * n,
        left_out={"edited": 3 * (n // 9), "spent": 0, "late": 12 * n},
        limit=4.0,
    )


def large() -> StreamStory:
    """Two days of windows of a minute, with 64 clusters, 60 bureaus and an alarm in every tenth window."""
    bureaus = tuple(f"99{place:04d}" for place in range(60))
    ticks, state = [], _many(64)
    for number in range(1, 2881):
        alarms = (Alarm(window=number, kind=AlarmKind.SURGE, identity=1, size=9.0),) if number % 10 == 0 else ()
        away = number // 97 % 60
        counts = {one: 100 + (number * one) % 37 for one in state.identities}
        ticks.append(
            replace(
                story().ticks[10],
                number=number,
                closes=OPENS + 60 * number,
                asked=bureaus,
                answered=(*bureaus[:away], *bureaus[away + 1 :]),
                state=state,
                cell_counts=counts,
                alarms=alarms,
            )
        )
    spending = tuple(replace(story().spending[0], epsilon=tick.number / 2880) for tick in ticks)
    return replace(story(), every_s=60, bureaus=bureaus, ticks=tuple(ticks), spending=spending)


def _many(n_clusters: int) -> StreamState:
    clusters = tuple(_cluster(identity, 1, held=identity % 9 == 0) for identity in range(1, n_clusters + 1))
    return StreamState(window=3, seeded=3, clusters=clusters, next_identity=n_clusters + 1)
