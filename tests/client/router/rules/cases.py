"""Claims that are fine, to be changed until a rule hits them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from client.router.claims import RoutedClaims, routed_claims
from client.router.registers import Registers
from client.router.rules.evaluate import Findings, evaluate
from client.router.rules.event import events_of
from client.router.rules.history import History
from client.router.rules.rule import Assigned, Rule
from common.claim import Claim

FIRST = datetime(2024, 3, 1, 9)  # noqa: DTZ001 - claims have no time zone
FIRST_DAY = 19_783
"""2024-03-01, days since 1970."""


def stay(key: str = "A", begins: int = 0, days: int = 5, total: str = "5000", **changes: object) -> Claim:
    """A stay of a woman of 40 for pneumonia, ``begins`` days after the first of March 2024, with fees for care."""
    given: dict[str, object] = {
        "claim_key": key,
        "psn_key": "P1",
        "fixmedins_code": "H1",
        "med_type": "21",
        "gend": "2",
        "age": 40,
        "adm_time": FIRST + timedelta(days=begins),
        "dscg_time": FIRST + timedelta(days=begins + days),
        "setl_time": FIRST + timedelta(days=begins + days),
        "diseinfo": [{"diag_code": "J18.900", "maindiag_flag": True}],
        "iteminfo": [{"med_chrgitm_type": "05", "amt": total}],
        "medfee_sumamt": total,
    }
    return Claim.model_validate(given | changes)


def visit(key: str = "A", day: int = 0, total: str = "200", **changes: object) -> Claim:
    """An outpatient visit of the same person."""
    given: dict[str, object] = {"med_type": "11", "adm_time": None, "dscg_time": None, "act_ipt_days": None}
    given["setl_time"] = FIRST + timedelta(days=day)
    return stay(key, total=total, **(given | changes))


def routed(*claims: Claim, persons: Sequence[int] | None = None) -> RoutedClaims:
    """Claims of one person, or of these."""
    return routed_claims(claims, persons if persons is not None else [7] * len(claims))


def remembered(*claims: Claim, persons: Sequence[int] | None = None) -> History:
    """A history of one batch."""
    history = History()
    history.remember(events_of(routed(*claims, persons=persons), FIRST_DAY))
    return history


def found(
    rule: Rule,
    *claims: Claim,
    history: History | None = None,
    registers: Registers | None = None,
    assigned: Assigned | None = None,
    persons: Sequence[int] | None = None,
) -> Findings:
    """What one rule finds in one batch."""
    batch = routed(*claims, persons=persons)
    return evaluate([rule], batch, history or History(), registers or Registers(), assigned=assigned)


def hit(rule: Rule, *claims: Claim, **given: object) -> list[bool]:
    """Which claims of a batch one rule hits."""
    hits: list[bool] = found(rule, *claims, **given).any.tolist()  # type: ignore[arg-type]
    return hits
