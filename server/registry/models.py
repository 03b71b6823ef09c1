"""Published models: version by version, each signed and naming the one before; the database itself keeps the order."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from common.consortium.publishing import NONE_BEFORE, Publication, SignedPublication
from server.registry.facts import number, put
from server.registry.opening import Database
from server.registry.tables import MODELS

DELIVERED = "version delivered last"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A model as it was published.

    Attributes:
        signed: The publication.
        model: Its bytes.
    """

    signed: SignedPublication
    model: bytes


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
            put(connection, DELIVERED, str(version))

    def delivered(self) -> int:
        """The version that was brought to the bureaus last; 0 if none was."""
        with self.database.reading() as connection:
            return number(connection, DELIVERED) or 0


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
