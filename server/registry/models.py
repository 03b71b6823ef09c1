"""Published models: version by version, each signed and naming the one before; the database itself keeps the order."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from common.consortium.publishing import NONE_BEFORE, Publication, SignedPublication
from server.registry.facts import fact, number, put
from server.registry.opening import Database
from server.registry.tables import MODELS

DELIVERED, CONFIRMED = "version delivered last", "bureaus that confirmed version"
DELIVERY = "delivery ordered last"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A model as it was published.

    Attributes:
        signed: The publication.
        model: Its bytes.
    """

    signed: SignedPublication
    model: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An order to bring a version to bureaus that have not confirmed it, and what became of it.

    Attributes:
        code: By which the process that does it knows it; of use once.
        version: Of the model.
        taken: Whether a process has begun.
        ended: Whether it is over.
        reason: Why it could not be done; empty if it could.
        said: What each node said.
    """

    code: str
    version: int
    taken: bool = False
    ended: bool = False
    reason: str = ""
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a registry.

    Guarantees:
        * Versions are 1, 2, 3 and so on without a gap, each naming the digest of the one before, whoever writes.
        * What was published is neither changed nor removed.
    """

    database: Database

    def newest(self) -> Publication | None:
        """The newest version, if there is one."""
        with self.database.reading() as connection:
            held = connection.execute(
                sa.select(MODELS.c.publication).order_by(MODELS.c.version.desc()).limit(1)
            ).scalar()
        return None if held is None else SignedPublication.from_json(held.encode()).publication

    def all(self) -> list[SignedPublication]:
        """Every version, the newest first."""
        with self.database.reading() as connection:
            rows = connection.execute(sa.select(MODELS.c.publication).order_by(MODELS.c.version.desc())).scalars()
            return [SignedPublication.from_json(held.encode()) for held in rows]

    def find(self, version: int) -> Kept | None:
        """One version, if there is such."""
        wanted = sa.select(MODELS.c.publication, MODELS.c.model).where(MODELS.c.version == version)
        with self.database.reading() as connection:
            row = connection.execute(wanted).first()
        if row is None:
            return None
        return Kept(signed=SignedPublication.from_json(row.publication.encode()), model=bytes(row.model))

    def note_delivery(self, version: int) -> None:
        """Every bureau that was there was brought this version, or has refused it."""
        with self.database.writing() as connection:
            put(connection, DELIVERED, str(max(version, number(connection, DELIVERED) or 0)))

    def note_confirmed(self, version: int, bureaus: Collection[str]) -> None:
        """These bureaus have confirmed that they hold a version."""
        with self.database.writing() as connection:
            known = json.loads(fact(connection, f"{CONFIRMED} {version}") or "[]")
            put(connection, f"{CONFIRMED} {version}", json.dumps(sorted({*known, *bureaus})))

    def confirmed(self, version: int) -> frozenset[str]:
        """Which bureaus have confirmed that they hold a version."""
        with self.database.reading() as connection:
            return frozenset(json.loads(fact(connection, f"{CONFIRMED} {version}") or "[]"))

    def order_delivery(self, code: str, version: int) -> None:
        """Order a delivery; an earlier order that was not taken is forgotten."""
        with self.database.writing() as connection:
            put(connection, DELIVERY, json.dumps(asdict(Delivery(code=code, version=version))))

    def delivery(self) -> Delivery | None:
        """The delivery that was ordered last, if there is one."""
        with self.database.reading() as connection:
            return _delivery(fact(connection, DELIVERY))

    def take_delivery(self, code: str) -> Delivery | None:
        """The order of this code, if there is one that nobody has taken; once."""
        with self.database.writing() as connection:
            found = _delivery(fact(connection, DELIVERY))
            if found is None or not code or found.code != code or found.taken:
                return None
            put(connection, DELIVERY, json.dumps(asdict(replace(found, taken=True))))
        return found

    def end_delivery(self, code: str, **outcome: Any) -> None:
        """Say what became of an order, if it is still the last one."""
        with self.database.writing() as connection:
            found = _delivery(fact(connection, DELIVERY))
            if found is not None and found.code == code:
                put(connection, DELIVERY, json.dumps(asdict(replace(found, taken=True, ended=True, **outcome))))

    def delivered(self) -> int:
        """The version that was brought to the bureaus last; 0 if none was."""
        with self.database.reading() as connection:
            return number(connection, DELIVERED) or 0


def _delivery(held: str | None) -> Delivery | None:
    if held is None:
        return None
    found = json.loads(held)
    return Delivery(**found | {"said": tuple(found["said"])})


def next_place(newest: Publication | None) -> tuple[int, str]:
    """Version and predecessor's digest of what comes after the newest publication."""
    return (1, NONE_BEFORE) if newest is None else (newest.version + 1, newest.digest)


def add_model(connection: Connection, signed: SignedPublication, model: bytes) -> None:
    """Put a version into a transaction; the database refuses it if it does not follow the newest."""
    publication = signed.publication
    connection.execute(
        MODELS.insert().values(
            version=publication.version,
            previous_version=publication.version - 1 or None,
            previous=publication.previous,
            digest=publication.digest,
            publication=signed.to_json().decode(),
            model=model,
            issued=publication.issued,
        )
    )
