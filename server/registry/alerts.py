"""What people are told of a stream: each alert once in the file, and posted until it has arrived."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from server.registry.facts import number, put
from server.registry.opening import Database
from server.registry.tables import ALERTS

LOOKED_AT = "version looked at for alerts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that people are told.

    Attributes:
        version: Of the model that gave rise to it.
        place: Among those of the version, from 0.
        noted: When it was found, seconds since 1970.
        held: What is told, as JSON has it.
    """

    version: int
    place: int
    noted: int
    held: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Alerts:
    """The alerts of a registry.

    Guarantees:
        * What a version gives rise to is noted once, whole, whoever tries.
    """

    database: Database

    def looked_at(self) -> int:
        """The newest version that was looked at; 0 if none was."""
        with self.database.reading() as connection:
            return number(connection, LOOKED_AT) or 0

    def note(self, version: int, found: Sequence[Mapping[str, Any]], now: int, *, posts: bool) -> None:
        """Note what a version gives rise to, if it was not looked at before.

        Args:
            version: Of the model.
            found: What is to be told.
            now: Seconds since 1970.
            posts: Whether there is anybody to post it to; what nobody waits for now is not posted later either.
        """
        with self.database.writing() as connection:
            if (number(connection, LOOKED_AT) or 0) >= version:
                return
            for place, held in enumerate(found):
                told = {"held": json.dumps(held), "posted": None if posts else now}
                values = {"version": version, "place": place, "noted": now, **told}
                connection.execute(ALERTS.insert().values(**values))
            put(connection, LOOKED_AT, str(version))

    def since(self, moment: int) -> list[Alert]:
        """Alerts that were found at a moment or later, the oldest first."""
        return self._found(ALERTS.c.noted >= moment, None)

    def unwritten(self, limit: int) -> list[Alert]:
        """Alerts that are not known to be in the file, the oldest first."""
        return self._found(ALERTS.c.written.is_(None), limit)

    def unposted(self, limit: int) -> list[Alert]:
        """Alerts that have not arrived, the oldest first."""
        return self._found(ALERTS.c.posted.is_(None), limit)

    def n_unposted(self) -> int:
        """How many have not arrived."""
        with self.database.reading() as connection:
            asked = sa.select(sa.func.count()).select_from(ALERTS).where(ALERTS.c.posted.is_(None))
            return int(connection.execute(asked).scalar() or 0)

    def note_written(self, alert: Alert, now: int) -> None:
        """It is in the file."""
        self._note(alert, written=now)

    def note_posted(self, alert: Alert, now: int) -> None:
        """It has arrived."""
        self._note(alert, posted=now)

    def _found(self, wanted: sa.ColumnElement[bool], limit: int | None) -> list[Alert]:
        asked = sa.select(ALERTS.c.version, ALERTS.c.place, ALERTS.c.noted, ALERTS.c.held).where(wanted)
        asked = asked.order_by(ALERTS.c.version, ALERTS.c.place)
        with self.database.reading() as connection:
            rows = connection.execute(asked if limit is None else asked.limit(limit)).mappings()
            return [Alert(**dict(row) | {"held": json.loads(row["held"])}) for row in rows]

    def _note(self, alert: Alert, **facts: int) -> None:
        wanted = (ALERTS.c.version == alert.version) & (ALERTS.c.place == alert.place)
        with self.database.writing() as connection:
            connection.execute(ALERTS.update().where(wanted).values(**facts))
