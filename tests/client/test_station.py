"""The station: every guarantee of what leaves a bureau, and every refusal for its reason."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.asking import OPEN_PHASES
from client.policy import Policy
from client.station import Station
from common.errors import InputError, PlanError
from common.grid import GRID_UNITS
from common.messages import (
    Join,
    Message,
    Offer,
    Received,
    Refusal,
    RefusalCode,
    Result,
    RoundReply,
    RoundRequest,
    bytes_to_words,
    words_to_bytes,
)
from common.model import Model, Provenance, model_of
from common.plan import Phase, Plan
from common.rounds import Outcome
from common.summary import Shape, Summary
from common.wire import decode, digest, encode
from tests.common.open_run import plan_of
from tests.common.talk import ONE_OF_EACH
from tests.parties import N_FEATURES, OPEN, PLAN, SESSION, bureau_rows, store_of

ROWS = bureau_rows(1)
STORE = store_of(ROWS)
COHORT = ("east", "north", "south")
OTHER_PLAN = plan_of(N_FEATURES, n_clusters=3, seed=1, min_cohort=2)
OTHER_SESSION = bytes(16 * [7])
CENTROIDS = np.array([[0, 0, 0], [GRID_UNITS // 2, 0, 0]], np.int64)


class CountedRows:
    """Rows that count how often they are summarised."""

    def __init__(self) -> None:
        self.summaries = 0

    def __len__(self) -> int:
        return len(STORE)

    def summarise(self, centroids: npt.NDArray[np.int64], *, with_costs: bool) -> Summary:
        self.summaries += 1
        return STORE.summarise(centroids, with_costs=with_costs)


class North:
    """The station of the bureau called north, and what it was asked for."""

    def __init__(self, policy: Policy = OPEN, *, joined: bool = True) -> None:
        self.rows = CountedRows()
        self.plans: list[Plan] = []
        self.station = Station("north", policy, self._rows_for)
        if joined:
            assert isinstance(self.says(offer()), Join)

    def _rows_for(self, plan: Plan) -> CountedRows:
        self.plans.append(plan)
        return self.rows

    def says(self, message: Message) -> Message:
        return decode(self.station.answer(encode(message)))

    def refuses(self, message: Message, code: RefusalCode) -> None:
        """It does, summarises nothing, and answers the next good request."""
        before = self.rows.summaries
        assert self.says(message) == Refusal(session=message.session, bureau="north", code=code)
        assert self.rows.summaries == before


def offer(plan: Plan = PLAN, session: bytes = SESSION) -> Offer:
    return Offer(session=session, plan=plan.canonical())


def request(**changes: object) -> RoundRequest:
    fields = {
        "session": SESSION,
        "fingerprint": PLAN.fingerprint,
        "number": 1,
        "attempt": 1,
        "phase": Phase.LLOYD,
        "cohort": COHORT,
        "n_centroids": len(CENTROIDS),
        "centroids": words_to_bytes(CENTROIDS),
        "radii": b"",
        "cost": 0,
    }
    return RoundRequest.model_validate(fields | changes)


def at(centroids: list[list[int]], **changes: object) -> RoundRequest:
    return request(n_centroids=len(centroids), centroids=words_to_bytes(np.array(centroids, np.int64)), **changes)


def result(plan: Plan = PLAN, **changes: object) -> Result:
    outcome = Outcome(centroids=CENTROIDS, summary=STORE.summarise(CENTROIDS, with_costs=True), rounds=3)
    model = model_of(plan, outcome, Provenance(session="", rounds=3, cohort=COHORT, version="1"))
    fields = {"session": SESSION, "fingerprint": plan.fingerprint, "model": model.to_json()}
    return Result.model_validate(fields | changes)


def test_a_station_joins_the_plan_it_was_offered() -> None:
    north = North(joined=False)
    assert north.says(offer()) == Join(session=SESSION, fingerprint=PLAN.fingerprint, bureau="north")
    assert north.plans == [PLAN]


@pytest.mark.parametrize("phase", sorted(OPEN_PHASES))
def test_the_reply_is_the_summary_of_its_rows_bound_to_the_request(phase: Phase) -> None:
    north = North()
    asked = request(phase=phase)
    reply = north.says(asked)
    assert isinstance(reply, RoundReply)
    expected = STORE.summarise(CENTROIDS, with_costs=phase is Phase.MEASURE)
    assert np.array_equal(bytes_to_words(reply.summary, (expected.shape.n_words,)), expected.to_vector())
    assert (reply.session, reply.fingerprint, reply.bureau) == (SESSION, PLAN.fingerprint, "north")
    assert (reply.number, reply.attempt, reply.request) == (1, 1, digest(encode(asked)))


def test_the_same_request_gets_the_same_bytes_and_nothing_is_computed_again() -> None:
    north = North()
    asked = encode(request())
    replies = {north.station.answer(asked) for _ in range(3)}
    assert len(replies) == 1
    assert north.rows.summaries == 1


def test_an_offer_that_is_repeated_makes_no_rows_and_forgets_nothing() -> None:
    north = North()
    north.says(request(number=5))
    assert isinstance(north.says(offer()), Join)
    assert north.plans == [PLAN]
    north.refuses(request(number=5, attempt=1, phase=Phase.MEASURE), RefusalCode.WRONG_ORDER)


def test_rounds_and_attempts_rise() -> None:
    north = North()
    for number, attempt in [(1, 1), (1, 2), (2, 1), (4, 1)]:
        assert isinstance(north.says(request(number=number, attempt=attempt)), RoundReply)
    for number, attempt in [(1, 1), (1, 3), (3, 9), (4, 1)]:
        other = request(number=number, attempt=attempt, phase=Phase.SEEDING)
        north.refuses(other, RefusalCode.WRONG_ORDER)
    assert isinstance(north.says(request(number=4, attempt=2)), RoundReply)


def test_a_round_that_was_answered_before_the_last_one_is_old() -> None:
    north = North()
    first = request(number=1)
    north.says(first)
    north.says(request(number=2))
    north.refuses(first, RefusalCode.WRONG_ORDER)


def test_a_request_before_any_offer_is_refused() -> None:
    north = North(joined=False)
    north.refuses(request(), RefusalCode.WRONG_SESSION)
    north.refuses(result(), RefusalCode.WRONG_SESSION)


def test_a_request_of_another_session_is_refused() -> None:
    North().refuses(request(session=OTHER_SESSION), RefusalCode.WRONG_SESSION)


def test_a_request_under_another_plan_is_refused() -> None:
    North().refuses(request(fingerprint=OTHER_PLAN.fingerprint), RefusalCode.WRONG_PLAN)


def test_a_session_keeps_its_plan() -> None:
    north = North()
    north.refuses(offer(OTHER_PLAN), RefusalCode.WRONG_PLAN)
    assert isinstance(north.says(request()), RoundReply)


@pytest.mark.parametrize("held", [b"", b"{}", b"[" * 100_000, PLAN.canonical() + b" "])
def test_a_plan_in_another_spelling_is_refused(held: bytes) -> None:
    North(joined=False).refuses(Offer(session=SESSION, plan=held), RefusalCode.WRONG_PLAN)


def test_a_protection_the_policy_does_not_accept_is_refused() -> None:
    North(Policy(protections=frozenset()), joined=False).refuses(offer(), RefusalCode.POLICY)


def test_a_cohort_below_the_policys_minimum_is_refused() -> None:
    north = North(OPEN.model_copy(update={"min_cohort": 3}))
    north.refuses(request(cohort=("north", "south")), RefusalCode.COHORT_TOO_SMALL)
    assert isinstance(north.says(request()), RoundReply)


def test_a_cohort_below_the_plans_minimum_is_refused() -> None:
    north = North(OPEN)
    north.refuses(request(cohort=("north",)), RefusalCode.COHORT_TOO_SMALL)
    assert isinstance(north.says(request(cohort=("north", "south"))), RoundReply)


def test_a_bureau_asks_for_three_bureaus_unless_it_says_otherwise() -> None:
    assert Policy().min_cohort == 3
    North(OPEN.model_copy(update={"min_cohort": Policy().min_cohort})).refuses(
        request(cohort=("north", "south")), RefusalCode.COHORT_TOO_SMALL
    )


@pytest.mark.parametrize(
    "cohort",
    [("east", "south", "west"), ("north", "east", "south"), ("north", "north", "south"), ("east", "Ｎorth", "south")],
    ids=["without me", "unsorted", "twice", "almost me"],
)
def test_a_cohort_that_is_not_sorted_or_without_this_bureau_is_refused(cohort: tuple[str, ...]) -> None:
    North().refuses(request(cohort=cohort), RefusalCode.WRONG_COHORT)


def test_a_cohort_may_shrink_but_never_grow() -> None:
    north = North()
    assert isinstance(north.says(request(cohort=COHORT)), RoundReply)
    assert isinstance(north.says(request(number=2, cohort=("north", "south"))), RoundReply)
    north.refuses(request(number=3, cohort=COHORT), RefusalCode.WRONG_COHORT)
    north.refuses(request(number=3, cohort=("north", "west")), RefusalCode.WRONG_COHORT)
    assert isinstance(north.says(request(number=3, cohort=("north", "south"))), RoundReply)


def test_a_cohort_that_was_refused_leaves_no_trace() -> None:
    north = North()
    north.refuses(request(cohort=("north",)), RefusalCode.COHORT_TOO_SMALL)
    assert isinstance(north.says(request(cohort=COHORT)), RoundReply)


def test_a_session_that_another_one_followed_is_over() -> None:
    """Otherwise a second offer in between would let a cohort grow, or an old round be asked anew."""
    north = North()
    north.says(request(number=9, cohort=("north", "south")))
    assert isinstance(north.says(offer(session=OTHER_SESSION)), Join)
    north.refuses(request(number=10), RefusalCode.WRONG_SESSION)
    north.refuses(offer(), RefusalCode.WRONG_SESSION)
    assert isinstance(north.says(request(session=OTHER_SESSION)), RoundReply)


@pytest.mark.parametrize(
    "asked",
    [
        request(centroids=words_to_bytes(CENTROIDS)[:-1]),
        request(centroids=words_to_bytes(CENTROIDS) + bytes(8)),
        request(centroids=b""),
        request(n_centroids=3),
        request(n_centroids=1),
        at([[0] * N_FEATURES] * (PLAN.max_centroids + 1)),
    ],
    ids=["cut", "a word more", "none", "one announced too many", "one too few", "more than the plan has"],
)
def test_centroids_of_another_shape_are_refused(asked: RoundRequest) -> None:
    North().refuses(asked, RefusalCode.WRONG_SHAPE)


@pytest.mark.parametrize("far", [4 * GRID_UNITS + 1, -4 * GRID_UNITS - 1, 2**62, -(2**63), 2**63 - 1])
def test_centroids_out_of_bounds_are_refused(far: int) -> None:
    North().refuses(at([[0, 0, 0], [0, far, 0]]), RefusalCode.WRONG_SHAPE)


def test_a_centroid_at_the_bound_is_answered() -> None:
    assert isinstance(North().says(at([[0, 4 * GRID_UNITS, 0]])), RoundReply)
    North().refuses(at([[3 * GRID_UNITS, 3 * GRID_UNITS, 0]]), RefusalCode.WRONG_SHAPE)


@pytest.mark.parametrize(
    "message", [one for one in ONE_OF_EACH if one.kind in {"join", "round_reply", "received", "refusal"}]
)
def test_what_only_a_bureau_says_is_refused(message: Message) -> None:
    North().refuses(message, RefusalCode.BAD_MESSAGE)


@pytest.mark.parametrize("held", [b"", b"hello", encode(request()) + b"\x00", bytes(1000)])
def test_bytes_that_are_no_message_are_refused_without_a_session(held: bytes) -> None:
    reply = decode(North().station.answer(held))
    assert reply == Refusal(session=bytes(16), bureau="north", code=RefusalCode.BAD_MESSAGE)


@given(st.sampled_from([encode(one) for one in (*ONE_OF_EACH, offer(), request(), result())]), st.data())
@settings(derandomize=True, max_examples=300, deadline=None)
def test_whatever_bytes_come_in_a_message_goes_out(held: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(held) - 1))
    damaged = held[:place] + data.draw(st.binary(max_size=3)) + held[place + data.draw(st.integers(0, 2)) :]
    decode(North().station.answer(damaged))


def test_a_model_of_this_plan_is_kept_and_receipted() -> None:
    north = North()
    assert north.station.model is None
    assert north.says(result()) == Received(session=SESSION, fingerprint=PLAN.fingerprint, bureau="north")
    assert north.station.model == Model.model_validate_json(result().model)


@pytest.mark.parametrize(
    "alter",
    [
        lambda _: b"",
        lambda held: held[:-2],
        lambda held: held.replace(b'"rounds": 3', b'"rounds": 3.5'),
        lambda held: held.replace(str(GRID_UNITS // 2).encode(), str(GRID_UNITS // 2 + 1).encode()),
        lambda held: held.replace(str(GRID_UNITS // 2).encode(), b"9" * 40),
        lambda _: b"[" * 100_000,
    ],
    ids=["none", "cut", "fraction", "another centroid", "a number beyond 64 bits", "deep"],
)
def test_an_altered_model_is_refused_and_not_kept(alter: Callable[[bytes], bytes]) -> None:
    north = North()
    north.refuses(result(model=alter(result().model)), RefusalCode.BAD_MESSAGE)
    assert north.station.model is None


def test_a_model_of_another_plan_is_refused_and_not_kept() -> None:
    north = North()
    north.refuses(result(OTHER_PLAN), RefusalCode.WRONG_PLAN)
    north.refuses(result(model=result(OTHER_PLAN).model), RefusalCode.WRONG_PLAN)
    assert north.station.model is None


CONFIDED = "NAME=Jane Doe, 110101199003074477"


class FailingRows(CountedRows):
    """Rows whose every summary fails with a claim's values in the text."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def summarise(self, centroids: npt.NDArray[np.int64], *, with_costs: bool) -> Summary:
        del centroids, with_costs
        raise self._error from ValueError(CONFIDED)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValueError(CONFIDED), RefusalCode.INTERNAL),
        (KeyError(CONFIDED), RefusalCode.INTERNAL),
        (MemoryError(CONFIDED), RefusalCode.INTERNAL),
        (RecursionError(CONFIDED), RefusalCode.INTERNAL),
        (InputError(CONFIDED), RefusalCode.NO_CLAIMS),
        (PlanError(CONFIDED), RefusalCode.WRONG_PLAN),
    ],
    ids=lambda part: type(part).__name__,
)
def test_what_fails_inside_leaves_as_a_code_and_is_not_logged_by_value(
    error: Exception, code: RefusalCode, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for place in ("summary", "rows"):
        station = Station("north", OPEN, _failing(error, at_once=place == "rows"))
        held = [station.answer(encode(asked)) for asked in (offer(), request())]
        last = decode(held[0 if place == "rows" else 1])
        assert isinstance(last, Refusal)
        assert last.code is code
        assert not any(b"Jane" in one for one in held)
    shown = caplog.text + "".join(f"{record.exc_info} {record.args} {record.stack_info}" for record in caplog.records)
    assert "Jane" not in shown
    assert "1101" not in shown


def _failing(error: Exception, *, at_once: bool) -> Callable[[Plan], FailingRows]:
    def rows_for(_: Plan) -> FailingRows:
        if at_once:
            raise error from ValueError(CONFIDED)
        return FailingRows(error)

    return rows_for


def test_a_round_that_failed_may_be_asked_again() -> None:
    north = North()
    north.rows.summarise, well = _raises, north.rows.summarise  # type: ignore[method-assign]
    asked = request()
    refusal = north.says(asked)
    assert isinstance(refusal, Refusal)
    north.rows.summarise = well  # type: ignore[method-assign]
    assert isinstance(north.says(asked), RoundReply), "a failure is not remembered as the answer"


def _raises(centroids: npt.NDArray[np.int64], *, with_costs: bool) -> Summary:
    raise OSError(CONFIDED, len(centroids), with_costs)


@pytest.mark.parametrize("name", ["", "x" * 65, "two\nlines"])
def test_a_name_that_no_message_can_carry_is_refused_at_the_start(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 64 characters") as caught:
        Station(name, OPEN, lambda _: STORE)
    assert "lines" not in str(caught.value)


def test_a_bureau_without_claims_answers_with_zeros() -> None:
    empty = store_of(ROWS[:0])
    station = Station("north", OPEN, lambda _: empty)
    station.answer(encode(offer()))
    reply = decode(station.answer(encode(request())))
    assert isinstance(reply, RoundReply)
    assert reply.summary == bytes(8 * Shape(2, N_FEATURES, with_costs=False).n_words)
