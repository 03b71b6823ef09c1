"""What reviewers found: every verdict stays, and the newest about a decision counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Engine, func, select

from client.router.store.decisions import LANES, failing
from client.router.store.opening import writing
from client.router.store.tables import DECISIONS, VERDICTS


class Verdict(StrEnum):
    """What a reviewer found a claim to be. All but the first are adverse."""

    ROUTINE = "routine"
    IMPROPER = "improper"
    REDUCED = "reduced"
    DENIED = "denied"
    FRAUD = "fraud"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """One verdict.

    Attributes:
        decision_id: Of the decision that was reviewed, hexadecimal.
        verdict: What was found.
        reviewer: Who found it, as the bureau names its reviewers.
        given_at: Unix seconds.
        stratum: Whatever the bureau looks at apart: a region, a kind of hospital; empty for none.
    """

    decision_id: str
    verdict: Verdict
    reviewer: str
    given_at: int
    stratum: str = ""


class VerdictStore:
    """The verdicts of a bureau's reviewers.

    Guarantees:
        * Verdicts are added all or none, and none is ever changed or removed.
        * A verdict that says again what counts already (same decision, verdict and reviewer) is not added twice.
    """

    def __init__(self, engine: Engine) -> None:
        """Use an open database."""
        self._engine = engine

    def add(self, given: Sequence[Reviewed]) -> int:
        """Keep verdicts, durably; returns how many were new."""
        counting = {one.decision_id: one for one in self.counting()}
        rows = []
        for one in given:
            before = counting.get(one.decision_id)
            if before is None or (before.verdict, before.reviewer) != (one.verdict, one.reviewer):
                counting[one.decision_id] = one
                rows.append(_row(one))
        if rows:
            with failing("written"), writing(self._engine) as connection:
                connection.execute(VERDICTS.insert(), rows)
        return len(rows)

    def counting(self) -> Iterator[Reviewed]:
        """The newest verdict about each reviewed decision, in the order in which they came."""
        newest = select(func.max(VERDICTS.c.number)).group_by(VERDICTS.c.decision_id)
        wanted = select(VERDICTS).where(VERDICTS.c.number.in_(newest)).order_by(VERDICTS.c.number)
        with failing("read"), self._engine.connect() as connection:
            rows = connection.execute(wanted).all()
        for row in rows:
            yield Reviewed(
                decision_id=bytes(row.decision_id).hex(),
                verdict=Verdict(row.verdict),
                reviewer=row.reviewer,
                given_at=row.given_at,
                stratum=row.stratum,
            )

    def by_lane(self) -> dict[tuple[str, Verdict], int]:
        """How many reviewed decisions there are by lane and by the verdict that counts."""
        newest = select(func.max(VERDICTS.c.number)).group_by(VERDICTS.c.decision_id)
        wanted = (
            select(DECISIONS.c.lane, VERDICTS.c.verdict, func.count())
            .join(VERDICTS, VERDICTS.c.decision_id == DECISIONS.c.decision_id)
            .where(VERDICTS.c.number.in_(newest))
            .group_by(DECISIONS.c.lane, VERDICTS.c.verdict)
        )
        with failing("read"), self._engine.connect() as connection:
            rows = connection.execute(wanted).all()
        return {(LANES[lane], Verdict(verdict)): count for lane, verdict, count in rows}


def _row(one: Reviewed) -> dict[str, object]:
    return {
        "decision_id": bytes.fromhex(one.decision_id),
        "verdict": one.verdict.value,
        "reviewer": one.reviewer,
        "stratum": one.stratum,
        "given_at": one.given_at,
    }
