"""Accepting a model: canary claims are decided under the old and the new one before it comes into force."""

from __future__ import annotations

import numpy as np

from client.router.bench import Bench
from client.router.claims import RoutedClaims
from client.router.desk import Desk
from client.router.files import routed
from client.router.lone.ready import get_ready
from client.router.models.canaries import CanaryError, Moves, insist_steady, moves
from client.router.models.shelf import Held
from client.router.registers import Registers
from client.router.rules.history import History
from common.errors import FedclaimsError, RefusedError

AT_ONCE = 16_384


class UnusableModelError(RefusedError):
    """This software cannot decide with the model; the one in force stays, and the coordinator should be told."""


def choose(desk: Desk, version: int, now: int, *, by_policy: bool = False) -> Moves | None:
    """Put a version in force, if it moves no more canary claims than the policy allows.

    Guarantees:
        * Before it is pinned, everything was loaded and it has decided about an example.
        * Without a person, it also moves no more since the last version that a person has accepted: many small steps
          are no way around the limit.

    Args:
        desk: Of the router.
        version: On the shelf.
        now: Unix seconds.
        by_policy: Whether no person has asked for it.

    Returns:
        How lanes moved; None if there was no model before.

    Raises:
        PublicationError: If it may not be used.
        ModelChoiceError: If the bureau refused it before.
        CanaryError: If too many lanes would move.
        UnusableModelError: If nothing can be decided with it.
    """
    trust, standing = desk.trust(now), desk.shelf.standing()
    before, found = standing.in_force, None
    insist_decides(desk, version, now)
    if before is not None and before != version:
        found = canary_moves(desk, desk.shelf.held(before), desk.shelf.held(version), now)
        insist_steady(found, desk.policy().max_canary_moves)
    if by_policy:
        _insist_steady_since_a_person(desk, standing.by_person, version, now)
    desk.shelf.accept(version, trust, now, by_policy=by_policy)
    return found


def _insist_steady_since_a_person(desk: Desk, anchor: int | None, version: int, now: int) -> None:
    if anchor is None:
        raise CanaryError(
            "nobody knows which version a person accepted last: accept this one, then the policy may go on"
        )
    if anchor != version:
        found = canary_moves(desk, desk.shelf.held(anchor), desk.shelf.held(version), now)
        insist_steady(found, desk.policy().max_canary_moves)


def go_back(desk: Desk, version: int, now: int) -> None:
    """Put a version in force again that was accepted before, once it has decided about an example.

    Raises:
        PublicationError: If it may not be used any more.
        ModelChoiceError: If it was never accepted.
        UnusableModelError: If nothing can be decided with it.
    """
    insist_decides(desk, version, now)
    desk.shelf.roll_back(version, desk.trust(now), now)


def insist_decides(desk: Desk, version: int, now: int) -> None:
    """Nothing, if the bench of a version can be set up and decides.

    Raises:
        FedclaimsError: If a file needs mending.
        UnusableModelError: If this software cannot decide with the model.
    """
    try:
        get_ready(desk.bench(version, now))
    except FedclaimsError:
        raise
    except Exception as error:  # noqa: BLE001  whatever it is, the version in force must stay
        msg = (
            f"nothing can be decided with model version {version} here ({type(error).__name__}): the one in force "
            "stays; tell the coordinator"
        )
        raise UnusableModelError(msg) from None


def canary_moves(desk: Desk, before: Held, after: Held, now: int) -> Moves:
    """How the canaries' lanes move between two models; what rules remember of other claims does not count.

    That the earlier one has expired meanwhile moves no lane: only what the new one does differently is compared.
    """
    old, new, then = desk.bench_of(before, now), desk.bench_of(after, now), min(now, before.publication.expires - 1)
    source = desk.canaries()
    lanes: tuple[list[str], list[str]] = ([], [])
    if source is not None:
        for found in desk.ingest(source):
            claims = routed(found, Registers())
            for start in range(0, len(claims), AT_ONCE):
                some = claims.select(np.arange(start, min(start + AT_ONCE, len(claims))))
                lanes[0].extend(_lanes(old, some, then))
                lanes[1].extend(_lanes(new, some, now))
    return moves(*lanes)


def _lanes(bench: Bench, claims: RoutedClaims, now: int) -> list[str]:
    return [str(lane) for lane in bench.decide(claims, History(), Registers(), now).lanes()]
