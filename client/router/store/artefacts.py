"""What decisions were made with, by SHA-256: a record is replayed with exactly these bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from enum import StrEnum

from sqlalchemy import Engine, select

from client.router.store.decisions import failing
from client.router.store.opening import writing
from client.router.store.tables import ABOUT, ARTEFACTS
from common.errors import InputError

NONE = ""
"""Said of a model that none of a kind goes with."""


def about_version(family: str, version: int) -> str:
    """By what the belongings of one version of a stream's model are found; names in the order of versions."""
    return f"{family}/{version:010d}"


class Kind(StrEnum):
    """What an artefact is."""

    MODEL = "model"
    POLICY = "policy"
    CALIBRATION = "calibration"
    CARDS = "cards"
    HABITS = "habits"
    PUBLICATION = "publication"


class ArtefactStore:
    """Bytes by their digest.

    Guarantees:
        * What is given out has the digest it was asked by.
        * Nothing is ever changed or removed.
    """

    def __init__(self, engine: Engine) -> None:
        """Use an open database."""
        self._engine = engine

    def keep(self, kind: Kind, held: bytes, now: int) -> str:
        """Keep bytes, durably, and give their SHA-256; the same again changes nothing."""
        digest = hashlib.sha256(held).digest()
        known = select(ARTEFACTS.c.sha256).where(ARTEFACTS.c.sha256 == digest)
        with failing("written"), writing(self._engine) as connection:
            if connection.execute(known).scalar() is None:
                connection.execute(ARTEFACTS.insert().values(sha256=digest, kind=kind.value, held=held, kept_at=now))
        return digest.hex()

    def get(self, sha256: str) -> bytes:
        """The bytes of a digest.

        Raises:
            InputError: If they are not here, or were changed.
        """
        wanted = select(ARTEFACTS.c.held).where(ARTEFACTS.c.sha256 == bytes.fromhex(sha256))
        with failing("read"), self._engine.connect() as connection:
            held = connection.execute(wanted).scalar()
        if held is None or hashlib.sha256(held).hexdigest() != sha256:
            msg = f"artefact {sha256[:16]} is not in the router's store, or damaged: restore the store from its copy"
            raise InputError(msg)
        return bytes(held)

    def every(self, kind: Kind) -> list[bytes]:
        """All that was kept of a kind, the oldest first."""
        wanted = select(ARTEFACTS.c.held).where(ARTEFACTS.c.kind == kind.value).order_by(ARTEFACTS.c.kept_at)
        with failing("read"), self._engine.connect() as connection:
            return [bytes(held) for held in connection.execute(wanted).scalars()]

    def point(self, kind: Kind, about: str, sha256: str | None) -> None:
        """Say which of its kind goes with a model from now on, durably; None for none.

        Args:
            kind: Of what.
            about: The model's SHA-256, or ``about_version``.
            sha256: Which.
        """
        name = f"{kind.value}/{about}"
        with failing("written"), writing(self._engine) as connection:
            connection.execute(ABOUT.delete().where(ABOUT.c.name == name))
            connection.execute(ABOUT.insert().values(name=name, held=sha256 or NONE))

    def pointed(self, kind: Kind, about: str) -> str | None:
        """Which of its kind goes with a model; None if none does."""
        wanted = select(ABOUT.c.held).where(ABOUT.c.name == f"{kind.value}/{about}")
        with failing("read"), self._engine.connect() as connection:
            held = connection.execute(wanted).scalar()
        return None if held in {None, NONE} else str(held)

    def newest(self, kind: Kind, family: str, version: int, without: Collection[int] = ()) -> str | None:
        """Which of its kind the newest version of a family has, of this version or an earlier one.

        Guarantees:
            * Where the newest one was said to have none, none is given: nothing that was taken out of force comes back.

        Args:
            kind: Of what.
            family: Of the models.
            version: No later one counts.
            without: Versions that do not count.
        """
        first, last = (f"{kind.value}/{about_version(family, one)}" for one in (0, version))
        left_out = [f"{kind.value}/{about_version(family, one)}" for one in without]
        wanted = select(ABOUT.c.held).where(ABOUT.c.name.between(first, last), ABOUT.c.name.not_in(left_out))
        with failing("read"), self._engine.connect() as connection:
            held = connection.execute(wanted.order_by(ABOUT.c.name.desc()).limit(1)).scalar()
        return None if held in {None, NONE} else str(held)
