"""What a coordinator works with, whoever does the work: the service, a run's process, a command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from server.deployment.configuration import Configuration
from server.deployment.place import Place
from server.registry.registry import Registry

Clock = Callable[[], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What a coordinator works with.

    Attributes:
        place: Its directory.
        configuration: Of it.
        registry: Opened.
        clock: Says what time it is, in seconds since 1970.
    """

    place: Place
    configuration: Configuration
    registry: Registry
    clock: Clock
