"""Laws over any sequence of arrivals, windows, edits, other runs, deaths and restarts; what breaks them is noticed."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from client.ledger.ledger import inspect
from client.ledger.spending import YEAR_S
from client.releasing import rho_within, whole_cost
from client.windows import choosing
from client.windows.errors import BrokenBookError
from client.windows.windows import Windows
from common.messages import RoundReply
from common.plan import Plan
from simulations.ledgers import in_memory
from tests.client.ledger.releases import Clock
from tests.client.windows.streaming import STREAM, streaming, window_plan
from tests.common.private_run import private_plan
from tests.parties import N_FEATURES

YEAR = {"epsilon_per_year": 2.5, "epsilon_per_data_version": 2.5}
PERSON = {"unit": "person", "weighting": "shared"}
CAPPED = {"unit": "person", "weighting": "capped", "claims_per_person": 2}
PLAIN = private_plan(N_FEATURES, PERSON, n_clusters=3, min_cohort=2)

actions = st.lists(
    st.one_of(
        st.tuples(st.just("arrive"), st.integers(0, 3), st.integers(1, 3)),
        st.tuples(st.just("tick"), st.sampled_from([PERSON, CAPPED]), st.sampled_from([STREAM, "77" * 16])),
        st.tuples(st.just("dies"), st.sampled_from(["enter", "mark", "draw", "persist"]), st.just(0)),
        st.tuples(st.just("again"), st.just(0), st.just(0)),
        st.tuples(st.just("edit"), st.integers(0, 20), st.just(0)),
        st.tuples(st.just("plain"), st.just(0), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, YEAR_S // 2), st.just(0)),
        st.tuples(st.just("restart"), st.just(0), st.just(0)),
    ),
    max_size=25,
)


class _DeathError(BaseException):
    """The process dies here: no handler of ours may swallow it."""


@dataclass
class World:
    """A station, and what an onlooker remembers who sees everything."""

    directory: Path
    limits: dict[str, object] = field(default_factory=lambda: dict(YEAR))
    windows: type[Windows] = Windows
    dies: str = ""
    session: int = 0
    answered: dict[int, list[int]] = field(default_factory=dict)
    sent: dict[int, bytes] = field(default_factory=dict)
    asked: list[tuple[Plan, int]] = field(default_factory=list)
    losses: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.north = streaming(self.directory / "ledger", window_plan(1, self.clock.now), self.clock, **self.limits)
        self.restart()

    def restart(self) -> None:
        self.north.restart(windows=self.windows)
        self.dies = ""

    def act(self, what: str, first: Any, second: Any) -> None:  # noqa: C901  one line a kind of event
        north = self.north
        match what:
            case "arrive":
                north.claims.add([first] * second, self.clock.now - 1)
            case "edit" if len(north.claims.keys):
                north.claims.edit(first % len(north.claims.keys))
            case "wait":
                self.clock.now += first
            case "restart":
                self.restart()
            case "dies":
                self.dies = first
            case "plain":
                self.session += 1
                self.ask(PLAIN, self.session)
            case "again" if self.asked:
                self.ask(*self.asked[-1])
            case "tick":
                self.session += 1
                self.asked.append((window_plan(self.session, self.clock.now, stream=second, **first), self.session))
                self.ask(*self.asked[-1])

    def ask(self, plan: Plan, session: int) -> None:
        try:
            with self.dying():
                self.north.offer(plan, session)
                reply = self.north.ask(plan, session, attempt=1 + len(self.sent))
        except _DeathError:
            self.restart()
            return
        if isinstance(reply, RoundReply):
            assert self.sent.setdefault(session, reply.summary) == reply.summary, "the same bytes for ever"
            self.note(plan, session)

    @contextmanager
    def dying(self) -> Iterator[None]:
        """The next death takes place where it was said."""
        north = self.north

        def death(*_: object) -> Any:
            raise _DeathError

        places = {
            "enter": (north.windows, "enter"),
            "mark": (north.ledger, "mark"),
            "draw": (north.station._releases, "_seed_bytes"),
            "persist": (north.ledger, "_persist"),
        }
        with pytest.MonkeyPatch.context() as patch:
            if self.dies:
                patch.setattr(*places[self.dies], death)
            yield

    def note(self, plan: Plan, session: int) -> None:
        """Everybody's true loss of an answer, claim by claim."""
        assert plan.privacy is not None
        rho, claims = whole_cost(plan, plan.privacy), self.north.claims
        if plan.window is None:
            for person in range(4):
                self.losses.setdefault(person, []).append((self.clock.now, rho))
            return
        mine = sorted(self.north.entered(session))
        if session in self.answered:
            return
        self.answered[session] = mine
        cap = plan.privacy.claims_per_person
        for person, count in Counter(int(claims.persons[key]) for key in mine).items():
            loss = rho if cap == 1 else -(-rho * min(count, cap) ** 2 // cap**2)
            self.losses.setdefault(person, []).append((self.clock.now, loss))

    def check(self) -> None:
        keys = [key for found in self.answered.values() for key in found]
        assert len(keys) == len(set(keys)), "a claim is in one released answer"
        limit = rho_within(2.5, self.north.policy.delta)
        for made in self.losses.values():
            for end, _ in made:
                assert sum(rho for at, rho in made if end - YEAR_S < at <= end) <= limit, "within the year"
        found = self.north.book.spent_by_persons(np.arange(4, dtype=np.uint64), self.clock.now)
        assert found.max() <= limit
        marks = inspect(self.north.directory).book.marks
        assert {one.name.place: one.digest.hex() for one in self.north.book.windows} == marks


def run(todo: list[tuple[str, Any, Any]], **how: Any) -> None:
    with tempfile.TemporaryDirectory(dir=in_memory()) as place:
        world = World(Path(place), **how)
        try:
            for action in todo:
                world.act(*action)
            world.restart()
            world.check()
        finally:
            world.north.stop()


@settings(derandomize=True, deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(actions)
def test_whatever_happens_no_claim_is_released_twice_and_nobody_spends_more_than_a_year(
    todo: list[tuple[str, Any, Any]],
) -> None:
    run(todo)


TICKS = [("arrive", 1, 1), ("tick", PERSON, STREAM)]


class Forgetful(Windows):
    """Enters nothing."""

    def enter(self, plan: Plan, session: bytes) -> None:
        held = self._of(plan, session).entry()
        self._account.ledger.mark(held.name.place, bytes(32))


def test_a_filter_that_lets_everybody_pass_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "admitted", lambda spent, _charges, _cap: np.ones(len(spent), np.bool_))
    with pytest.raises(AssertionError, match="within the year"):
        run(TICKS * 8)


def test_a_filter_that_forgets_half_of_what_was_charged_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "admitted", lambda spent, charges, cap: spent // 2 + charges <= cap)
    with pytest.raises(AssertionError, match="within the year"):
        run(TICKS * 12)


def test_a_filter_that_does_not_know_of_other_runs_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = choosing.admitted
    monkeypatch.setattr(choosing, "admitted", lambda spent, charges, _cap: usual(spent, charges, rho_within(2.5, 1e-6)))
    with pytest.raises(AssertionError, match="within the year"):
        run([("plain", 0, 0), *TICKS * 8])


def test_windows_that_enter_nothing_would_be_caught() -> None:
    with pytest.raises((AssertionError, BrokenBookError), match=r"one released answer|forgotten"):
        run(TICKS * 3, windows=Forgetful)


def test_a_chooser_that_forgets_what_has_entered_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing.Entered, "has_as_is", lambda _, keys, __: np.zeros(len(keys), np.bool_))
    monkeypatch.setattr(choosing.Entered, "has", lambda _, keys: np.zeros(len(keys), np.bool_))
    with pytest.raises(AssertionError, match="one released answer"):
        run(TICKS * 3)
