"""Simulated bureaus in a stream: each claim enters one window, by the clock of its world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from client.windows.book import ClaimBook
from client.windows.record import Entry, InBook
from common.claim import Claim
from common.columns import tabulate
from common.errors import PlanError
from common.messages import Join, Offer, Refusal, RefusalCode, RoundReply
from common.plan import Plan
from common.stream.window import Window
from common.wire import decode, encode
from server.masked.steps import Step
from simulations.loopback import Answer
from simulations.windowed import ReceivedClaims, windowed_stations
from tests.client.ledger.releases import Clock
from tests.client.masked.parties import NOW, THREE, Table, secure_plan
from tests.client.windows.streaming import asking, window_plan

KEY = bytes(range(32))


def received(plan: Plan, n_claims: int, at: int) -> ReceivedClaims:
    claims = ReceivedClaims(plan, KEY)
    add(claims, 0, n_claims, at)
    return claims


def add(claims: ReceivedClaims, first: int, n_claims: int, at: int) -> None:
    one = Claim.model_validate(
        {
            "claim_key": "a",
            "psn_key": "b",
            "med_type": "1",
            "diseinfo": [{"diag_code": "I10", "maindiag_flag": "1"}],
            "medfee_sumamt": "10.00",
        }
    )
    table = tabulate([one] * n_claims, list(range(n_claims)))
    keys = tuple(f"claim {place}" for place in range(first, first + n_claims))
    claims.append(table, keys, np.full(n_claims, at, np.int64))


def test_claims_enter_the_windows_that_close_after_they_came(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, entered, usual = Clock(), list[int](), ClaimBook.enter

    def entering(book: ClaimBook, entry: Entry, now: int) -> InBook:
        entered.append(len(entry.keys))
        return usual(book, entry, now)

    monkeypatch.setattr(ClaimBook, "enter", entering)
    claims = received(window_plan(1, clock.now), 6, clock.now - 1)
    with windowed_stations({"north": claims}, window_plan(1, clock.now), clock) as stations:
        for session in (1, 2):
            plan = window_plan(session, clock.now)
            name = session.to_bytes(16, "big")
            assert isinstance(
                decode(stations.answers["north"](encode(Offer(session=name, plan=plan.canonical())))), Join
            )
            assert isinstance(decode(stations.answers["north"](encode(asking(plan, session)))), RoundReply)
            clock.now += 900
            add(claims, 6, 2, clock.now - 1)
    assert entered == [6, 2]


def test_a_whole_run_under_masks_is_about_one_window() -> None:
    named = secure_plan(unit="person", weighting="shared")
    plan = Plan.model_validate(named.model_dump() | {"window": Window(stream="5e" * 16, number=1, closes=NOW)})
    claims = {name: received(plan, 40, NOW - 1) for name in THREE}
    with windowed_stations(claims, plan, Clock(NOW)) as stations:
        table = Table({name: _Answers(answer) for name, answer in stations.answers.items()}, plan)  # type: ignore[arg-type]
        table.until(Step.DONE)
        assert (table.number, table.run.refused) == (7, [])


@dataclass
class _Answers:
    answer: Answer


def test_rows_made_for_other_features_and_plans_without_a_window_are_refused() -> None:
    clock = Clock()
    plan = window_plan(1, clock.now)
    claims = received(plan, 3, 0)
    with windowed_stations({"north": claims}, plan, clock) as stations:
        for other in (plan.model_copy(update={"cost_cap_yuan": 5_000}), plan.model_copy(update={"window": None})):
            reply = decode(stations.answers["north"](encode(Offer(session=bytes(16), plan=other.canonical()))))
            assert isinstance(reply, Refusal)
            assert reply.code is RefusalCode.WRONG_PLAN
    with pytest.raises(PlanError, match="another plan"):
        claims.candidates(plan.model_copy(update={"cost_cap_yuan": 5_000}), None)  # type: ignore[arg-type]
