"""The stream that a coordinator follows: its name and clock, and what people wish of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.engine import Connection

from common.errors import InputError
from server.registry.facts import fact, number, put
from server.registry.opening import Database

STREAM, PAUSED, PINS, RESEED = "stream", "stream paused", "stream pins", "stream reseeds after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A stream.

    Attributes:
        name: 32 hexadecimal digits.
        began: Moment of tick ``first``, seconds since 1970.
        every: Seconds between ticks.
        first: 0, until the distance or the clock was changed.
    """

    name: str
    began: int
    every: int
    first: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What people wish of the next windows.

    Attributes:
        paused: Since when no tick asks anything; None if they do.
        pins: Which clusters are to be pinned, or no longer, by identity.
        reseeds_after: Clusters are looked for anew unless they were after this window; None if nobody wishes it.
    """

    paused: int | None = None
    pins: Mapping[int, bool] = field(default_factory=dict)
    reseeds_after: int | None = None


@dataclass(frozen=True, slots=True)
class Streams:
    """The stream of a registry, if it follows one: one at most."""

    database: Database

    def begun(self) -> Begun | None:
        """The stream, if one was begun."""
        with self.database.reading() as connection:
            held = fact(connection, STREAM)
        return None if held is None else Begun(**json.loads(held))

    def begin(self, stream: Begun) -> None:
        """Begin to follow a stream.

        Raises:
            InputError: If one was begun before.
        """
        with self.database.writing() as connection:
            if fact(connection, STREAM) is not None:
                raise InputError("a stream was begun here already: look at it with `stream status`")
            _put(connection, stream)

    def change_clock(self, stream: Begun) -> None:
        """Go on under another clock."""
        with self.database.writing() as connection:
            _put(connection, stream)

    def wishes(self) -> Wishes:
        """What people wish."""
        with self.database.reading() as connection:
            pins = json.loads(fact(connection, PINS) or "{}")
            paused, reseeds_after = number(connection, PAUSED), number(connection, RESEED)
        return Wishes(
            paused=None if paused in {None, 0} else paused,
            pins={int(identity): bool(pinned) for identity, pinned in pins.items()},
            reseeds_after=reseeds_after,
        )

    def pause(self, now: int) -> None:
        """Ask nothing from now on; paused again it stays as it was."""
        with self.database.writing() as connection:
            put(connection, PAUSED, str(number(connection, PAUSED) or now))

    def resume(self) -> None:
        """Ask again."""
        with self.database.writing() as connection:
            put(connection, PAUSED, "0")

    def pin(self, identity: int, *, pinned: bool) -> None:
        """Wish that a cluster be pinned from the next window on, or no longer."""
        with self.database.writing() as connection:
            pins = json.loads(fact(connection, PINS) or "{}")
            put(connection, PINS, json.dumps(pins | {str(identity): pinned}))

    def reseed(self, after: int) -> None:
        """Wish that clusters be looked for anew in a window after this one."""
        with self.database.writing() as connection:
            put(connection, RESEED, str(after))


def _put(connection: Connection, stream: Begun) -> None:
    held = {"name": stream.name, "began": stream.began, "every": stream.every, "first": stream.first}
    put(connection, STREAM, json.dumps(held))
