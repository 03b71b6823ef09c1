"""Payment drafts that are due: FAST claims are noted when they are decided, and drawn up when somebody asks for drafts.

Deciding must not wait for paperwork; the note is in the same commit as the decision, so that none is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import msgpack
import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select

from client.router.claims import RoutedClaims
from client.router.drafts.book import add_drafts
from client.router.drafts.drawing import FAST, draw
from client.router.drafts.standing import withdrawn
from client.router.drafts.withholding import Without, keep_withheld
from client.router.store.decisions import failing
from client.router.store.opening import StoreError, writing
from client.router.store.store import Store
from client.router.store.tables import UNDRAFTED
from common.claim import FEE_CATEGORIES
from common.columns import MISSING, ClaimTable

_AMOUNTS = ("total", "fund", "person", "hospital")
_WIDTH = len(FEE_CATEGORIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """FAST claims of one commit.

    Attributes:
        claim_keys: Of the claims.
        decision_ids: Likewise.
        amounts: int64 ``(4, n)``, fen: total, and what fund, person and hospital pay; ``MISSING`` where not given.
    """

    claim_keys: Sequence[str]
    decision_ids: Sequence[str]
    amounts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, claims: RoutedClaims, lanes: Sequence[str], decision_ids: Sequence[str]) -> Self:
        """Those of a decided batch."""
        rows = [row for row, lane in enumerate(lanes) if lane == FAST]
        amounts = np.stack([claims.table.total, claims.fund_fen, claims.person_fen, claims.hospital_fen])
        return cls(
            claim_keys=[claims.claim_keys[row] for row in rows],
            decision_ids=[decision_ids[row] for row in rows],
            amounts=amounts[:, rows],
        )

    def keep(self, connection: Connection) -> None:
        """Note them, in a transaction; nothing if there are none."""
        if self.claim_keys:
            connection.execute(UNDRAFTED.insert().values(held=self.to_bytes()))

    def to_bytes(self) -> bytes:
        """As they are noted."""
        fen = self.amounts.astype("<i8").tobytes()
        return bytes(msgpack.packb({"keys": list(self.claim_keys), "ids": list(self.decision_ids), "fen": fen}))

    @classmethod
    def from_bytes(cls, held: bytes) -> Self:
        """As it was noted.

        Raises:
            StoreError: If it is damaged.
        """
        try:
            found = msgpack.unpackb(held)
            amounts = np.frombuffer(found["fen"], "<i8").reshape(len(_AMOUNTS), -1).astype(np.int64)
            return cls(claim_keys=found["keys"], decision_ids=found["ids"], amounts=amounts)
        except (ValueError, KeyError, TypeError, msgpack.UnpackException):
            msg = "the note of due payment drafts is damaged: restore the store from its copy"
            raise StoreError(msg) from None

    def claims(self) -> RoutedClaims:
        """As much of the claims as a draft is made of."""
        total, fund, person, hospital = self.amounts
        return replace(_nothing(tuple(self.claim_keys), total), fund_fen=fund, person_fen=person, hospital_fen=hospital)


def draw_due(store: Store, draft_key: bytes, now: int) -> int:
    """Draw up all drafts that are due; returns how many are new.

    Guarantees:
        * A note goes in the same transaction in which its drafts come: after a crash nothing is drawn twice or lost.
        * A claim key has one draft, whatever is decided about it later.
        * Nothing is drawn for a claim that was decided again since, or that a verdict goes against.
        * A claim that was noted and gets no draft is kept with its reason.
    """
    added = 0
    with failing("read"), store.engine.connect() as connection:
        numbers = connection.execute(select(UNDRAFTED.c.number).order_by(UNDRAFTED.c.number)).scalars().all()
    for number in numbers:
        here = UNDRAFTED.c.number == number
        with failing("written"), writing(store.engine) as connection:
            held = connection.execute(select(UNDRAFTED.c.held).where(here)).scalar()
            if held is not None:
                added += _draw(connection, Due.from_bytes(bytes(held)), draft_key, now)
                connection.execute(UNDRAFTED.delete().where(here))
    return added


def _draw(connection: Connection, due: Due, draft_key: bytes, now: int) -> int:
    """Keep the drafts of one note that stand, and why the other claims have none; how many are new."""
    drawn = draw(due.claims(), [FAST] * len(due.claim_keys), due.decision_ids, draft_key)
    reasons = withdrawn(connection, [(one.claim_key, one.decision_id) for one in drawn.drafts])
    fallen = [
        Without(claim_key=one.claim_key, decision_id=one.decision_id, reason=reason)
        for one, reason in zip(drawn.drafts, reasons, strict=True)
        if reason is not None
    ]
    keep_withheld(connection, [*drawn.withheld, *fallen], now)
    return add_drafts(connection, [one for one, why in zip(drawn.drafts, reasons, strict=True) if why is None], now)


def _nothing(claim_keys: tuple[str, ...], total: npt.NDArray[np.int64]) -> RoutedClaims:
    """Claims of which only keys and totals are known."""
    n_claims = len(claim_keys)
    missing, no = np.full(n_claims, MISSING, np.int64), np.zeros(n_claims, np.bool_)
    table = ClaimTable(
        diagnoses=(),
        operations=(),
        attributes={},
        fees=np.zeros((n_claims, _WIDTH), np.int64),
        total=total,
        stay_days=missing.astype(np.int32),
        age_days=missing.astype(np.int32),
        person_id=np.zeros(n_claims, np.uint64),
    )
    return RoutedClaims(
        table=table,
        claim_keys=claim_keys,
        admitted=missing,
        discharged=missing,
        settled=missing,
        fund_fen=missing,
        person_fen=missing,
        hospital_fen=missing,
        referred=no,
        refused_automation=no,
    )
