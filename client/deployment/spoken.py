"""A chain in words: each entry on a line, and the statement; from one chain always the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from client.ledger import page
from client.ledger.chain import Chain
from client.ledger.statement import state
from client.policy import Policy
from client.releasing import rho_within
from common.accounting.charges import rdp_epsilon

EPOCH = datetime.fromtimestamp(0, UTC)
LAST_TIME = int((datetime.max.replace(tzinfo=UTC) - EPOCH).total_seconds())
"""What comes later, in a forged chain, has no date that people read."""


def spoken(chain: Chain) -> Iterator[bytes]:
    """Each entry in its canonical spelling, with its digest and a time that people read."""
    for entry, digest in zip(chain.book.entries, chain.digests, strict=True):
        when = (EPOCH + timedelta(seconds=entry.time)).isoformat() if entry.time <= LAST_TIME else ""
        yield json.dumps({"digest": digest, "utc": when, **entry.fields()}).encode() + b"\n"


def statement_of(chain: Chain, policy: Policy, now: int) -> bytes:
    """What was spent and what is left under a policy, as JSON."""
    limits, delta = policy.limits(rho_within), policy.delta
    found = state(chain, now=now, delta=delta, epsilon_of=lambda rho: rdp_epsilon((rho,), delta), limits=limits)
    return page.as_json(found).encode()
