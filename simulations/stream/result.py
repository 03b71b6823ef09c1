"""What ``result.json`` of a stream holds: all that a script would want."""

from __future__ import annotations

from dataclasses import asdict

from simulations.report.texts import Catalogue, load_catalogue
from simulations.stream.causes import all_alarms, causes, told
from simulations.stream.figures import figures_of, frozen_ratio
from simulations.stream.kept import kept
from simulations.stream.lineage import living
from simulations.stream.saying import Names, clock, ends, kinds_of_claims, said, sort_of
from simulations.stream.story import Spending, StreamStory, Tick

SCHEMA = "fedclaims/stream/1"
TEXTS = "simulations.stream.report"


def result_of(story: StreamStory) -> dict[str, object]:
    """The result of a stream, ready for JSON.

    Guarantees:
        * No claims of one cluster and one window are counted in it: shares of clusters are the released, noisy ones.
        * The same story gives the same result, keys in the same order.
    """
    texts, names = load_catalogue(TEXTS), kinds_of_claims()
    return {
        "schema": SCHEMA,
        "command": story.command,
        **_terms(story),
        "figures": figures_of(story),
        "happenings": _happenings(story, names, texts),
        "alarms": _alarms(story),
        "clusters": [asdict(one) for one in living(story)],
        "spending": None if not story.spending else _spending(story.spending[-1]),
        "ticks": [_tick(place, tick, story) for place, tick in enumerate(story.ticks)],
        "seconds": {name: round(value, 3) for name, value in story.seconds.items()},
    }


def _terms(story: StreamStory) -> dict[str, object]:
    plan = story.plan
    privacy = None if plan.privacy is None else plan.privacy.guarantee
    return {
        "protection": str(plan.protection),
        "unit": None if privacy is None else str(privacy.unit),
        "epsilon_of_window": None if privacy is None else privacy.epsilon,
        "delta": None if privacy is None else privacy.delta,
        "seed": plan.seed,
        "bureaus": list(story.bureaus),
        "opens": story.opens,
        "every_s": story.every_s,
    }


def _happenings(story: StreamStory, names: Names, texts: Catalogue) -> list[dict[str, object]]:
    found = []
    for place, (one, first) in enumerate(zip(story.happenings, told(story), strict=True)):
        words = said(one, story.bureaus, names, texts)
        found.append(
            {
                "number": place + 1,
                "sort": sort_of(one),
                "begins_hour": one.begins,
                "ends_hour": ends(one),
                "en": words.en,
                "zh": words.zh,
                "alarm": None if first is None else first.alarm + 1,
                "minutes": None if first is None else first.minutes,
            }
        )
    return found


def _alarms(story: StreamStory) -> list[dict[str, object]]:
    known = causes(story)
    return [
        {
            "number": place + 1,
            "window": tick.number,
            "closes": tick.closes,
            "kind": alarm.kind.name.lower(),
            "identity": alarm.identity,
            "others": list(alarm.others),
            "operations": alarm.operations,
            "size": alarm.size,
            "en": alarm.sentence(),
            "zh": alarm.sentence(chinese=True),
            "happenings": [{"number": one + 1, "minutes": minutes} for one, minutes in known.get(place, [])],
        }
        for place, (tick, alarm) in enumerate(all_alarms(story))
    ]


def _spending(one: Spending) -> dict[str, object]:
    return {"epsilon": one.epsilon, "limit": one.limit, "entered": one.entered, "left_out": dict(one.left_out)}


def _tick(place: int, tick: Tick, story: StreamStory) -> dict[str, object]:
    reason, quality = kept(tick.kept_because), tick.quality
    return {
        "number": tick.number,
        "closes": tick.closes,
        "clock": clock(tick.closes),
        "claims": tick.n_claims,
        "asked": len(tick.asked),
        "answered": list(tick.answered),
        "published": reason is None,
        "kept": None if reason is None else str(reason),
        "kept_because": tick.kept_because,
        "clusters": 0 if tick.state is None else len(tick.state.clusters),
        "quarantined": 0 if tick.state is None else sum(one.quarantined for one in tick.state.clusters),
        "inertia": None if quality is None else quality.inertia,
        "oracle": None if quality is None else quality.oracle,
        "ratio": None if quality is None else quality.ratio,
        "frozen_ratio": None if quality is None else frozen_ratio(quality),
        "riv_log_cost": None if quality is None else quality.riv,
        "epsilon": story.spending[place].epsilon if place < len(story.spending) else None,
        "station_s": tick.station_s,
        "coordinator_s": tick.coordinator_s,
    }
