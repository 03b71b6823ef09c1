"""Streams for tests: a coordinator's directory over stations of this process, and a clock that is moved."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from common.stream.state import StreamState
from server.deployment.office import Office
from server.deployment.stream.alerting import tell
from server.deployment.stream.begun import begin
from server.deployment.stream.following import follow
from server.deployment.stream.windows import model_of, newest_state
from server.deployment.watching import Watch
from server.registry.run import Run
from server.registry.tick import Outcome, Tick
from simulations.ledgers import in_memory
from tests.server.deployment.coordinators import NAMES, Seat
from tests.server.deployment.rehearsed import Clock, Flapping, InProcess, Rehearsed, hold
from tests.server.deployment.stream.stations import Bureaus, stations

NAME = "ab" * 16
EVERY = 900
SECTION = """
[stream]
every = "15m"
"""
WINDOWED = """\
clusters = 3
epsilon = 4.0
unit = "claim"
weighting = "each_claim"
expected_units = 3000
[tuning]
leaves_per_cluster = 1
reduction_restarts = 1
[tuning.division]
passes_per_level = 1
polish_rounds = 2
"""


@dataclass
class Streamed(Rehearsed):
    """A coordinator that follows a stream; the noise of a window follows from its number."""

    bureaus: Bureaus = field(default_factory=lambda: Bureaus(answers={}))
    before: Callable[[Run], None] = lambda _: None
    window: int = 0

    def conduct(self, run: Run) -> None:
        """Over stations that know, as noise is drawn, which window is asked about."""
        tick = self.office.registry.ticks.of_run(run.number)
        self.window = 0 if tick is None else tick.number
        super().conduct(run)

    def seed_bytes(self, name: str, length: int, /) -> bytes:
        """A bureau's noise in a window: the same whenever it is asked about."""
        return hashlib.shake_256(f"{name} {self.window}".encode()).digest(length)

    def tick(self, n_ticks: int = 1) -> Tick:
        """Time goes on, claims arrive, a tick comes and is gone through."""
        for _ in range(n_ticks):
            self.bureaus.arrive(self.clock() + 1)
            self.clock.now += EVERY
            self.look()
        return self.ticks[-1]

    def look(self, office: Office | None = None) -> None:
        """What the service does in a look."""
        office = office or self.office
        follow(office)
        tell(office)
        watch = Watch(office, InProcess(self, self.before))
        watch.look()
        tell(office)

    @property
    def ticks(self) -> list[Tick]:
        """All ticks, the oldest first."""
        return self.office.registry.ticks.newest(NAME, 10_000)[::-1]

    def is_over(self) -> bool:
        """Whether the newest tick has ended."""
        return bool(self.ticks) and self.ticks[-1].outcome is not Outcome.UNDER_WAY

    @property
    def told(self) -> list[tuple[int, str, str]]:
        """What became of every tick."""
        return [(one.number, str(one.outcome), one.reason) for one in self.ticks]

    @property
    def state(self) -> StreamState:
        """Believed after the newest window."""
        found = newest_state(self.office, NAME)
        assert found is not None
        return found

    @property
    def states(self) -> dict[int, str]:
        """What is believed after every published window, by its number."""
        published = {one.number: one.version for one in self.ticks if one.version is not None}
        found = {number: model_of(self.office, version).stream for number, version in published.items()}
        return {number: state.model_dump_json() for number, state in found.items() if state is not None}


@contextmanager
def streamed(
    root: Path, *, section: str = SECTION, plan_text: str = WINDOWED, pools: bool = False, begins: bool = True
) -> Iterator[Streamed]:
    """A coordinator over three bureaus that has begun a stream."""
    seat, clock = Seat(root / "c", plan_text).begin(), Clock()
    configured(seat, section)
    hold(seat, NAMES)
    found = Streamed(seat, clock, Flapping({}), NAMES)
    with (
        tempfile.TemporaryDirectory(dir=in_memory()) as directory,
        stations(Path(directory), seat.plan, clock, found.seed_bytes, pools=pools) as bureaus,
    ):
        found.bureaus, found.transport = bureaus, Flapping(bureaus.answers)
        if begins:
            begin(found.office, NAME)
        yield found


def configured(seat: Seat, section: str) -> None:
    """Write the section into a coordinator's configuration."""
    seat.configure("[registry]\n", f"{section}\n[registry]\n")
    seat.reopen()
