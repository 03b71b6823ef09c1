"""Releasing: what leaves a station under a protected plan is bounded, paid for, noised and kept, in that order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from client.ledger.ledger import CHAIN_FILE, Ledger, inspect
from client.policy import Policy
from client.releasing import Releases
from client.station import Station
from common.grid import GRID_UNITS
from common.messages import Join, Offer, Refusal, RefusalCode, RoundReply, RoundRequest, bytes_to_words, words_to_bytes
from common.noise.randomness import AesStream, RandomBytes
from common.plan import Phase, Plan
from common.private.budget import allotment
from common.private.question import Question, n_words
from common.wire import decode, encode
from simulations.ledgers import granting_policy
from tests.common.private_run import blocks_of, private_plan, raw_words
from tests.parties import N_FEATURES, SESSION, bureau_rows, store_of

PLAN = private_plan(N_FEATURES, n_clusters=3, min_cohort=2)
COHORT = ("east", "north", "south")
CENTROIDS = np.array([[0, 0, 0], [GRID_UNITS // 2, 0, 0]], np.int64)
RADII = np.array([GRID_UNITS, GRID_UNITS // 2], np.int64)
COST = 200_000
ROWS = bureau_rows(1)
TERMS = {"unit": "claim", "weighting": "each_claim", "expected_units": 20_000}
QUESTION = Question(phase=Phase.LLOYD, centroids=CENTROIDS, radii=RADII, cost=COST)


class North:
    """A station with a real ledger."""

    def __init__(self, directory: Path, plan: Plan = PLAN, policy: Policy | None = None) -> None:
        self.directory, self.plan = directory, plan
        self.policy = policy or granting_policy(plan)
        self.store, self.seeds = store_of(ROWS), 0
        Ledger.create(directory, clock=lambda: 1000)
        self.start()

    def start(self, seed_bytes: RandomBytes | None = None) -> None:
        """As after a restart."""
        self.ledger = Ledger.open(self.directory, clock=lambda: int(time.time()))
        releases = Releases(self.ledger, self.policy, "v1", seed_bytes or self._seed)
        self.station = Station("north", self.policy, lambda _: self.store, releases)

    def restart(self) -> None:
        """The process dies and comes again; the coordinator offers the plan once more."""
        self.ledger.close()
        self.start()
        self.join()

    def join(self, session: bytes = SESSION) -> Join | Refusal:
        reply = decode(self.station.answer(encode(Offer(session=session, plan=self.plan.canonical()))))
        assert isinstance(reply, Join | Refusal)
        return reply

    def ask(self, **changes: object) -> RoundReply | Refusal:
        reply = decode(self.station.answer(encode(request(self.plan, **changes))))
        assert isinstance(reply, RoundReply | Refusal)
        return reply

    def refuses(self, code: RefusalCode, **changes: object) -> None:
        before = len(inspect(self.directory).book.charges)
        reply = self.ask(**changes)
        assert isinstance(reply, Refusal)
        assert reply.code is code
        assert len(inspect(self.directory).book.charges) == before, "a refusal costs nothing"

    def _seed(self, n_bytes: int, /) -> bytes:
        self.seeds += 1
        return AesStream(self.seeds.to_bytes(32, "big"))(n_bytes)


def request(plan: Plan = PLAN, **changes: object) -> RoundRequest:
    fields = {
        "session": SESSION,
        "fingerprint": plan.fingerprint,
        "number": 1,
        "attempt": 1,
        "phase": Phase.LLOYD,
        "cohort": COHORT,
        "n_centroids": 2,
        "centroids": words_to_bytes(CENTROIDS),
        "radii": words_to_bytes(RADII),
        "cost": COST,
    }
    return RoundRequest.model_validate(fields | changes)


@pytest.fixture
def north(tmp_path: Path) -> Iterator[North]:
    found = North(tmp_path / "ledger")
    assert isinstance(found.join(), Join)
    yield found
    found.ledger.close()


def words_of(reply: RoundReply | Refusal, n: int = 2 * (2 + N_FEATURES)) -> np.ndarray:
    assert isinstance(reply, RoundReply)
    return bytes_to_words(reply.summary, (n,))


def test_the_reply_is_the_bounded_sum_with_noise_of_the_declared_size(north: North) -> None:
    raw, parts = raw_words(PLAN, QUESTION, ROWS), blocks_of(PLAN, QUESTION)
    assert len(raw) == sum(part.n_words for part in parts) == n_words(PLAN, Phase.LLOYD, 2)
    stds = np.concatenate([[float(part.variance) ** 0.5] * part.n_words for part in parts])
    noise = np.array([(words_of(north.ask(number=at)) - raw) / stds for at in range(1, 41)])
    assert 0.9 < noise.std() < 1.1
    assert abs(noise.mean()) < 0.2
    assert np.abs(np.corrcoef(noise[:-1].ravel(), noise[1:].ravel())[0, 1]) < 0.2, "every answer has its own noise"


def test_every_answer_is_in_the_ledger_at_its_price_before_it_leaves(north: North) -> None:
    for number in (1, 2, 3):
        reply = north.ask(number=number)
        assert isinstance(reply, RoundReply)
        chain = inspect(north.directory)
        assert [charge.rho for charge in chain.book.charges] == [COST] * number
        assert reply.head == str(chain.head), "the head that others see is that of the ledger on the disk"
        assert len(chain.book.kept) == number


def test_the_same_round_gets_the_same_words_for_ever_and_is_charged_once(north: North) -> None:
    first = words_of(north.ask())
    assert np.array_equal(words_of(north.ask(attempt=2, cohort=("east", "north"))), first), "with a smaller cohort"
    north.restart()
    assert np.array_equal(words_of(north.ask(attempt=3)), first), "after a crash"
    assert len(inspect(north.directory).book.charges) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"centroids": words_to_bytes(CENTROIDS + 1)},
        {"radii": words_to_bytes(RADII + 1)},
        {"cost": COST + 1},
        {"phase": Phase.SEEDING},
    ],
    ids=["centroids", "radii", "cost", "phase"],
)
def test_a_round_that_was_answered_is_never_answered_to_another_question(
    north: North, changes: dict[str, object]
) -> None:
    north.ask()
    north.refuses(RefusalCode.WRONG_ORDER, attempt=2, **changes)


def test_an_entry_without_a_release_stays_spent_and_is_never_drawn_again(north: North) -> None:
    north.ledger.close()

    def dies(_: int, /) -> bytes:
        raise KeyboardInterrupt

    north.start(dies)
    north.join()
    with pytest.raises(KeyboardInterrupt):
        north.ask()
    north.restart()
    north.refuses(RefusalCode.WRONG_ORDER)
    assert [charge.rho for charge in inspect(north.directory).book.charges] == [COST]
    assert isinstance(north.ask(number=2), RoundReply)


def test_a_session_cannot_spend_more_than_its_plan(north: North) -> None:
    assert PLAN.privacy is not None
    total = allotment(PLAN.privacy, PLAN.max_leaves).total
    assert isinstance(north.ask(cost=total - COST), RoundReply)
    north.refuses(RefusalCode.POLICY, number=2, cost=COST + 1)
    assert isinstance(north.ask(number=2, cost=COST), RoundReply)
    north.refuses(RefusalCode.POLICY, number=3, cost=1000)
    north.restart()
    north.refuses(RefusalCode.POLICY, number=3, cost=1000)


def test_limits_of_the_policy_hold_over_sessions(tmp_path: Path) -> None:
    policy = granting_policy(PLAN).model_copy(update={"epsilon_per_year": 1.0, "epsilon_per_data_version": 1.0})
    north = North(tmp_path / "ledger", policy=policy)
    north.join()
    assert PLAN.privacy is not None
    assert isinstance(north.ask(cost=allotment(PLAN.privacy, PLAN.max_leaves).total), RoundReply)
    other = bytes(16 * [9])
    north.join(other)
    north.refuses(RefusalCode.POLICY, session=other)
    north.ledger.close()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"radii": b""}, RefusalCode.WRONG_SHAPE),
        ({"radii": words_to_bytes(np.array([GRID_UNITS, 0]))}, RefusalCode.WRONG_SHAPE),
        ({"radii": words_to_bytes(np.array([GRID_UNITS, 2 * GRID_UNITS + 1]))}, RefusalCode.WRONG_SHAPE),
        ({"phase": Phase.REFINING}, RefusalCode.WRONG_SHAPE),
        ({"phase": Phase.RADIUS}, RefusalCode.WRONG_SHAPE),
        ({"centroids": words_to_bytes(CENTROIDS * 9)}, RefusalCode.WRONG_SHAPE),
        ({"cost": 0}, RefusalCode.POLICY),
        ({"cost": 99}, RefusalCode.POLICY),
        ({"cost": 10**15}, RefusalCode.POLICY),
        ({"cohort": ("north",)}, RefusalCode.COHORT_TOO_SMALL),
        ({"cohort": ("east", "south")}, RefusalCode.WRONG_COHORT),
    ],
)
def test_what_no_protected_run_asks_is_refused_and_costs_nothing(
    north: North, changes: dict[str, object], code: RefusalCode
) -> None:
    north.refuses(code, **changes)


@pytest.mark.parametrize(
    "change",
    [
        {"units": frozenset({"person"})},
        {"epsilon_per_session": 0.5, "epsilon_per_release": 0.5},
        {"delta": 1e-7},
        {"cell_floor": 12},
        {"protections": frozenset({"secure"})},
    ],
    ids=["another unit", "more epsilon", "more delta", "a lower floor", "another protection"],
)
def test_a_plan_that_promises_less_than_the_policy_demands_is_not_joined(
    tmp_path: Path, change: dict[str, object]
) -> None:
    policy = Policy.model_validate(granting_policy(PLAN).model_dump() | change)
    north = North(tmp_path / "ledger", policy=policy)
    reply = north.join()
    assert isinstance(reply, Refusal)
    assert reply.code is RefusalCode.POLICY
    north.ledger.close()


def test_without_a_ledger_no_protected_plan_is_joined() -> None:
    bare = Station("north", granting_policy(PLAN), lambda _: store_of(ROWS))
    reply = decode(bare.answer(encode(Offer(session=SESSION, plan=PLAN.canonical()))))
    assert isinstance(reply, Refusal)
    assert reply.code is RefusalCode.POLICY


def test_kept_words_that_were_changed_stop_the_station(north: North) -> None:
    north.ask()
    (vector,) = (north.directory / "vectors").iterdir()
    vector.chmod(0o600)
    held = bytearray(vector.read_bytes())
    held[-1] ^= 1
    vector.write_bytes(bytes(held))
    for number, attempt in ((1, 2), (2, 1)):
        reply = north.ask(number=number, attempt=attempt)
        assert isinstance(reply, Refusal)
        assert reply.code is RefusalCode.STOPPED
    assert isinstance(north.join(), Refusal), "nothing is answered any more"


@pytest.mark.parametrize(("honest_floor", "objection"), [(2, None), (3, "policy"), (10_000, "policy")])
def test_a_plan_that_counts_on_more_bureaus_than_must_take_part_is_not_accepted(
    honest_floor: int, objection: str | None
) -> None:
    plan = private_plan(N_FEATURES, {**TERMS, "honest_floor": honest_floor}, protection="secure", min_cohort=3)
    assert granting_policy(plan).objection_to_plan(plan) == objection


def test_a_part_of_the_noise_never_leaves_without_masks(tmp_path: Path) -> None:
    plan = private_plan(N_FEATURES, TERMS, protection="secure", min_cohort=3)
    north = North(tmp_path / "ledger", plan)
    reply = north.join()
    assert isinstance(reply, Refusal)
    assert reply.code is RefusalCode.POLICY
    north.refuses(RefusalCode.WRONG_SESSION)
    north.ledger.close()


def test_a_bureau_without_claims_answers_like_any_other(tmp_path: Path) -> None:
    north = North(tmp_path / "ledger")
    north.store = store_of(ROWS[:0])
    north.join()
    for number, phase in enumerate((Phase.SEEDING, Phase.LLOYD, Phase.MEASURE), 1):
        words = words_of(north.ask(number=number, phase=phase), n_words(PLAN, phase, 2))
        assert np.abs(words).max() > GRID_UNITS, "noise alone"
    north.ledger.close()


def test_a_ledger_on_the_disk_is_what_counts(north: North) -> None:
    north.ask()
    assert (north.directory / CHAIN_FILE).stat().st_size > 0
    north.restart()
    assert north.ledger.spending.total == COST


def test_noise_that_cannot_be_drawn_is_refused_before_it_is_paid_for(tmp_path: Path) -> None:
    terms = {"unit": "person", "weighting": "capped", "claims_per_person": 1000, "bureaus_per_person": 100}
    plan = private_plan(N_FEATURES, terms | {"expected_units": 20_000, "epsilon_thousandths": 1000}, n_clusters=3)
    north = North(tmp_path / "ledger", plan)
    assert isinstance(north.join(), Join)
    north.refuses(RefusalCode.WRONG_PLAN, cost=20_000)
    assert north.ledger.spending.total == 0
    north.ledger.close()
