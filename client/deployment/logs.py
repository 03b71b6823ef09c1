"""Logs as JSON lines on the standard error stream: events and codes, never a claim's value.

What other people's packages say is left out, all but who said it: their texts may quote what they were given.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType

OURS = ("client", "common")
_LOG = logging.getLogger("client.deployment")


class JsonLines(logging.Formatter):
    """One line a record.

    Guarantees:
        * Of an exception there is its class, and neither text nor trace.
        * Of a record that is not ours there is its logger's name and level.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        ours = record.name.split(".")[0] in OURS
        held: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage() if ours else "something was said elsewhere",
        }
        fields = getattr(record, "fields", None) if ours else None
        if isinstance(fields, Mapping):
            held |= fields
        if record.exc_info and record.exc_info[0] is not None:
            held["error"] = record.exc_info[0].__name__
        return json.dumps(held, ensure_ascii=True, default=lambda value: type(value).__name__)


def start_logging(level: str) -> None:
    """Send everything to the standard error stream, whatever is raised where."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.raiseExceptions = False
    logging.captureWarnings(capture=True)
    warnings.simplefilter("ignore")
    sys.excepthook = _note
    threading.excepthook = lambda given: _note(given.exc_type, given.exc_value, given.exc_traceback)
    sys.unraisablehook = lambda given: _note(given.exc_type, given.exc_value, given.exc_traceback)


def say(event: str, /, *, level: int = logging.INFO, **fields: object) -> None:
    """Log an event with its fields."""
    _LOG.log(level, event, extra={"fields": fields})


def _note(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    del error, trace
    say("an error that nobody expected", level=logging.CRITICAL, error=kind.__name__)
