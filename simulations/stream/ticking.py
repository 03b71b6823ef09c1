"""A stream on a virtual clock: claims arrive, every tick asks real stations about a window, a model follows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

from threadpoolctl import threadpool_limits

from common.columns import ClaimTable
from common.errors import CohortError, PlanError, RefusedError, RoundLostError
from common.features.rows import Featuriser
from common.pacing import Pace, going_on, pace_of, seeding, wants_reseeding
from common.plan import Plan
from common.private.feasible import feasibility
from common.stream.alarms import alarms_of
from common.stream.state import StreamState
from common.stream.window import Window
from server.session import SessionReport
from simulations.bureaus import pseudonym_key
from simulations.conducting import conduct
from simulations.loopback import Answer, Loopback
from simulations.receiving import receive
from simulations.stream.judging import Judge
from simulations.stream.story import Spending, Tick
from simulations.terms import estimate, honest_floor, threshold
from simulations.windowed import ReceivedClaims, WindowedStations, windowed_stations
from simulations.world.arriving import ArrivingWorld

STREAM = "5f" * 16


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTerms:
    """How a stream is run.

    Attributes:
        base: Agreed on: features, protection, privacy of one window, clusters to begin with.
        every_s: Seconds between ticks.
        memory: What earlier windows weigh, per mille.
        fewest_bureaus: That a new cluster must be seen in.
        n_threads: Stations that work at once.
    """

    base: Plan
    every_s: int
    memory: int
    fewest_bureaus: int
    n_threads: int


@dataclass(slots=True)
class _Timed:
    """A station, and the seconds that it has worked."""

    answer: Answer
    seconds: float = 0.0

    def __call__(self, request: bytes) -> bytes:
        began = time.perf_counter()
        reply = self.answer(request)
        self.seconds += time.perf_counter() - began
        return reply


@dataclass(slots=True, kw_only=True)
class _Clock:
    now: int

    def __call__(self) -> int:
        return self.now


@dataclass(slots=True, kw_only=True)
class StreamRun:
    """One stream over a world.

    Guarantees:
        * Every tick is accounted for: a model was published, or the old one was kept for a reason that is told.
        * Claims of ticks that were not asked about, and of bureaus that could not be reached, wait for a later window.

    Attributes:
        world: Where claims arrive.
        terms: How it is run.
    """

    world: ArrivingWorld
    terms: StreamTerms
    _state: StreamState | None = None
    _waiting: float = 0.0
    _number: int = 0
    _received: dict[str, ReceivedClaims] = field(default_factory=dict)

    def ticks(self) -> Iterator[tuple[Tick, Spending]]:
        """All ticks of the world, one after another, and what they have cost so far.

        Raises:
            PlanError: If the base does not make a plan for these bureaus.
        """
        base = fitted(self.terms.base, len(self.world.bureaus))
        n_ticks = self.world.hours * 3600 // self.terms.every_s
        self._received = {
            one.name: ReceivedClaims(base, pseudonym_key(one.name, self.world.seed)) for one in self.world.bureaus
        }
        first = Window(stream=STREAM, number=1, closes=self.world.opens + self.terms.every_s)
        clock, judge = _Clock(now=self.world.opens), Judge(Featuriser(base.features))
        with (
            threadpool_limits(1, user_api="blas"),
            windowed_stations(self._received, seeding(base, first, 1.0), clock) as bureaus,
        ):
            stations = {name: _Timed(answer) for name, answer in bureaus.answers.items()}
            for number in range(1, n_ticks + 1):
                clock.now = self.world.opens + number * self.terms.every_s
                tick = self._tick(number, clock.now, base, stations, judge)
                yield tick, _spending(bureaus)

    def _tick(self, number: int, now: int, base: Plan, stations: Mapping[str, _Timed], judge: Judge) -> Tick:
        pooled = judge.pooled(self._receive(now))
        reachable = [one.name for one in self.world.bureaus if one.reachable(now - 1)]
        self._number = number
        before, plan = self._state, self._plan(base, now)
        reason, answered, spent = self._reason(plan), tuple[str, ...](), (0.0, 0.0)
        if not reason:
            reason, answered, spent = self._ask(plan, {name: stations[name] for name in reachable}, now)
        after = self._state
        new = after is not None and after is not before
        return Tick(
            number=number,
            closes=now,
            n_claims=len(pooled.rows),
            asked=tuple(reachable),
            answered=answered,
            kept_because=reason,
            state=after,
            alarms=alarms_of(before, after) if new and after is not None else (),
            quality=None if after is None else judge.quality(after, pooled),
            cell_counts={} if after is None else judge.counts(after, pooled),
            station_s=spent[0],
            coordinator_s=spent[1],
        )

    def _receive(self, now: int) -> list[ClaimTable]:
        """Claims of a window arrive at all bureaus; given back pooled, as only the simulation can see them."""
        tables: list[ClaimTable] = []
        for bureau in self.world.bureaus:
            for claims in receive(bureau, now - self.terms.every_s, now):
                self._received[bureau.name].append(claims.table, claims.claim_keys, claims.settled)
                tables.append(claims.table)
        self._waiting += sum(map(len, tables))
        return tables

    def _plan(self, base: Plan, now: int) -> Plan:
        state = self._state
        window = Window(
            stream=STREAM,
            number=self._number,
            closes=now,
            state=state,
            memory=self.terms.memory,
            fewest_bureaus=self.terms.fewest_bureaus,
            reseeds=state is not None and wants_reseeding(state),
        )
        if window.goes_on is None:
            return seeding(base, window, float(estimate(int(self._waiting))))
        return going_on(base, window)

    def _reason(self, plan: Plan) -> str:
        if pace_of(plan, len(self.world.bureaus)) is not Pace.POOL:
            return ""
        return f"too few claims: feasibility index {feasibility(plan, len(self.world.bureaus)).phi:.1f}"

    def _ask(
        self, plan: Plan, stations: Mapping[str, _Timed], now: int
    ) -> tuple[str, tuple[str, ...], tuple[float, float]]:
        """Why nothing was published (or nothing), who answered, and the seconds of stations and coordinator."""
        for station in stations.values():
            station.seconds = 0.0
        began = time.perf_counter()
        try:
            report = self._conducted(plan, stations, now)
        except (CohortError, RoundLostError, RefusedError, PlanError) as error:
            return f"{type(error).__name__}: {error}", (), (0.0, 0.0)
        whole = time.perf_counter() - began
        self._state, self._waiting = report.model.stream, 0.0
        worked = [station.seconds for station in stations.values()]
        return "", report.model.provenance.cohort, (max(worked), max(whole - sum(worked), 0.0))

    def _conducted(self, plan: Plan, stations: Mapping[str, _Timed], now: int) -> SessionReport:
        names = tuple(sorted(self._received))
        with Loopback(stations, self.terms.n_threads) as transport:
            return conduct(plan, names, transport, lambda _: None, now=now)


def _spending(bureaus: WindowedStations) -> Spending:
    """What the bureaus' own books say, together."""
    found = bureaus.odometers()
    spent = [one.largest for each in found for one in each.spent]
    left_out = [asdict(each.left_out) for each in found]
    seats = list(bureaus.seats.values())
    return Spending(
        epsilon=max(spent, default=0.0),
        entered=sum(each.claims for each in found),
        left_out={reason: sum(each[reason] for each in left_out) for reason in (left_out[0] if left_out else {})},
        limit=min(seat.policy.epsilon_per_year for seat in seats),
    )


def fitted(base: Plan, n_bureaus: int) -> Plan:
    """The base for so many bureaus: a run goes on without some, but never with fewer than a secure sum must hold.

    Raises:
        PlanError: If they are too few, or the base protects nobody.
    """
    least = threshold(n_bureaus)
    if n_bureaus < 3 or base.privacy is None:  # noqa: PLR2004  with two, each would know the other's sums
        raise PlanError("a stream is protected, and needs 3 bureaus: add bureaus")
    privacy = base.privacy.model_dump() | {"honest_floor": honest_floor(n_bureaus)}
    return Plan.model_validate(base.model_dump() | {"privacy": privacy, "min_cohort": least})
