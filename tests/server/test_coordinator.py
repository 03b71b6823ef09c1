"""The coordinator: a round closes with one good reply of every bureau, and with nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import CohortError, MessageError, PlanError, RoundLostError
from common.grid import GRID_UNITS
from common.kernel import Rows
from common.messages import Join, Offer, Received, Refusal, RefusalCode, Result, RoundReply, RoundRequest
from common.model import Model
from common.plan import Phase
from common.wire import decode, digest, encode
from server.coordinator import Coordinator
from tests.common.open_run import outcome_of, plan_of
from tests.parties import N_FEATURES, PLAN, SESSION, Answer, bureau_rows, stations
from tests.server.scripted import with_fields

NAMES = ("east", "north", "south")
ROWS = {name: bureau_rows(seed) for seed, name in enumerate(NAMES)}


class Run:
    """A coordinator and three bureaus that have joined."""

    def __init__(self) -> None:
        self.stations: dict[str, Answer] = stations(NAMES, ROWS)
        self.coordinator = Coordinator(PLAN, SESSION, "1.2.3")
        for node, answer in self.stations.items():
            self.coordinator.cohort.admit(node, answer(self.coordinator.offer()))

    def started(self) -> Run:
        self.coordinator.start()
        return self

    def reply(self, node: str) -> bytes:
        return self.stations[node](self.coordinator.request())

    def close(self) -> None:
        for node in sorted(self.coordinator.awaited):
            self.coordinator.accept(node, self.reply(node))
        self.coordinator.close_round()

    def to_the_end(self) -> Model:
        while self.coordinator.current is not None:
            self.close()
        return self.coordinator.model()


@pytest.fixture
def run() -> Run:
    return Run().started()


def test_the_offer_is_the_plan_in_canonical_form() -> None:
    offer = decode(Run().coordinator.offer())
    assert offer == Offer(session=SESSION, plan=PLAN.canonical())


def test_the_request_names_plan_session_round_and_cohort(run: Run) -> None:
    asked = decode(run.coordinator.request())
    assert isinstance(asked, RoundRequest)
    assert (asked.session, asked.fingerprint, asked.cohort) == (SESSION, PLAN.fingerprint, NAMES)
    assert (asked.number, asked.attempt, asked.phase, asked.n_centroids) == (1, 1, Phase.SEEDING, 1)
    assert asked.centroids == bytes(8 * N_FEATURES), "seeding begins at the origin"


def test_a_finished_run_gives_the_model_of_all_rows_pooled(run: Run) -> None:
    model = run.to_the_end()
    pooled = outcome_of(PLAN, np.concatenate([ROWS[name] for name in NAMES]))
    order = np.argsort(-pooled.summary.counts, kind="stable")
    assert np.array_equal(model.centroid_units(), pooled.centroids[order])
    assert model.quality.n_claims == sum(map(len, ROWS.values()))
    assert model.provenance.cohort == NAMES
    assert (model.provenance.session, model.provenance.version) == (SESSION.hex(), "1.2.3")


def _halved(reply: RoundReply) -> bytes:
    return encode(reply.model_copy(update={"summary": reply.summary[: len(reply.summary) // 2]}))


def _with_word(reply: RoundReply, place: int, value: int) -> bytes:
    words = np.frombuffer(reply.summary, "<i8").copy()
    words[place] = value
    return with_fields(encode(reply), summary=words.tobytes())


ANOTHER = "another request"
WRONG_REPLIES: dict[str, tuple[Callable[[RoundReply], bytes], str]] = {
    "no message": (lambda _: b"hello", "not a message"),
    "cut": (lambda reply: encode(reply)[:-1], "not a message"),
    "bytes behind": (lambda reply: encode(reply) + b"\x00", "not a message"),
    "a join": (lambda _: encode(Join(session=SESSION, fingerprint=PLAN.fingerprint, bureau="north")), "did not answer"),
    "another bureau's name": (lambda reply: with_fields(encode(reply), bureau="south"), "for the bureau that joined"),
    "a stranger's name": (lambda reply: with_fields(encode(reply), bureau="west"), "for the bureau that joined"),
    "another request": (lambda reply: with_fields(encode(reply), request="0" * 64), ANOTHER),
    "another plan": (lambda reply: with_fields(encode(reply), fingerprint="0" * 64), ANOTHER),
    "another session": (lambda reply: with_fields(encode(reply), session=bytes(16)), ANOTHER),
    "another round": (lambda reply: with_fields(encode(reply), number=2), ANOTHER),
    "another attempt": (lambda reply: with_fields(encode(reply), attempt=2), ANOTHER),
    "half a summary": (_halved, "words of 8"),
    "no summary": (lambda reply: with_fields(encode(reply), summary=b""), "words of 8"),
    "a word more": (lambda reply: with_fields(encode(reply), summary=reply.summary + bytes(8)), "words of 8"),
    "a byte less": (lambda reply: with_fields(encode(reply), summary=reply.summary[1:]), "words of 8"),
    "a negative count": (lambda reply: _with_word(reply, 0, -1), "no claims could have"),
    "a huge count": (lambda reply: _with_word(reply, 0, 2**62), "no claims could have"),
    "a sum out of the ball": (lambda reply: _with_word(reply, 1, 60 * GRID_UNITS + 1), "no claims could have"),
    "a negative square": (lambda reply: _with_word(reply, -1, -1), "no claims could have"),
    "a square out of the ball": (lambda reply: _with_word(reply, -1, 61 << 30), "no claims could have"),
}


@pytest.mark.parametrize(("spoil", "reason"), WRONG_REPLIES.values(), ids=WRONG_REPLIES)
def test_a_wrong_reply_is_refused_for_its_reason_and_not_counted(
    run: Run, spoil: Callable[[RoundReply], bytes], reason: str
) -> None:
    good = run.reply("@north")
    reply = decode(good)
    assert isinstance(reply, RoundReply)
    with pytest.raises(MessageError, match=reason):
        run.coordinator.accept("@north", spoil(reply))
    assert run.coordinator.awaited == {"@east", "@north", "@south"}
    run.coordinator.accept("@north", good)
    assert run.to_the_end().centroids_sha256 == Run().started().to_the_end().centroids_sha256


def test_a_strangers_reply_is_refused(run: Run) -> None:
    with pytest.raises(MessageError, match="stranger"):
        run.coordinator.accept("@west", run.reply("@north"))


def test_a_second_reply_is_refused_and_counted_once(run: Run) -> None:
    run.coordinator.accept("@north", run.reply("@north"))
    with pytest.raises(MessageError, match="answered already"):
        run.coordinator.accept("@north", run.reply("@north"))
    run.coordinator.accept("@east", run.reply("@east"))
    run.coordinator.accept("@south", run.reply("@south"))
    run.coordinator.close_round()
    assert run.to_the_end().quality.n_claims == sum(map(len, ROWS.values()))


def test_another_bureaus_own_reply_is_refused(run: Run) -> None:
    with pytest.raises(MessageError, match="for the bureau that joined"):
        run.coordinator.accept("@north", run.reply("@south"))


def test_a_reply_to_the_round_before_is_refused(run: Run) -> None:
    old = run.reply("@north")
    run.close()
    with pytest.raises(MessageError, match=ANOTHER):
        run.coordinator.accept("@north", old)


def test_a_refusal_is_told_with_its_code_and_not_counted(run: Run) -> None:
    refusal = encode(Refusal(session=SESSION, bureau="north", code=RefusalCode.NO_CLAIMS))
    with pytest.raises(MessageError, match="node @north refuses round 1: no_claims"):
        run.coordinator.accept("@north", refusal)
    assert "@north" in run.coordinator.awaited


def test_summaries_that_together_are_too_many_rows_are_refused(run: Run) -> None:
    words = np.zeros(2 + N_FEATURES, np.int64)
    words[0] = 2**33 - 1
    run.coordinator.accept("@north", with_fields(run.reply("@north"), summary=words.tobytes()))
    with pytest.raises(MessageError, match="no claims could have"):
        run.coordinator.accept("@south", run.reply("@south"))


def test_a_round_with_replies_missing_cannot_be_closed(run: Run) -> None:
    for missing, node in [(3, "@east"), (2, "@north"), (1, "@south")]:
        with pytest.raises(RoundLostError, match=f"{missing} replies are missing"):
            run.coordinator.close_round()
        run.coordinator.accept(node, run.reply(node))
    run.coordinator.close_round()


def test_nothing_comes_out_before_the_end(run: Run) -> None:
    for early in (run.coordinator.outcome, run.coordinator.model, run.coordinator.result):
        with pytest.raises(RoundLostError, match="has not finished"):
            early()


def test_a_run_that_has_not_started_closes_no_round_and_takes_no_reply() -> None:
    fresh = Run().coordinator
    assert fresh.current is None
    assert fresh.awaited == frozenset()
    with pytest.raises(RoundLostError):
        fresh.close_round()
    with pytest.raises(MessageError, match="stranger"):
        fresh.accept("@north", b"")


@pytest.mark.parametrize("n_nodes", [0, 1])
def test_zero_or_one_bureau_cannot_start(n_nodes: int) -> None:
    coordinator = Coordinator(PLAN, SESSION, "1")
    for node, answer in list(stations(NAMES).items())[:n_nodes]:
        coordinator.cohort.admit(node, answer(coordinator.offer()))
    with pytest.raises(CohortError, match=f"{n_nodes} bureaus take part"):
        coordinator.start()
    assert coordinator.current is None


def test_without_a_bureau_the_round_is_asked_again_of_the_rest(run: Run) -> None:
    run.coordinator.accept("@east", run.reply("@east"))
    first = run.coordinator.request()
    run.coordinator.lose(frozenset({"@north"}))
    again = decode(run.coordinator.request())
    assert isinstance(again, RoundRequest)
    assert (again.number, again.attempt, again.cohort) == (1, 2, ("east", "south"))
    assert digest(run.coordinator.request()) != digest(first)
    assert run.coordinator.awaited == {"@east", "@south"}, "who had answered answers again"
    model = run.to_the_end()
    assert model.quality.n_claims == len(ROWS["east"]) + len(ROWS["south"])
    assert (model.provenance.cohort, model.provenance.lost) == (("east", "south"), ("north",))


def test_what_a_lost_bureau_had_answered_is_not_in_the_model(run: Run) -> None:
    run.coordinator.accept("@north", run.reply("@north"))
    run.coordinator.lose(frozenset({"@north"}))
    assert run.to_the_end().quality.n_claims == len(ROWS["east"]) + len(ROWS["south"])


def test_losing_too_many_never_gives_a_model(run: Run) -> None:
    with pytest.raises(CohortError, match=r"1 bureaus take part \(2 were lost on the way\)"):
        run.coordinator.lose(frozenset({"@north", "@south"}))
    with pytest.raises(RoundLostError):
        run.coordinator.model()


def test_fewer_claims_than_clusters_is_the_plans_mistake() -> None:
    few: dict[str, Rows] = {name: ROWS[name][:1] for name in NAMES[:2]}
    plan = plan_of(N_FEATURES, n_clusters=3, min_cohort=2)
    coordinator, parties = Coordinator(plan, SESSION, "1"), stations(NAMES[:2], few)
    for node, answer in parties.items():
        coordinator.cohort.admit(node, answer(coordinator.offer()))
    coordinator.start()
    for node, answer in parties.items():
        coordinator.accept(node, answer(coordinator.request()))
    with pytest.raises(PlanError, match="2 claims cannot form 3 clusters"):
        coordinator.close_round()


def test_the_result_is_the_model_and_its_receipt_is_checked(run: Run) -> None:
    model = run.to_the_end()
    result = decode(run.coordinator.result())
    assert isinstance(result, Result)
    assert Model.model_validate_json(result.model) == model
    good = run.stations["@north"](run.coordinator.result())
    run.coordinator.confirm("@north", good)
    receipt = decode(good)
    assert isinstance(receipt, Received)
    for node, wrong in [
        ("@south", good),
        ("@west", good),
        ("@north", with_fields(good, session=bytes(16))),
        ("@north", with_fields(good, fingerprint="0" * 64)),
        ("@north", encode(Refusal(session=SESSION, bureau="north", code=RefusalCode.WRONG_PLAN))),
    ]:
        with pytest.raises(MessageError, match=f"{node} did not confirm"):
            run.coordinator.confirm(node, wrong)


@given(st.data())
@settings(derandomize=True, max_examples=8, deadline=None)
def test_the_order_of_replies_never_changes_the_model(data: st.DataObject) -> None:
    run = Run().started()
    while run.coordinator.current is not None:
        for node in data.draw(st.permutations(sorted(run.coordinator.awaited))):
            run.coordinator.accept(node, run.reply(node))
        run.coordinator.close_round()
    assert run.coordinator.model() == Run().started().to_the_end()
