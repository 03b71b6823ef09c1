"""Flower with shorter pauses: two modules of it, pinned to the version we read, get other waits.

A stock SuperNode looks for messages every three seconds and for replies every half; whoever sees a message before its
parts waits a second. What is sent, checked or kept is not touched. Where a name is gone, nothing starts.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from types import ModuleType

from common.errors import EngineError

REPLY_PAUSE_S = 0.02
"""Between two looks for a reply in a SuperNode's own memory; its look at the SuperLink costs a request."""

NETWORK_PAUSE_S = 1.0
"""A SuperNode that wants to sleep longer is about to ask the SuperLink."""

PARTS_PAUSE_S = 0.02
PARTS_LONGEST_PAUSE_S = 0.5


def hasten_supernode(loop: ModuleType, longest_pause_s: float) -> None:
    """Cap the pauses of a SuperNode.

    Args:
        loop: ``flwr.supernode.start_client_internal``.
        longest_pause_s: Between two looks at the SuperLink.

    Raises:
        EngineError: If Flower has changed.
    """
    insist_hastened(loop)
    hasten_parts(loop)
    vars(loop)["time"] = _Capped(longest_s=longest_pause_s)


def insist_hastened(loop: ModuleType) -> None:
    """Insist on what ``hasten_supernode`` changes.

    Raises:
        EngineError: If Flower has changed.
    """
    if getattr(loop, "time", None) is not time or not callable(getattr(loop, "pull_objects", None)):
        raise changed(loop)


def hasten_parts(module: ModuleType) -> None:
    """Look again soon for parts of a message that are on their way.

    Args:
        module: Of Flower; pulls objects.

    Raises:
        EngineError: If Flower has changed.
    """
    pull = getattr(module, "pull_objects", None)
    if not callable(pull):
        raise changed(module)
    vars(module)["pull_objects"] = partial(pull, initial_backoff=PARTS_PAUSE_S, backoff_cap=PARTS_LONGEST_PAUSE_S)


def changed(module: ModuleType) -> EngineError:
    """What to say of a Flower that is not the one that was read."""
    return EngineError(f"{module.__name__} is not the one we know: install flwr 1.41")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Capped:
    """In the place of the module ``time``; a SuperNode's loop uses nothing but its sleep."""

    longest_s: float

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, self.longest_s if seconds > NETWORK_PAUSE_S else REPLY_PAUSE_S))
