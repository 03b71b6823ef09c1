"""Following a stream: its models accepted as they come, where the policy allows it and every check passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from client.router.desk import Desk
from client.router.models.arriving import Arrived, take_arrivals
from client.router.models.canaries import CanaryError
from client.router.models.choosing import UnusableModelError, choose
from client.router.models.standing import Stance, Standing
from common.errors import InputError, RefusedError

NEEDED_FOR_RECORDS = "named by records"


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What became of a stream's models.

    Attributes:
        allowed: Whether the policy accepts anything without a person.
        accepted: The version that is in force now; None if nothing changed.
        waiting: The newest version that waits, and why it needs a person; None if none does.
        kept: How many versions are on the shelf, by the reason for it.
        pruned: How many were taken from it.
        arrived: What came from the station.
    """

    allowed: bool = True
    accepted: int | None = None
    waiting: tuple[int, str] | None = None
    kept: Mapping[str, int] = field(default_factory=dict)
    pruned: int = 0
    arrived: Arrived = field(default_factory=Arrived)


def follow(desk: Desk, now: int) -> Followed:
    """Take what has come, and accept the newest model of the stream in force, if the policy says so.

    Guarantees:
        * Without the policy's word nothing is accepted, and nothing taken from the shelf.
        * What a person has decided is not undone: the first model of a stream is a person's, a refused version stays
          refused, and after a roll-back the next one is a person's, too.
        * A version that moves too many canary claims, or that nothing can be decided with, waits for a person with the
          reason; it is not tried again.

    Raises:
        FedclaimsError: If policy, roster or shelf cannot be used.
    """
    if not desk.policy().accept_stream_models:
        return Followed(allowed=False)
    arrived = arrivals(desk, now)
    version, why = _candidate(desk, now)
    if version is not None and not why:
        why = _tried(desk, version, now)
    accepted = version if version is not None and not why else None
    pruned = prune(desk, now) if accepted is not None else 0
    waiting = None if version is None or not why else (version, why)
    return Followed(accepted=accepted, waiting=waiting, kept=kept(desk, now), pruned=pruned, arrived=arrived)


def arrivals(desk: Desk, now: int) -> Arrived:
    """What the station has got meanwhile; if it cannot be looked at, the reason."""
    directory = desk.configuration.models.arrivals
    if directory is None:
        return Arrived()
    try:
        return take_arrivals(desk.shelf, desk.place.within(directory), desk.trust(now), now)
    except (InputError, RefusedError) as error:  # what is on the shelf is used all the same
        return Arrived(refused={"all": str(error)})


def prune(desk: Desk, now: int) -> int:
    """Take from the shelf what nobody needs there; how many versions.

    Guarantees:
        * Every record still replays: what decided is in the router's store, or stays on the shelf.
    """
    standing = desk.shelf.standing()
    needed = _needed(desk, standing, now)
    passed = {v for one in standing.entries if (v := one.publication.version) < (standing.pinned or 0)}
    gone = passed - needed.keys()
    desk.shelf.prune(frozenset(gone))
    return len(gone)


def kept(desk: Desk, now: int) -> dict[str, int]:
    """How many versions are on the shelf, by the reason why they are needed."""
    standing = desk.shelf.standing()
    needed = _needed(desk, standing, now)
    return dict(Counter(needed.get(one.publication.version, "not needed") for one in standing.entries))


def _needed(desk: Desk, standing: Standing, now: int) -> dict[int, str]:
    found = standing.needed(now)
    for one in standing.entries:
        version = one.publication.version
        if version not in found and one.stance is Stance.ACCEPTED and not _stored(desk, one.publication.model_sha256):
            found[version] = NEEDED_FOR_RECORDS
    return found


def _stored(desk: Desk, model_sha256: str) -> bool:
    """Whether the store has the model, so that records can be replayed without the shelf."""
    try:
        desk.store.artefacts.get(model_sha256)
    except InputError:
        return False
    return True


def _candidate(desk: Desk, now: int) -> tuple[int | None, str]:
    """The newest version that waits, and why the policy may not accept it; empty if it may."""
    standing = desk.shelf.standing()
    waiting = [
        one
        for one in standing.entries
        if one.stance is Stance.WAITING
        and one.publication.version > (standing.pinned or 0)
        and one.publication.expires > now
    ]
    if not waiting:
        return None, ""
    newest = waiting[-1]
    version = newest.publication.version
    return version, newest.held_back or _persons_word(desk, standing, version)


def _persons_word(desk: Desk, standing: Standing, version: int) -> str:
    if standing.in_force is None:
        return "no model was accepted yet: a person accepts the first one"
    if standing.in_force != standing.pinned:
        return f"somebody went back to version {standing.in_force}: a person accepts the next one"
    streams = [desk.shelf.held(one).model.plan.window for one in (standing.in_force, version)]
    if streams[0] is None or streams[1] is None or streams[0].stream != streams[1].stream:
        return "it is of another stream than the model in force, or of none: a person accepts it"
    return ""


def _tried(desk: Desk, version: int, now: int) -> str:
    """Accept a version; or why it waits."""
    try:
        choose(desk, version, now, by_policy=True)
    except (CanaryError, UnusableModelError) as error:
        desk.shelf.hold_back(version, str(error), now)
        return str(error)
    except RefusedError as error:
        return str(error)
    return ""
