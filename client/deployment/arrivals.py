"""Published models that came in: checked, kept for the router, and never gone back from."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from pydantic import ValidationError

from client.deployment.logs import say
from client.ledger.durable import PRIVATE_DIRECTORY, sync_directory, write_new
from client.ledger.ledger import Clock
from common.consortium.publishing import (
    MalformedPublicationError,
    Publication,
    PublicationError,
    SignedPublication,
    accept,
)
from common.consortium.roster import Role, Roster
from common.errors import EngineError
from common.messages import Published
from common.model import Model

MODEL_FILE, PUBLICATION_FILE = "model.json", "publication.json"
KEPT = 20
"""Versions that stay; a router keeps its own copies of those that it takes."""

DAMAGED = "damaged-"
"""Before the name of a folder that was set aside."""


class Arrivals:
    """A directory of published models, one folder a version.

    Guarantees:
        * What is kept is signed by the roster's coordinator, about its model, current, and follows what came before.
        * A folder is whole, or it is not there.
        * A folder that was damaged since is set aside and told of in the log: it keeps no later version out, and the
          same version is taken again.
    """

    def __init__(self, directory: Path, roster: Roster, clock: Clock) -> None:
        """Keep models in a directory.

        Args:
            directory: Is made when the first model comes.
            roster: Who may sign.
            clock: Says what time it is.
        """
        self._directory, self._roster, self._clock = directory, roster, clock

    def keep(self, published: Published) -> None:
        """Check a published model and keep it; the same again changes nothing.

        Raises:
            PublicationError: If it may not be used; the class says why.
            EngineError: If the disk fails.
        """
        signed = SignedPublication.from_json(published.publication)
        model, newest = _model(published.model), self.newest()
        found = accept(
            signed,
            published.model,
            features_sha256=model.plan.features.fingerprint,
            roster=self._roster,
            roles=frozenset({Role.COORDINATOR}),
            accepted=newest,
            now=self._clock(),
        )
        if found != newest:
            self._write(found, signed, published.model)

    def newest(self) -> Publication | None:
        """The newest version that was kept and can be read, if there is one; what is damaged is set aside."""
        for folder in reversed(self._folders()):
            try:
                return _read(folder)
            except PublicationError:
                self._set_aside(folder)
        return None

    def _set_aside(self, folder: Path) -> None:
        aside = self._directory / f"{DAMAGED}{folder.name}"
        try:
            shutil.rmtree(aside, ignore_errors=True)  # damaged like this one, earlier
            folder.rename(aside)
            sync_directory(self._directory)
        except OSError:
            msg = f"{folder} is damaged and cannot be set aside: move it away, and the next model will be kept"
            raise EngineError(msg) from None
        say("a damaged model was set aside", level=logging.WARNING, folder=aside.name)

    def _folders(self) -> list[Path]:
        found = [path for path in self._directory.glob("*-*") if path.name.split("-")[0].isdigit()]
        return sorted(found, key=lambda path: int(path.name.split("-")[0]))

    def _write(self, found: Publication, signed: SignedPublication, model: bytes) -> None:
        folder = self._directory / f"{found.version}-{found.digest[:16]}"
        new = self._directory / ".new"
        try:
            self._directory.mkdir(PRIVATE_DIRECTORY, exist_ok=True)
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(PRIVATE_DIRECTORY)
            write_new(new / MODEL_FILE, model)
            write_new(new / PUBLICATION_FILE, signed.to_json())
            new.rename(folder)
            sync_directory(self._directory)
        except OSError:
            msg = f"{folder} could not be written: free some space or mend the disk"
            raise EngineError(msg) from None
        for old in self._folders()[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)


def _read(folder: Path) -> Publication:
    try:
        return SignedPublication.from_json((folder / PUBLICATION_FILE).read_bytes()).publication
    except FileNotFoundError:
        raise MalformedPublicationError("its publication is missing") from None
    except OSError:
        msg = f"{folder} cannot be read: move it away, and the next model will be kept"
        raise EngineError(msg) from None


def _model(held: bytes) -> Model:
    try:
        return Model.model_validate_json(held)
    except ValidationError:
        raise MalformedPublicationError("what came with the publication is no model") from None
