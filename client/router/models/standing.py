"""What a bureau has decided about each version of the model: a pure state, and the steps it may take."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, ValidationError

from common.consortium.publishing import ForkedPublicationError, Publication
from common.consortium.roster import Content, Second
from common.errors import InputError, RefusedError

MOST_VERSIONS = 10_000
MOST_WORDS = 1_000
GONE_BACK_TO = 4
"""So many accepted versions are kept to go back to, besides the one in force."""


class ModelChoiceError(RefusedError):
    """The bureau's own earlier choice forbids it; the text says which."""


class Stance(StrEnum):
    """What the bureau has said about a version."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class Entry(Content):
    """One version.

    Attributes:
        publication: As it was signed; whoever made up another one of this version is found out.
        stance: What the bureau said last.
        since: Unix seconds.
        by_policy: Whether it was accepted by the policy, without a person.
        held_back: Why the policy did not accept it, and a person must look at it; empty if nothing is in the way.
    """

    publication: Publication
    stance: Annotated[Stance, Field(strict=False)]
    since: Second
    by_policy: bool = False
    held_back: Annotated[str, Field(max_length=MOST_WORDS)] = ""


class Standing(Content):
    """All versions that were received.

    Attributes:
        entries: In rising order of version, one for each.
        pinned: The newest version that was ever accepted; nothing older is accepted from then on.
        in_force: What decides; None before the first was accepted.
        shadow: What decides beside it and changes nothing.
        pruned: The newest version that was taken from the shelf again; None if none was.
    """

    entries: Annotated[tuple[Entry, ...], Field(max_length=MOST_VERSIONS)] = ()
    pinned: int | None = None
    in_force: int | None = None
    shadow: int | None = None
    pruned: int | None = None

    @property
    def newest_accepted(self) -> Publication | None:
        """What the next publication must follow."""
        return None if self.pinned is None else self.entry(self.pinned).publication

    @property
    def refused_versions(self) -> frozenset[int]:
        """Never to be used."""
        return frozenset(one.publication.version for one in self.entries if one.stance is Stance.REFUSED)

    def entry(self, version: int) -> Entry:
        """What is known of a version.

        Raises:
            InputError: If it was never received.
        """
        for one in self.entries:
            if one.publication.version == version:
                return one
        msg = f"model version {version} is not on this router's shelf: `model list` shows which are"
        raise InputError(msg)

    def received(self, publication: Publication, now: int) -> Self:
        """With a version that waits for the bureau's choice; the same again changes nothing.

        Raises:
            ModelChoiceError: If another content of this version is known.
            ForkedPublicationError: If it and a neighbour that was received do not name each other.
        """
        for one in self.entries:
            if one.publication == publication:
                return self
            if one.publication.version == publication.version:
                msg = (
                    f"another model of version {publication.version} was received before: use neither, tell governance"
                )
                raise ModelChoiceError(msg)
        entry = Entry(publication=publication, stance=Stance.WAITING, since=now)
        entries = sorted((*self.entries, entry), key=lambda one: one.publication.version)
        after = self._with(entries=tuple(entries))
        after.insist_linked(publication.version - 1, publication.version + 1)
        return after

    @property
    def by_person(self) -> int | None:
        """The newest version up to the one in force that a person has accepted; None if it is not known any more."""
        accepted = [one for one in self.entries if one.stance is Stance.ACCEPTED and not one.by_policy]
        return max((v for one in accepted if (v := one.publication.version) <= (self.in_force or 0)), default=None)

    def accepted(self, version: int, now: int, *, by_policy: bool = False) -> Self:
        """With this version in force, and pinned; it is no shadow any more.

        Raises:
            ModelChoiceError: If it was refused.
            ForkedPublicationError: If a version on the way to it does not name the one before.
        """
        self._insist_not_refused(version)
        self.insist_linked(self.pinned or version, version)
        pinned = version if self.pinned is None else max(self.pinned, version)
        shadow = None if self.shadow == version else self.shadow
        entries = self._said(version, Stance.ACCEPTED, now, by_policy=by_policy)
        return self._with(entries=entries, pinned=pinned, in_force=version, shadow=shadow)

    def shadowed(self, version: int) -> Self:
        """With this version deciding in parallel."""
        self._insist_not_refused(version)
        if version == self.in_force:
            msg = f"model version {version} is in force: a shadow is another version"
            raise ModelChoiceError(msg)
        return self._with(shadow=version)

    def refused(self, version: int, now: int) -> Self:
        """Without this version, for good.

        Raises:
            ModelChoiceError: If it is in force: there must be another one first.
        """
        if version == self.in_force:
            msg = f"model version {version} is in force: accept another or roll back first, then refuse it"
            raise ModelChoiceError(msg)
        shadow = None if self.shadow == version else self.shadow
        return self._with(entries=self._said(version, Stance.REFUSED, now), shadow=shadow)

    def rolled_back(self, version: int) -> Self:
        """With a version in force that was accepted before; what is pinned stays.

        Raises:
            ModelChoiceError: If it was never accepted, or refused since.
        """
        if self.entry(version).stance is not Stance.ACCEPTED:
            msg = f"model version {version} was never accepted here, or refused since: one can only go back to what was"
            raise ModelChoiceError(msg)
        return self._with(in_force=version, shadow=None if self.shadow == version else self.shadow)

    def held_back(self, version: int, why: str, now: int) -> Self:
        """With a reason why a version that waits needs a person."""
        return self._with(entries=self._said(version, Stance.WAITING, now, held_back=why[:MOST_WORDS]))

    def needed(self, now: int) -> dict[int, str]:
        """Versions that must stay on the shelf, each with the first reason for it."""
        accepted = [one for one in self.entries if one.stance is Stance.ACCEPTED and one.publication.expires > now]
        back = [one.publication.version for one in accepted if one.publication.version != self.in_force]
        waiting = [
            one.publication.version
            for one in self.entries
            if one.stance is Stance.WAITING and one.publication.version > (self.pinned or 0)
        ]
        reasons: dict[str, list[int | None]] = {
            "in force": [self.in_force],
            "shadow": [self.shadow],
            "newest accepted": [self.pinned],
            "last accepted by a person": [self.by_person],
            "to go back to": [*sorted(back)[-GONE_BACK_TO:]],
            "waiting": [*waiting],
            "refused": [*self.refused_versions],
        }
        return {one: why for why, ones in reversed(reasons.items()) for one in ones if one is not None}

    def without(self, versions: Collection[int]) -> Self:
        """Without some versions, of which only that they were here is known."""
        left = tuple(one for one in self.entries if one.publication.version not in versions)
        return self._with(entries=left, pruned=max(versions, default=self.pruned))

    def links(self, first: int, last: int) -> bool:
        """Whether the versions from one to another name each other, wherever neighbours were received."""
        held = [one.publication for one in self.entries if first <= one.publication.version <= last]
        return all(
            after.previous == before.digest for before, after in pairwise(held) if after.version == before.version + 1
        )

    def insist_linked(self, first: int, last: int) -> None:
        """Nothing, if these versions name each other.

        Raises:
            ForkedPublicationError: If they do not.
        """
        if not self.links(first, last):
            msg = (
                f"the model versions from {max(first, 1)} to {last} that came here do not name each other: use none of "
                "them, keep all, tell governance"
            )
            raise ForkedPublicationError(msg)

    def to_json(self) -> bytes:
        """For a file, readable by people."""
        return self.model_dump_json(indent=2).encode() + b"\n"

    @classmethod
    def from_json(cls, held: bytes) -> Self:
        """The state in a file.

        Raises:
            InputError: If it is damaged.
        """
        try:
            return cls.model_validate_json(held)
        except ValidationError:
            msg = "the router's list of models is damaged: restore it; without it nobody knows what was accepted"
            raise InputError(msg) from None

    def _said(self, version: int, stance: Stance, now: int, **more: object) -> tuple[Entry, ...]:
        wanted = self.entry(version)
        changed = wanted.model_copy(update={"by_policy": False, "held_back": "", "stance": stance, "since": now} | more)
        return tuple(changed if one is wanted else one for one in self.entries)

    def _insist_not_refused(self, version: int) -> None:
        if self.entry(version).stance is Stance.REFUSED:
            msg = f"this bureau refused model version {version}: wait for another version"
            raise ModelChoiceError(msg)

    def _with(self, **changes: object) -> Self:
        return self.model_copy(update=changes)
