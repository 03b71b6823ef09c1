"""What a stream's simulation has to tell: every tick, and what was true beside what was published."""

from __future__ import annotations

from dataclasses import dataclass, field

from common.plan import Plan
from common.stream.alarms import Alarm
from common.stream.state import StreamState
from simulations.world.happenings import Happening


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How well a model fits the claims of one window; worked out inside the simulation, nobody could know it.

    Attributes:
        inertia: Mean squared distance of the window's claims to their cluster, squared feature units.
        oracle: The same for scikit-learn's k-means on these very claims, pooled, with as many clusters.
        frozen: The same for the stream's first model.
        riv: Share of the variance of log cost that lies between clusters.
    """

    inertia: float
    oracle: float
    frozen: float
    riv: float

    @property
    def ratio(self) -> float:
        """Inertia over the oracle's; 1 is as good."""
        return self.inertia / self.oracle


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One window of the schedule.

    Attributes:
        number: From 1.
        closes: Second since 1970, on the claims' own clock.
        n_claims: That arrived in the window, in all bureaus.
        asked: Bureaus that could be reached.
        answered: Bureaus whose claims are in the sum; none where the old model was kept.
        kept_because: Why the old model was kept; empty where a new one was published.
        state: Believed after the window; None before the first model.
        alarms: What people should look at.
        quality: Of the model in force after the window; None before the first.
        cell_counts: Claims of this window in each cluster, by identity: true, for pictures of the simulation alone.
        station_s: Seconds that the slowest bureau computed.
        coordinator_s: Seconds that the coordinator computed.
    """

    number: int
    closes: int
    n_claims: int
    asked: tuple[str, ...]
    answered: tuple[str, ...]
    kept_because: str
    state: StreamState | None
    alarms: tuple[Alarm, ...]
    quality: Quality | None
    cell_counts: dict[int, int] = field(default_factory=dict)
    station_s: float = 0.0
    coordinator_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What the windows have cost, as the bureaus' own books say.

    Attributes:
        epsilon: Most that any protected unit of any bureau was charged so far, at the plan's delta.
        entered: Claims that have entered a window.
        left_out: Claims that were left out, by reason.
        limit: Epsilon that a year may cost whoever is protected.
    """

    epsilon: float
    entered: int
    left_out: dict[str, int]
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStory:
    """All of it.

    Attributes:
        plan: Agreed on for the stream.
        every_s: Seconds between ticks.
        opens: First second of the world.
        bureaus: Names, largest first.
        happenings: What happens in the world, with hours since it opened.
        ticks: In order.
        spending: After each tick, in their order.
        command: What reproduces it.
        seconds: That it took, by stage.
    """

    plan: Plan
    every_s: int
    opens: int
    bureaus: tuple[str, ...]
    happenings: tuple[Happening, ...]
    ticks: tuple[Tick, ...]
    spending: tuple[Spending, ...]
    command: str
    seconds: dict[str, float]
