"""Logs as JSON lines on the standard error stream: an event, its fields, and of an exception its class alone."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

_LOG = logging.getLogger("server.deployment")


class JsonLines(logging.Formatter):
    """One line a record."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        held: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            held["error"] = record.exc_info[0].__name__
        return json.dumps(held, ensure_ascii=True, default=str)


def start_logging(level: str) -> None:
    """Send everything to the standard error stream."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def say(event: str, /, *, level: int = logging.INFO, **fields: object) -> None:
    """Log an event with its fields."""
    _LOG.log(level, event, extra={"fields": fields})
