"""Accepting a model: canary claims are decided under the old and the new one before it comes into force."""

from __future__ import annotations

import numpy as np

from client.router.bench import Bench
from client.router.claims import RoutedClaims
from client.router.desk import Desk
from client.router.files import routed
from client.router.models.canaries import Moves, insist_steady, moves
from client.router.models.shelf import Held
from client.router.registers import Registers
from client.router.rules.history import History

AT_ONCE = 16_384


def choose(desk: Desk, version: int, now: int) -> Moves | None:
    """Put a version in force, if it moves no more canary claims than the policy allows.

    Returns:
        How lanes moved; None if there was no model before.

    Raises:
        PublicationError: If it may not be used.
        ModelChoiceError: If the bureau refused it before.
        CanaryError: If too many lanes would move.
    """
    trust, before = desk.trust(now), desk.shelf.standing().in_force
    found = None
    if before is not None and before != version:
        found = canary_moves(desk, desk.shelf.held(before), desk.shelf.held(version), now)
        insist_steady(found, desk.policy().max_canary_moves)
    desk.shelf.accept(version, trust, now)
    return found


def canary_moves(desk: Desk, before: Held, after: Held, now: int) -> Moves:
    """How the canaries' lanes move between two models; what rules remember of other claims does not count."""
    old, new = desk.bench_of(before, now), desk.bench_of(after, now)
    source = desk.canaries()
    lanes: tuple[list[str], list[str]] = ([], [])
    if source is not None:
        for found in desk.ingest(source):
            claims = routed(found, Registers())
            for start in range(0, len(claims), AT_ONCE):
                some = claims.select(np.arange(start, min(start + AT_ONCE, len(claims))))
                for held, bench in zip(lanes, (old, new), strict=True):
                    held.extend(_lanes(bench, some, now))
    return moves(*lanes)


def _lanes(bench: Bench, claims: RoutedClaims, now: int) -> list[str]:
    return [str(lane) for lane in bench.decide(claims, History(), Registers(), now).lanes()]
