"""Conducting a simulated session: the coordinator's side, open or masked as the plan says, over any transport."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from importlib.metadata import version

from common.consortium.roster import Role
from common.plan import Plan, Protection
from server.coordinator import Coordinator
from server.masked.run import MaskedRun
from server.masked.session import run_masked_session
from server.masked.terms import Terms
from server.session import RoundReport, SessionReport, run_session
from server.transport import Transport
from simulations.consortium import COLLUDING, simulated_consortium

OFFER_LASTS_S = 24 * 3600
OnRound = Callable[[RoundReport], None]
Record = Callable[[bytes], None]
"""Takes the transcript of masked sums, message by message."""


def unrecorded(_: bytes) -> None:
    """Nothing is kept."""


def conduct(
    plan: Plan,
    names: tuple[str, ...],
    transport: Transport,
    on_round: OnRound,
    record: Record = unrecorded,
    *,
    now: int | None = None,
) -> SessionReport:
    """Run a session of a plan over a transport, with masks where the plan's sums are secure.

    Args:
        plan: Of the run.
        names: Of the bureaus, sorted.
        transport: To their stations.
        on_round: Called after each round.
        record: Takes the transcript of masked sums, message by message.
        now: Second since 1970 in the stations' world; this machine's if None.
    """
    session = secrets.token_bytes(16)
    if plan.protection is not Protection.SECURE:
        return run_session(Coordinator(plan, session, version("fedclaims")), transport, on_round)
    simulated = simulated_consortium(names)
    (coordinator,) = simulated.roster.of_role(Role.COORDINATOR)
    terms = Terms(
        plan=plan,
        session=session,
        version=version("fedclaims"),
        coordinator=coordinator.name,
        identity=simulated.coordinator,
        roster=simulated.roster.digest,
        bureau_keys={member.name: member.public_key for member in simulated.roster.of_role(Role.BUREAU)},
        colluding=COLLUDING,
        expires=(int(time.time()) if now is None else now) + OFFER_LASTS_S,
    )
    return run_masked_session(MaskedRun(terms), transport, on_round, record)
