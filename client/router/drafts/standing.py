"""Whether a draft still stands: what was decided and found about its claim since it was drawn. Read only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from sqlalchemy import CTE, Connection, Integer, LargeBinary, column, select, values

from client.router.drafts.drawing import FAST
from client.router.store.asking import CONTENT_BYTES, key_prefix
from client.router.store.decisions import LANES
from client.router.store.tables import DECISIONS, VERDICTS
from client.router.store.verdicts import Verdict

_AT_ONCE = 512
"""Claims in one statement."""

_NO_ID = b""


class Withdrawn(StrEnum):
    """Why a draft does not stand any more."""

    NOT_DECIDED = "not_decided"
    """The store holds no decision about the claim: nothing let it pass."""
    DECIDED_AGAIN = "decided_again"
    """A later decision about the claim key counts: corrected, refunded, or the person refused automation."""
    NOT_FAST = "not_fast"
    """The decision did not let the claim pass."""
    ADVERSE_VERDICT = "adverse_verdict"
    """A reviewer found against the claim."""


def withdrawn(connection: Connection, decided: Sequence[tuple[str, str]]) -> list[Withdrawn | None]:
    """Why drafts do not stand, ``None`` for each that does.

    Guarantees:
        * A draft stands only if the newest decision about its claim key is the draft's own and is FAST, and the verdict
          that counts about every decision on that key, if any was given, is routine.

    Args:
        connection: Within the transaction that is to rely on the answer.
        decided: Claim key and decision of each draft.
    """
    found: list[Withdrawn | None] = []
    for start in range(0, len(decided), _AT_ONCE):
        found += _of_some(connection, decided[start : start + _AT_ONCE])
    return found


def _of_some(connection: Connection, decided: Sequence[tuple[str, str]]) -> Iterator[Withdrawn | None]:
    asked = _asked(decided)
    newest, adverse = _newest(connection, asked), _adverse(connection, asked)
    return (_reason(newest.get(row), row in adverse, _bytes(held)) for row, (_, held) in enumerate(decided))


def _reason(newest: tuple[bytes, str] | None, adverse: bool, decision_id: bytes) -> Withdrawn | None:  # noqa: FBT001
    if newest is None:
        return Withdrawn.NOT_DECIDED
    if adverse:
        return Withdrawn.ADVERSE_VERDICT
    if newest[0] != decision_id:
        return Withdrawn.DECIDED_AGAIN
    return None if newest[1] == FAST else Withdrawn.NOT_FAST


def _asked(decided: Sequence[tuple[str, str]]) -> CTE:
    """The ranges within which all decisions about each claim key lie."""
    firsts = [key_prefix(claim_key) for claim_key, _ in decided]
    spans = [(row, first, first + b"\xff" * CONTENT_BYTES) for row, first in enumerate(firsts)]
    wanted = column("wanted", Integer), column("first", LargeBinary), column("last", LargeBinary)
    return values(*wanted, name="asked_about").data(spans).cte("asked_about")


def _newest(connection: Connection, asked: CTE) -> dict[int, tuple[bytes, str]]:
    """Identity and lane of the newest decision about each claim that has one."""
    on_it = DECISIONS.c.asked.between(asked.c.first, asked.c.last)
    wanted = select(asked.c.wanted, DECISIONS.c.decision_id, DECISIONS.c.lane).join(DECISIONS, on_it)
    rows = connection.execute(wanted.order_by(DECISIONS.c.sheet, DECISIONS.c.place))
    return {wanted: (bytes(decision_id), LANES[lane]) for wanted, decision_id, lane in rows}


def _adverse(connection: Connection, asked: CTE) -> set[int]:
    """The claims about a decision on which the newest verdict is adverse."""
    on_it = DECISIONS.c.asked.between(asked.c.first, asked.c.last)
    wanted = select(asked.c.wanted, VERDICTS.c.decision_id, VERDICTS.c.verdict).join(DECISIONS, on_it)
    said = wanted.join(VERDICTS, VERDICTS.c.decision_id == DECISIONS.c.decision_id).order_by(VERDICTS.c.number)
    counting = {(wanted, bytes(decision_id)): verdict for wanted, decision_id, verdict in connection.execute(said)}
    return {wanted for (wanted, _), verdict in counting.items() if verdict != Verdict.ROUTINE}


def _bytes(decision_id: str) -> bytes:
    try:
        return bytes.fromhex(decision_id)
    except ValueError:
        return _NO_ID
