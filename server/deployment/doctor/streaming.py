"""Checks of the stream: whether its plan can be asked window by window, and whether people can be told of it."""

from __future__ import annotations

from collections.abc import Iterator

from server.consortium.holding import ROSTER_FILE, Holding
from server.deployment.configuration import Configuration
from server.deployment.doctor.findings import Finding, fault, fine, warning
from server.deployment.office import Office
from server.deployment.opening import database_of
from server.deployment.place import Place
from server.deployment.stream.begun import insist_worth
from server.deployment.stream.webhook import webhook_of
from server.deployment.stream.windows import terms_of
from server.registry.registry import Registry
from server.registry.stream import Begun

NOBODY = "0" * 32


def stream(place: Place, configuration: Configuration, now: int) -> Iterator[Finding]:
    """Whether the stream's plan protects, has bureaus enough, and is worth asking; nothing without [stream]."""
    part = configuration.stream
    if part is None:
        return
    office = _office(place, configuration, now)
    if office.registry.streams.begun() is None:
        yield warning("stream", "[stream] is there, and none was begun", "fedclaims-coordinator stream init")
    if not (place.consortium / ROSTER_FILE).exists():
        return
    terms = terms_of(office, NOBODY, Holding(place.consortium).roster(now))
    if terms.n_bureaus < terms.base.min_cohort:
        said = f"the roster lists {terms.n_bureaus} bureaus, the stream's plan needs {terms.base.min_cohort}"
        yield warning(
            "stream's bureaus", said, "list more with `roster add`; until then every tick keeps the old model"
        )
        return
    insist_worth(office, Begun(name=NOBODY, began=now, every=part.every))
    yield fine("stream's plan", f"{terms.base.name!r}, every {part.every} s, {terms.n_bureaus} bureaus")


def webhook(place: Place, configuration: Configuration, now: int) -> Iterator[Finding]:
    """Whether alerts can be posted: asked with HEAD, nothing is posted."""
    part = configuration.stream
    found = None if part is None else webhook_of(_office(place, configuration, now), part)
    if found is None:
        yield fault("webhook", "no webhook is named", "say alerts_webhook under [stream]")
        return
    found.look()
    yield fine("webhook", "it answers under a certificate that counts")


def _office(place: Place, configuration: Configuration, now: int) -> Office:
    registry = Registry(database_of(place, configuration))
    return Office(place=place, configuration=configuration, registry=registry, clock=lambda: now)
