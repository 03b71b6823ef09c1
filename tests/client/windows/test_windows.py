"""A station in a stream: which claims are in which window, what is charged to whom, and that nothing of it is told."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from client.ledger.chain import Chain
from client.ledger.ledger import Ledger, inspect
from client.policy import Policy
from client.preview.preview import objection_to_spending
from client.releasing import rho_within, whole_cost
from client.windows.book import ClaimBook
from client.windows.errors import BrokenBookError
from client.windows.odometer import read_odometer
from client.windows.tables import BOOK_FILE
from common.accounting.charges import rdp_epsilon
from common.errors import EngineError
from common.messages import Join, Refusal, RefusalCode, RoundReply
from common.plan import Plan
from tests.client.ledger.releases import Clock
from tests.client.windows.streaming import QUARTER, STREAM, Streaming, streaming, window_plan, words
from tests.common.private_run import private_plan
from tests.parties import N_FEATURES, store_of

COST = 200_000


@pytest.fixture
def north(tmp_path: Path) -> Iterator[Streaming]:
    clock = Clock()
    found = streaming(tmp_path / "ledger", window_plan(1, clock.now), clock)
    yield found
    found.stop()


def plan_of(north: Streaming, number: int, **terms: object) -> Plan:
    """The window that closes now."""
    return window_plan(number, north.clock.now, **terms)


def rho_of(plan: Plan) -> int:
    assert plan.privacy is not None
    return whole_cost(plan, plan.privacy)


def chain_of(north: Streaming) -> Chain:
    return inspect(north.directory)


def refused(reply: object) -> RefusalCode:
    assert isinstance(reply, Refusal), reply
    return reply.code


def test_a_claim_is_in_the_first_window_that_closes_after_it_arrived_and_in_no_other(north: Streaming) -> None:
    early = north.claims.add([1, 2], north.clock.now - 1)
    late = north.claims.add([1, 3], north.clock.now)
    words(north.tick(plan_of(north, 1), 1))
    assert north.entered(1) == set(early)
    north.clock.now += QUARTER
    words(north.tick(plan_of(north, 2), 2))
    assert north.entered(2) == set(late)
    words(north.tick(plan_of(north, 9, stream="77" * 16), 3))
    assert north.entered(3) == set(), "another stream gets nothing of it either"


def test_a_window_that_is_asked_about_twice_is_answered_with_the_same_bytes_and_paid_for_once(
    north: Streaming,
) -> None:
    north.claims.add([1, 2, 3], 0)
    plan = plan_of(north, 1)
    first = words(north.tick(plan, 1))
    north.claims.add([4], 0)
    assert words(north.ask(plan, 1, attempt=2)) == first
    north.restart()
    assert words(north.tick(plan, 1)) == first, "after a restart"
    assert [charge.rho for charge in chain_of(north).book.charges] == [rho_of(plan)]
    assert len(north.book.windows) == 1


def test_all_rounds_of_a_session_are_about_the_claims_that_entered_before_its_first_answer(north: Streaming) -> None:
    mine = set(north.claims.add([1, 2, 3], 0))
    plan = plan_of(north, 1)
    assert isinstance(north.offer(plan, 1), Join)
    rows = north.windows.rows(plan, (1).to_bytes(16, "big"))
    words(north.ask(plan, 1, 1, COST))
    north.claims.add([1, 4], 0)
    assert len(rows) == 3
    words(north.ask(plan, 1, 2, COST))
    north.restart()
    north.offer(plan, 1)
    words(north.ask(plan, 1, 3, COST))
    assert len(north.windows.rows(plan, (1).to_bytes(16, "big"))) == 3, "read again"
    assert north.entered(1) == mine
    assert len(north.book.windows) == 1


def test_a_session_whose_claims_were_changed_meanwhile_is_not_answered_from_others(north: Streaming) -> None:
    north.claims.add([1, 2, 3], 0)
    plan = plan_of(north, 1)
    north.offer(plan, 1)
    words(north.ask(plan, 1, 1, COST))
    north.claims.edit(0)
    words(north.ask(plan, 1, 2, COST))
    north.restart()
    north.offer(plan, 1)
    assert refused(north.ask(plan, 1, 3, COST)) is RefusalCode.NO_CLAIMS


def test_a_window_without_claims_is_answered_with_noise_alone_in_the_same_form(north: Streaming) -> None:
    empty = north.tick(plan_of(north, 1), 1)
    north.claims.add(list(range(500)), 0)
    full = north.tick(plan_of(north, 2), 2)
    assert isinstance(empty, RoundReply)
    assert isinstance(full, RoundReply)
    assert len(empty.summary) == len(full.summary)
    assert {*empty.model_fields_set} == {*full.model_fields_set}
    noise = np.frombuffer(empty.summary, "<i8")
    assert np.count_nonzero(noise) > len(noise) // 2
    shown = [charge.model_dump(exclude={"number", "previous", "time"}) for charge in chain_of(north).book.charges]
    assert shown[0].keys() == shown[1].keys()
    assert shown[0]["rho"] == shown[1]["rho"]


def test_a_person_whose_year_is_spent_stays_out_and_nothing_that_is_sent_has_another_form(tmp_path: Path) -> None:
    plan = window_plan(1, Clock().now)
    north = streaming(tmp_path / "ledger", plan, epsilon_per_year=1.5, epsilon_per_data_version=1.5)
    replies = []
    for number in (1, 2, 3):
        north.claims.add([1, 1], north.clock.now - 1)
        north.claims.add([10 + number], north.clock.now - 1)
        replies.append(north.tick(plan_of(north, number), number))
        north.clock.now += QUARTER
    entered = [north.entered(number) for number in (1, 2, 3)]
    assert [len(one) for one in entered] == [3, 3, 1], "the third window is one too many for the first person"
    assert len({len(words(one)) for one in replies}) == 1
    assert north.book.windows[-1].left_out.spent == 2
    north.clock.now += 366 * 86_400
    north.claims.add([99], 0)
    words(north.tick(plan_of(north, 4), 4))
    assert len(north.entered(4)) == 3, "after a year there is budget again, also for what had waited"
    north.stop()


def test_what_is_charged_beside_windows_is_not_there_for_windows_and_the_other_way_round(tmp_path: Path) -> None:
    once = private_plan(N_FEATURES, {"unit": "person", "weighting": "shared"}, n_clusters=3, min_cohort=2)
    plan = window_plan(1, Clock().now)
    north = streaming(tmp_path / "ledger", plan, epsilon_per_year=2.0, epsilon_per_data_version=2.0)
    north.claims.add([1], 0)
    cap = north.account.price(plan, plan.privacy).cap  # type: ignore[arg-type]
    north.offer(once, 50)
    words(north.ask(once, 50))
    assert north.account.price(plan, plan.privacy).cap == cap - rho_of(once)  # type: ignore[arg-type]
    for number in range(1, cap // rho_of(plan)):
        north.claims.add([1], 0)
        words(north.tick(plan_of(north, number), number))
        assert north.ledger.spending.year(north.clock.now) == rho_of(once) + number * rho_of(plan)
    north.claims.add([1], 0)
    words(north.tick(plan_of(north, 90), 90))
    assert north.entered(90) == set()
    assert north.ledger.spending.year(north.clock.now) <= cap, "windows that nobody else can afford cost no more"
    north.offer(once, 51)
    assert refused(north.ask(once, 51)) is RefusalCode.POLICY
    north.stop()


def test_windows_have_a_limit_a_day_of_their_own_and_leave_that_of_releases_alone(tmp_path: Path) -> None:
    north = streaming(tmp_path / "ledger", window_plan(1, Clock().now), windows_per_day=2, releases_per_day=1)
    for number in (1, 2):
        north.offer(plan_of(north, number), number)
        for place in (1, 2, 3):
            words(north.ask(plan_of(north, number), number, place, COST))
    assert refused(north.tick(plan_of(north, 3), 3)) is RefusalCode.POLICY
    north.clock.now += 86_400
    words(north.tick(plan_of(north, 4), 4))
    north.stop()


@pytest.mark.parametrize(("late_edits", "entered"), [("leave_out", [2, 1]), ("charge", [2, 2])])
def test_a_claim_changed_late_is_left_out_or_charged_again(tmp_path: Path, late_edits: str, entered: list[int]) -> None:
    terms = {"unit": "claim", "weighting": "each_claim"}
    north = streaming(tmp_path / "ledger", window_plan(1, Clock().now, **terms), late_edits=late_edits)
    north.claims.add([1, 2], 0)
    words(north.tick(plan_of(north, 1, **terms), 1))
    north.claims.edit(0)
    north.claims.add([3], 0)
    words(north.tick(plan_of(north, 2, **terms), 2))
    assert [one.claims for one in north.book.windows] == entered
    spent = north.book.spent_by_claims(np.array([0, 1, 2], np.uint64), north.clock.now)
    rho = rho_of(plan_of(north, 1, **terms))
    assert spent.tolist() == [rho * (entered[1]), rho, rho]
    assert north.book.windows[-1].left_out.edited == 2 - entered[1]
    north.stop()


def test_a_claim_that_is_changed_again_and_again_stays_within_its_own_year(tmp_path: Path) -> None:
    terms = {"unit": "claim", "weighting": "each_claim"}
    first = window_plan(1, Clock().now, **terms)
    limits = {"late_edits": "charge", "epsilon_per_year": 2.0, "epsilon_per_data_version": 2.0}
    north = streaming(tmp_path / "ledger", first, **limits)
    north.claims.add([1], 0)
    for number in range(1, 8):
        words(north.tick(plan_of(north, number, **terms), number))
        north.claims.edit(0)
    (spent,) = north.book.spent_by_claims(np.zeros(1, np.uint64), north.clock.now).tolist()
    cap = north.account.price(first, first.privacy).cap  # type: ignore[arg-type]
    assert cap - rho_of(first) < spent <= cap
    assert north.book.windows[-1].left_out.spent == 1
    north.stop()


def test_a_session_answers_under_the_plan_with_which_its_claims_entered_and_no_other(north: Streaming) -> None:
    north.claims.add([1], 0)
    words(north.tick(plan_of(north, 1), 1))
    north.restart()
    assert refused(north.offer(plan_of(north, 1, epsilon_thousandths=900), 1)) is RefusalCode.WRONG_ORDER


def test_without_a_claim_book_no_window_is_joined(north: Streaming) -> None:
    from client.releasing import Releases  # noqa: PLC0415  two stations that lack it
    from client.station import Station  # noqa: PLC0415

    plan, bare = plan_of(north, 1), Releases(north.ledger, north.policy, "v1", os.urandom)
    assert bare.objects_to(plan)
    whole = Releases(north.ledger, north.policy, "v1", os.urandom, north.windows)
    for releases, windows in ((bare, north.windows), (whole, None)):
        north.station = Station("north", north.policy, lambda _: None, releases, windows=windows)  # type: ignore[arg-type, return-value]
        assert refused(north.offer(plan, 1)) is RefusalCode.POLICY


def test_claims_are_entered_and_marked_before_noise_is_drawn_and_stay_entered_if_nothing_left(
    north: Streaming,
) -> None:
    seen = []

    def dies(_: int, /) -> bytes:
        seen.append((north.entered(1), list(chain_of(north).book.marks)))
        raise KeyboardInterrupt

    mine = set(north.claims.add([1, 2], 0))
    north.restart(seed_bytes=dies)
    with pytest.raises(KeyboardInterrupt):
        north.tick(plan_of(north, 1), 1)
    assert seen == [(mine, [f"window:{STREAM}{(1).to_bytes(16, 'big').hex()}:1"])]
    north.restart()
    words(north.tick(plan_of(north, 2), 2))
    assert north.entered(2) == set(), "they are lost to the stream"
    found = read_odometer(north.directory, chain_of(north), north.clock.now, float)
    assert found is not None
    assert (found.windows, found.answered, found.claims, found.lost) == (2, 1, 2, 2)


def test_a_kill_between_book_and_ledger_is_made_good_and_a_forgetful_book_is_noticed(north: Streaming) -> None:
    class Dies(type(north.ledger)):  # type: ignore[misc]
        def mark(self, *_: object) -> None:
            raise KeyboardInterrupt

    held = (north.directory / BOOK_FILE).read_bytes()
    north.claims.add([1, 2], 0)
    north.ledger.__class__ = Dies
    with pytest.raises(KeyboardInterrupt):
        north.tick(plan_of(north, 1), 1)
    assert chain_of(north).book.marks == {}
    north.ledger.__class__ = Ledger
    north.restart()
    assert len(chain_of(north).book.marks) == 1
    north.book.close()
    for path in north.directory.glob(f"{BOOK_FILE}*"):
        path.unlink()
    (north.directory / BOOK_FILE).write_bytes(held)
    north.ledger.close()
    with pytest.raises(BrokenBookError, match="forgotten"):
        north.start()
    assert not north.book.windows


def test_a_book_of_another_ledger_is_refused(north: Streaming) -> None:
    with pytest.raises(BrokenBookError, match="another ledger"):
        ClaimBook(north.directory / BOOK_FILE, "00" * 32)


def test_the_book_is_its_owners_alone(north: Streaming) -> None:
    north.claims.add([1], 0)
    words(north.tick(plan_of(north, 1), 1))
    files = list(north.directory.glob(f"{BOOK_FILE}*"))
    assert len(files) == 3, "the book, its log, and the index of that"
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_after_a_write_that_failed_the_book_says_nothing_more(north: Streaming) -> None:
    north.claims.add([1], 0)
    north.offer(plan_of(north, 1), 1)
    other = sqlite3.connect(north.directory / BOOK_FILE, isolation_level=None)
    other.execute("DROP TABLE charges")
    other.close()
    assert refused(north.ask(plan_of(north, 1), 1)) is RefusalCode.INTERNAL
    with pytest.raises(EngineError):
        north.book.window_of(bytes(16))
    assert not chain_of(north).book.kept, "nothing was drawn"


def test_the_odometer_shows_what_was_charged_as_the_accountant_does(north: Streaming) -> None:
    for number in (1, 2, 3):
        north.claims.add([1, 10 + number], 0)
        words(north.tick(plan_of(north, number), number))
    rho, delta = rho_of(plan_of(north, 1)), Policy().delta
    found = read_odometer(north.directory, chain_of(north), north.clock.now, lambda one: rdp_epsilon((one,), delta))
    assert found is not None
    persons, claims = found.spent
    assert (persons.units, claims.units) == (4, 6)
    assert persons.largest == rdp_epsilon([3 * rho], delta)
    assert persons.median == claims.largest == rdp_epsilon([rho], delta)


def test_the_rows_of_a_window_are_those_of_its_claims_alone(north: Streaming) -> None:
    north.claims.add([1, 2, 3], 0)
    words(north.tick(plan_of(north, 1), 1))
    north.claims.add([4, 5], 0)
    plan = plan_of(north, 2)
    north.offer(plan, 2)
    rows = north.windows.rows(plan, (2).to_bytes(16, "big"))
    found = rows.summarise(np.zeros((1, N_FEATURES), np.int64), with_costs=False)
    alone = store_of(north.claims.rows[3:]).summarise(np.zeros((1, N_FEATURES), np.int64), with_costs=False)
    assert np.array_equal(found.to_vector(), alone.to_vector())


def test_a_preview_of_a_window_asks_for_what_is_left_for_windows(tmp_path: Path) -> None:
    first = window_plan(1, Clock().now)
    north = streaming(tmp_path / "ledger", first, windows_per_day=2, releases_per_day=1)
    limits = north.policy.limits(rho_within)
    for number in (1, 2):
        plan = plan_of(north, number)
        assert objection_to_spending(plan, north.policy, north.ledger.spending, limits, north.clock.now) is None
        words(north.tick(plan, number))
    plan = plan_of(north, 3)
    assert objection_to_spending(plan, north.policy, north.ledger.spending, limits, north.clock.now) is not None
    north.stop()


def test_a_clock_that_goes_back_frees_nothing(north: Streaming) -> None:
    north.claims.add([1], 0)
    words(north.tick(plan_of(north, 1), 1))
    then = north.clock.now
    north.clock.now -= 400 * 86_400
    north.claims.add([1], 0)
    words(north.tick(window_plan(2, then), 2))
    assert [one.at for one in north.book.windows] == [then, then]
    spent = north.book.spent_by_persons(np.ones(1, np.uint64), north.account.now())
    assert spent.tolist() == [2 * rho_of(plan_of(north, 1))]
