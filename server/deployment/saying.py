"""What the service last said of itself, in a file for commands; never needed."""

from __future__ import annotations

import json
from typing import Any

from server.deployment.place import Place


def status_of(place: Place) -> dict[str, Any]:
    """What it said; nothing, if that is not there or damaged."""
    try:
        found = json.loads(place.status.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
