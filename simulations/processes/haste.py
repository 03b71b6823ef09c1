"""Flower with shorter pauses: three modules of it, pinned to the version we read, get other waits.

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
    if getattr(loop, "time", None) is not time:
        raise EngineError(_changed(loop))
    hasten_parts(loop)
    vars(loop)["time"] = _Capped(longest_s=longest_pause_s)


def hasten_parts(module: ModuleType) -> None:
    """Look again soon for parts of a message that are on their way.

    Args:
        module: Of Flower; pulls objects.

    Raises:
        EngineError: If Flower has changed.
    """
    pull = getattr(module, "pull_objects", None)
    if not callable(pull):
        raise EngineError(_changed(module))
    vars(module)["pull_objects"] = partial(pull, initial_backoff=PARTS_PAUSE_S, backoff_cap=PARTS_LONGEST_PAUSE_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Capped:
    """In the place of the module ``time``; a SuperNode's loop uses nothing but its sleep."""

    longest_s: float

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, self.longest_s if seconds > NETWORK_PAUSE_S else REPLY_PAUSE_S))


def _changed(module: ModuleType) -> str:
    return f"{module.__name__} is not the one we know: install flwr 1.41"
