"""The registry of one coordinator: runs, models, nodes, ticks and its stream in one database."""

from __future__ import annotations

from dataclasses import dataclass

from server.registry.alerts import Alerts
from server.registry.models import Models
from server.registry.nodes import Nodes
from server.registry.opening import Database
from server.registry.runs import Runs
from server.registry.stream import Streams
from server.registry.ticking import Ticking
from server.registry.ticks import Ticks


@dataclass(frozen=True, slots=True)
class Registry:
    """Everything that a coordinator remembers of its runs.

    Attributes:
        database: Opened; its tables are of this software's version.
    """

    database: Database

    @property
    def runs(self) -> Runs:
        """What was ordered, and what became of it."""
        return Runs(self.database)

    @property
    def models(self) -> Models:
        """What was published."""
        return Models(self.database)

    @property
    def nodes(self) -> Nodes:
        """Who is let in."""
        return Nodes(self.database)

    @property
    def ticking(self) -> Ticking:
        """Until when the schedule's ticks are accounted for."""
        return Ticking(self.database)

    @property
    def streams(self) -> Streams:
        """The stream that is followed, and what people wish of it."""
        return Streams(self.database)

    @property
    def ticks(self) -> Ticks:
        """The stream's ticks."""
        return Ticks(self.database)

    @property
    def alerts(self) -> Alerts:
        """What people were, or are to be, told of."""
        return Alerts(self.database)
