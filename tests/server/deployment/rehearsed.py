"""A coordinator's directory over stations of this very process: real masks, and a clock that is moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from common.consortium.signed import Pin
from common.plan import Plan
from server.consortium.files import write_key
from server.consortium.holding import KEY_FILE, PIN_FILE, ROSTER_FILE
from server.deployment.binding import BoundTransport
from server.deployment.conducting import conduct
from server.deployment.office import Office
from server.registry.run import UNDER_WAY, Purpose, Run, WantedBy
from simulations import bureaus
from simulations.bureaus import WorldClaims, gather_bureaus
from simulations.consortium import signed_roster, simulated_consortium
from simulations.loopback import Answer, Loopback
from simulations.world import World
from tests.server.deployment.coordinators import Seat, generous


@dataclass
class Clock:
    """Seconds since 1970, moved by hand."""

    now: int = 1_900_000_000

    def __call__(self) -> int:
        return self.now


@dataclass
class Flapping:
    """Stations of which some are not there."""

    stations: Mapping[str, Answer]
    absent: set[str] = field(default_factory=set)

    def nodes(self) -> Sequence[str]:
        return [name for name in self.stations if name not in self.absent]

    def exchange(self, requests: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        asked = {name: request for name, request in requests.items() if name not in self.absent}
        with Loopback(self.stations, 1) as loopback:
            yield from loopback.exchange(asked)


@dataclass
class Rehearsed:
    """Everything that a run needs, but Flower."""

    seat: Seat
    clock: Clock
    transport: Flapping
    names: tuple[str, ...]

    @property
    def office(self) -> Office:
        return replace(self.seat.office, clock=self.clock)

    def conduct(self, run: Run) -> None:
        conduct(
            self.office, run.code, lambda _: BoundTransport(self.transport, lambda found: {one: one for one in found})
        )

    def ordered(self, purpose: Purpose = Purpose.CLUSTERS) -> Run:
        """An order whose turn has come."""
        runs = self.office.registry.runs
        run = runs.order(WantedBy.OPERATOR, self.clock(), purpose=purpose)
        runs.start(run.number)
        return run

    def found(self, run: Run) -> Run:
        found = self.office.registry.runs.find(run.number)
        assert found is not None
        return found


@dataclass
class InProcess:
    """An engine that runs a run at once, where it stands."""

    rehearsed: Rehearsed
    before: Callable[[Run], None] = lambda _: None

    def ready(self) -> bool:
        return True

    def launch(self, run: Run) -> str:
        self.before(run)
        self.rehearsed.conduct(run)
        return "0"

    def is_alive(self, run: Run) -> bool:
        return run.state in UNDER_WAY

    def end(self, run: Run) -> None:
        pass


@contextmanager
def rehearsed(
    root: Path, monkeypatch: pytest.MonkeyPatch, plan_text: str, n_bureaus: int = 3, n_claims: int = 3000
) -> Iterator[Rehearsed]:
    """A coordinator over so many bureaus, which grant its plan again and again."""
    seat = Seat(root / "c", plan_text).begin()
    monkeypatch.setattr(bureaus, "granting_policy", generous)
    world = WorldClaims(world=World(n_bureaus=n_bureaus, n_claims=n_claims, seed=4))
    plan: Plan = seat.plan
    gathered = gather_bureaus(world, plan.features, plan.cost_cap_yuan)
    names = tuple(sorted(gathered.by_name))
    with gathered.stations(plan, 1) as stations:
        hold(seat, names)
        yield Rehearsed(seat, Clock(), Flapping(stations), names)
    gathered.close()


def hold(seat: Seat, names: tuple[str, ...]) -> None:
    """Let a seat hold the consortium that its stations know."""
    directory, signed = seat.place.consortium, signed_roster(names)
    directory.mkdir(0o700)
    write_key(directory / KEY_FILE, simulated_consortium(names).coordinator, None)
    (directory / ROSTER_FILE).write_bytes(signed.to_json())
    (directory / PIN_FILE).write_text(Pin(governance=signed.roster.governance).model_dump_json())
