"""The shelf: every received version of the model in a directory, and what the bureau said about it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from client.ledger.durable import PRIVATE_DIRECTORY, sync_directory, write_new
from client.router.models.standing import ModelChoiceError, Standing
from common.consortium.publishing import (
    OtherModelError,
    Publication,
    SignedPublication,
    accept,
    insist_about,
    insist_current,
    insist_signed,
)
from common.consortium.roster import Role, Roster
from common.consortium.signed import faults
from common.errors import EngineError, InputError
from common.model import Model

STANDING_FILE, MODEL_FILE, PUBLICATION_FILE = "standing.json", "model.json", "publication.json"
MOST_MODEL_BYTES = 1 << 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One version, read from the shelf and checked against its publication.

    Attributes:
        publication: As signed.
        model: As published.
        bytes: Of the model, as delivered.
    """

    publication: Publication
    model: Model
    bytes: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whom a bureau believes about models.

    Attributes:
        roster: Who may sign.
        roles: In which of them a signature is wanted.
    """

    roster: Roster
    roles: frozenset[Role]


class ModelShelf:
    """A directory of models.

    Guarantees:
        * Nothing is on the shelf whose signatures, bytes, features, time and order were not checked when it came.
        * What is accepted is pinned on the disk before it is used; a version that was passed is never accepted later,
          and only what was accepted once can be gone back to, after all checks again.
        * A file that was changed since is not used.
    """

    def __init__(self, directory: Path) -> None:
        """Use a directory that ``router init`` made."""
        self._directory = directory

    def standing(self) -> Standing:
        """What the bureau has said so far."""
        path = self._directory / STANDING_FILE
        try:
            return Standing.from_json(path.read_bytes()) if path.exists() else Standing()
        except OSError:
            msg = f"{path} cannot be read: it must belong to the router's user"
            raise InputError(msg) from None

    def receive(self, publication: bytes, model: bytes, trust: Trust, now: int) -> Held:
        """Check a version and put it on the shelf; nothing decides with it yet.

        Raises:
            PublicationError: If it may not be used; the class says why.
            ModelChoiceError: If another content of this version was received before.
        """
        signed, parsed = SignedPublication.from_json(publication), parse_model(model)
        with self._alone():
            standing = self.standing()
            found = accept(
                signed,
                model,
                features_sha256=parsed.plan.features.fingerprint,
                roster=trust.roster,
                roles=trust.roles,
                accepted=standing.newest_accepted,
                now=now,
            )
            _insist_same_plan(found, parsed)
            after = standing.received(found, now)
            self._keep(found, signed, model)
            self._write(after)
        return Held(publication=found, model=parsed, bytes=model)

    def accept(self, version: int, trust: Trust, now: int, *, by_policy: bool = False) -> Standing:
        """Put a version in force, pinned; by the word of a person, or by the bureau's policy.

        Raises:
            PublicationError: If it may not be used; the class says why.
            ModelChoiceError: If the bureau refused it before.
        """
        return self._change(
            lambda standing: self._acceptable(standing, version, trust, now).accepted(version, now, by_policy=by_policy)
        )

    def hold_back(self, version: int, why: str, now: int) -> Standing:
        """Let a version that waits wait for a person."""
        return self._change(lambda standing: standing.held_back(version, why, now))

    def prune(self, versions: frozenset[int]) -> Standing:
        """Take versions from the shelf; first from the list, so that a crash leaves a folder too many at worst."""
        folders = [self._folder(self.standing().entry(version).publication) for version in versions]
        after = self._change(lambda standing: standing.without(versions) if versions else standing)
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        return after

    def shadow(self, version: int) -> Standing:
        """Let a version decide in parallel."""
        return self._change(lambda standing: standing.shadowed(version))

    def refuse(self, version: int, now: int) -> Standing:
        """Never use a version."""
        return self._change(lambda standing: standing.refused(version, now))

    def roll_back(self, version: int, trust: Trust, now: int) -> Standing:
        """Put a version in force again that was accepted before.

        Raises:
            PublicationError: If it may not be used any more.
            ModelChoiceError: If it was never accepted, or the versions since do not follow from it.
        """

        def step(standing: Standing) -> Standing:
            after = standing.rolled_back(version)
            self._insist_usable(version, trust, now)
            if not standing.links(version, standing.pinned or version):
                msg = f"the versions after {version} do not name it as signed: use none of them, tell governance"
                raise ModelChoiceError(msg)
            return after

        return self._change(step)

    def held(self, version: int) -> Held:
        """A version as it was received.

        Raises:
            InputError: If it was never received, or its file was changed.
            OtherModelError: Likewise.
        """
        publication = self.standing().entry(version).publication
        held = _read(self._folder(publication) / MODEL_FILE)
        model = parse_model(held)
        insist_about(publication, held, model.plan.features.fingerprint)
        return Held(publication=publication, model=model, bytes=held)

    def _acceptable(self, standing: Standing, version: int, trust: Trust, now: int) -> Standing:
        held, signed = self.held(version), self._signed(version)
        accept(
            signed,
            held.bytes,
            features_sha256=held.model.plan.features.fingerprint,
            roster=trust.roster,
            roles=trust.roles,
            accepted=standing.newest_accepted,
            now=now,
        )
        return standing

    def _insist_usable(self, version: int, trust: Trust, now: int) -> None:
        held, signed = self.held(version), self._signed(version)
        insist_signed(signed, trust.roster, trust.roles)
        insist_current(held.publication, now)

    def _signed(self, version: int) -> SignedPublication:
        """The signatures as they came, over the publication that the standing knows."""
        publication = self.standing().entry(version).publication
        signed = SignedPublication.from_json(_read(self._folder(publication) / PUBLICATION_FILE))
        if signed.publication != publication:
            msg = f"the file of model version {version} was changed since it was received: restore it"
            raise OtherModelError(msg)
        return signed

    def _change(self, step: Callable[[Standing], Standing]) -> Standing:
        with self._alone():
            before = self.standing()
            after = step(before)
            if after != before:
                self._write(after)
        return after

    def _folder(self, publication: Publication) -> Path:
        return self._directory / f"{publication.version}-{publication.digest[:16]}"

    def _keep(self, publication: Publication, signed: SignedPublication, model: bytes) -> None:
        folder = self._folder(publication)
        try:
            folder.mkdir(PRIVATE_DIRECTORY, exist_ok=True)
            for name, held in ((MODEL_FILE, model), (PUBLICATION_FILE, signed.to_json())):
                _replace(folder / name, held)
            sync_directory(self._directory)
        except OSError:
            raise _unwritten(folder) from None

    def _write(self, standing: Standing) -> None:
        try:
            _replace(self._directory / STANDING_FILE, standing.to_json())
        except OSError:
            raise _unwritten(self._directory) from None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While this lasts, no other process changes the shelf."""
        try:
            held = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            msg = f"{self._directory} is no shelf of models: make a router's directory with `router init`"
            raise InputError(msg) from None
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield
        finally:
            os.close(held)


def parse_model(held: bytes) -> Model:
    """The model in some bytes.

    Raises:
        InputError: If they are none.
    """
    if len(held) > MOST_MODEL_BYTES:
        msg = f"the model has more than {MOST_MODEL_BYTES} bytes; it cannot be one"
        raise InputError(msg)
    try:
        return Model.model_validate_json(held)
    except ValidationError as error:
        raise InputError("the model cannot be used: " + faults(error)) from None


def _insist_same_plan(publication: Publication, model: Model) -> None:
    if publication.plan_fingerprint != model.plan_fingerprint:
        msg = (
            f"model version {publication.version} was made under another plan than its publication says: get both again"
        )
        raise OtherModelError(msg)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        msg = f"{path} cannot be read: restore it, or accept the version again"
        raise InputError(msg) from None


def _replace(path: Path, held: bytes) -> None:
    """Put a whole file in the place of another, durably."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    write_new(new, held)
    new.replace(path)
    sync_directory(path.parent)


def _unwritten(path: Path) -> EngineError:
    return EngineError(f"{path} could not be written: free some space or mend the disk, then try again")


def sha256_of(held: Held) -> str:
    """Of the model's bytes, as records name it."""
    return hashlib.sha256(held.bytes).hexdigest()
