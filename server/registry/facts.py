"""Single facts of a registry, by name."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from server.registry.tables import FACTS


def fact(connection: Connection, name: str) -> str | None:
    """What is held under a name, if there is anything."""
    held = connection.execute(sa.select(FACTS.c.held).where(FACTS.c.name == name)).scalar()
    return None if held is None else str(held)


def number(connection: Connection, name: str) -> int | None:
    """The number that is held under a name, if there is one."""
    held = fact(connection, name)
    return None if held is None else int(held)


def put(connection: Connection, name: str, held: str) -> None:
    """Hold something under a name, in the place of what was there."""
    if not connection.execute(FACTS.update().where(FACTS.c.name == name).values(held=held)).rowcount:
        connection.execute(FACTS.insert().values(name=name, held=held))
