"""Ledgers of simulated bureaus: real ones, in a directory that is gone afterwards; and policies that grant a plan."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from client.ledger.ledger import Clock, Ledger
from client.policy import Policy
from common.plan import Plan


def granting_policy(plan: Plan) -> Policy:
    """A policy under which a simulated bureau takes part in a plan, whatever it asks: a simulation plays both sides.

    Everything that the plan does not need to exceed stays at a real bureau's defaults.
    """
    usual = Policy(min_cohort=plan.min_cohort, protections=frozenset({plan.protection}))
    if plan.privacy is None:
        return usual
    guarantee = plan.privacy.guarantee
    return Policy(
        min_cohort=plan.min_cohort,
        protections=frozenset({plan.protection}),
        units=frozenset({guarantee.unit}),
        delta=max(guarantee.delta, usual.delta),
        epsilon_per_release=guarantee.epsilon,
        epsilon_per_session=guarantee.epsilon,
        epsilon_per_data_version=max(guarantee.epsilon, usual.epsilon_per_data_version),
        epsilon_per_year=max(guarantee.epsilon, usual.epsilon_per_year),
        epsilon_per_year_of_windows=max(guarantee.epsilon, usual.epsilon_per_year_of_windows),
    )


IN_MEMORY = Path("/dev/shm")  # noqa: S108  a directory of one's own is made in it


@contextmanager
def passing_ledgers(names: Iterable[str], clock: Clock | None = None) -> Iterator[dict[str, Ledger]]:
    """A new ledger for each bureau, open until the block ends, then gone with all it holds; by this machine's clock."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fedclaims-ledgers-", dir=in_memory())))
        yield {name: stack.enter_context(_opened(root / f"{place}", clock or _now)) for place, name in enumerate(names)}


def in_memory() -> Path | None:
    """A directory in memory, where the system has one: what is gone afterwards need not survive a power cut."""
    return IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else None


def _opened(directory: Path, clock: Clock) -> Ledger:
    Ledger.create(directory, clock=clock)
    return Ledger.open(directory, clock=clock)


def _now() -> int:
    return int(time.time())
