"""How a stream stands: its ticks, its clusters, what happened lately, what it costs; for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from common.errors import FedclaimsError
from common.model import Model
from common.stream.state import StreamState
from server.consortium.holding import Holding
from server.deployment.office import Office
from server.deployment.standing import console_of, time_of
from server.deployment.stream.begun import begun
from server.deployment.stream.costing import budget_told
from server.deployment.stream.deciding import looks_anew
from server.deployment.stream.timing import next_tick
from server.deployment.stream.windows import model_of, terms_of
from server.registry.stream import Begun
from server.registry.tick import Moment, Tick

Standing = dict[str, Any]
DAY_S = 86_400


def stands(office: Office) -> Standing:
    """What is known of the stream.

    Raises:
        InputError: If none was begun, or the configuration says nothing of one.
    """
    stream, ticks, now = begun(office), office.registry.ticks, office.clock()
    newest, published = ticks.newest(stream.name), ticks.newest_published(stream.name)
    model = None if published is None or published.version is None else model_of(office, published.version)
    wishes, part = office.registry.streams.wishes(), office.configuration.stream
    day = ticks.since(stream.name, now - DAY_S)
    return {
        "stream": stream.name,
        "every": stream.every,
        "paused": wishes.paused,
        "last": tick_told(newest[0]) if newest else None,
        "next": _moment_told(next_tick(stream, ticks.reached(stream.name), now)),
        "published": None if published is None else tick_told(published),
        "clusters": [] if model is None else clusters_told(model),
        "wishes": {"pins": {str(one): pin for one, pin in wishes.pins.items()}, "reseed": _anew(office, stream, model)},
        "events": [] if model is None or model.stream is None else _events(model.stream, day),
        "alarms": [dict(one.held) for one in office.registry.alerts.since(now - DAY_S)],
        "kept": ticks.counts(stream.name),
        "undelivered": office.registry.alerts.n_unposted() if part is not None and part.alerts_webhook else 0,
        "budget": None if model is None else budget_told(model.plan),
    }


def tick_told(tick: Tick) -> Standing:
    """A tick for programs."""
    return {
        "tick": tick.number,
        "since": tick.since,
        "closes": tick.closes,
        "outcome": str(tick.outcome),
        "run": tick.run,
        "version": tick.version,
        "reason": tick.reason,
    }


def clusters_told(model: Model) -> list[Standing]:
    """The clusters of a model with their identities; a count below the floor is None."""
    state = model.stream
    return [
        {
            "identity": one.identity,
            "count": shown.count,
            "born": one.born,
            "quarantined": one.quarantined,
            "pinned": one.pinned,
        }
        for one, shown in zip(state.clusters if state else (), model.clusters, strict=True)
    ]


def show(found: Standing) -> None:
    """A stream for people."""
    console, paused = console_of(), found["paused"]
    console.print(f"Stream {found['stream']}, every {found['every']} s" + (", paused" if paused else ""))
    console.print(f"Last tick: {in_words(found['last'])}")
    if found["published"] and found["published"] != found["last"]:
        console.print(f"Last published: {in_words(found['published'])}")
    console.print(f"Next tick: {found['next']['tick']} at {time_of(found['next']['closes'])}")
    if found["wishes"]["reseed"]:
        console.print("Clusters are looked for anew once enough claims are expected.")
    table = Table("cluster", "claims, older ones faded", "since tick", "standing", title="Clusters")
    for one in found["clusters"]:
        words = [word for word in ("quarantined", "pinned") if one[word]]
        table.add_row(str(one["identity"]), str(one["count"] or "-"), str(one["born"]), ", ".join(words) or "-")
    console.print(table)
    for one in found["events"]:
        console.print(
            f"tick {one['tick']}: {one['change']} of cluster {one['identity']} {one['others'] or ''}".rstrip()
        )
    show_alarms(found["alarms"])
    for reason, count in sorted(found["kept"].items(), key=lambda one: -one[1]):
        console.print(f"kept the old model {count} times: {reason}")
    if found["undelivered"]:
        console.print(f"{found['undelivered']} alerts have not arrived at the webhook yet")
    if found["budget"]:
        console.print(f"{found['budget']['en']}\n{found['budget']['zh']}")


def show_alarms(alarms: Sequence[Standing]) -> None:
    """Alarms for people."""
    console = console_of()
    for one in alarms:
        console.print(f"{time_of(one['closes'])} tick {one['tick']}: {one['en']}\n    {one['zh']}")


def in_words(tick: Standing | None) -> str:
    """A tick for people."""
    if tick is None:
        return "none yet"
    became = f"model version {tick['version']} was published" if tick["version"] else tick["outcome"]
    because = f": {tick['reason']}" if tick["reason"] else ""
    return f"{tick['tick']} at {time_of(tick['closes'])}, {became}{because}"


def _moment_told(moment: Moment) -> Standing:
    return {"tick": moment.number, "closes": moment.closes}


def _events(state: StreamState, day: Sequence[Tick]) -> list[Standing]:
    """What happened to clusters in the ticks of a day."""
    closes = {tick.number: tick.closes for tick in day}
    return [
        {
            "tick": one.window,
            "closes": closes[one.window],
            "change": str(one.change),
            "identity": one.identity,
            "others": list(one.others),
        }
        for one in state.events
        if one.window in closes
    ]


def _anew(office: Office, stream: Begun, model: Model | None) -> bool:
    """Whether clusters are to be looked for anew; not, where that cannot be said."""
    if model is None or model.stream is None:
        return False
    try:
        roster = Holding(office.place.consortium).roster(office.clock())
        return looks_anew(terms_of(office, stream.name, roster), model.stream, office.registry.streams.wishes())
    except FedclaimsError:
        return False
