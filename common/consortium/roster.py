"""The roster: who belongs to a consortium, on which terms, until when, and whose signatures make it count.

Public and frozen. One content has one spelling and one digest; its JSON form is for files and may be laid out anyhow.
Which signatures it carries, and whether they are enough, is ``common.consortium.signed``.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field, model_validator

from common.consortium.encoding import Spelled, hashed, label
from common.consortium.identity import KEY_BYTES
from common.errors import RefusedError

_PRIME = 2**255 - 19
_EIGHTH = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_WEAK = frozenset({0, 1, _PRIME - 1, _EIGHTH, _PRIME - _EIGHTH})
"""The y coordinates of Edwards points of order 1, 2, 4 and 8: everybody can sign for such a key."""

_Text = TypeVar("_Text", str, bytes)

LATEST = 253_402_300_799
"""The last second of the year 9999."""


class RosterError(RefusedError):
    """A roster does not count, or does not say what is asked of it; ``common.consortium.signed`` draws the tree."""


class NotAMemberError(RosterError):
    """The roster knows no such member in this role: reject the peer, or have it added."""


class Role(StrEnum):
    """What a member may do."""

    COORDINATOR = "coordinator"
    BUREAU = "bureau"
    AUDITOR = "auditor"


def _strong(key: bytes) -> bytes:
    """The key, if it is written in the one way there is, and is no point that everybody can sign for."""
    y = int.from_bytes(key, "little") % 2**255
    if y >= _PRIME or y in _WEAK:
        msg = "not the public key of a signer: everybody could sign for it"
        raise ValueError(msg)
    return key


def _readable(text: str) -> str:
    """The text, if two people who see the same read the same."""
    if not text.isprintable() or text != text.strip() or not unicodedata.is_normalized("NFC", text):
        msg = "a name is printable text in Unicode's composed form, without blanks at its ends"
        raise ValueError(msg)
    return text


PublicKey = Annotated[bytes, Field(min_length=KEY_BYTES, max_length=KEY_BYTES), AfterValidator(_strong)]
ReadableText = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_readable)]
Second = Annotated[int, Field(ge=0, le=LATEST)]


class Content(BaseModel):
    """What comes out of a file, and never changes: no unknown fields, bytes in hexadecimal."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        ser_json_bytes="hex",
        val_json_bytes="hex",
        hide_input_in_errors=True,
    )


class Member(Content):
    """One party and the key it signs with.

    Attributes:
        name: What it is called in messages; no other member's.
        organisation: Whose it is, for people.
        role: What it may do.
        public_key: Ed25519, 32 bytes; no other member's and not one of governance.
    """

    name: ReadableText
    organisation: ReadableText
    role: Role
    public_key: PublicKey

    def spelled(self) -> list[Spelled]:
        """Its fields, in the order in which they are signed."""
        return [self.name, self.organisation, self.role.value, self.public_key]


class Terms(Content):
    """What all members have agreed on; an offer that asks for less protection is refused.

    Attributes:
        min_cohort: Bureaus without which no session starts.
        honest_floor: Bureaus whose noise is counted on, at least.
        colluding: Bureaus that may side with the coordinator without harm to the others.
        max_rounds: Of one session.
    """

    min_cohort: Annotated[int, Field(ge=3, le=10_000)]
    honest_floor: Annotated[int, Field(ge=2, le=10_000)]
    colluding: Annotated[int, Field(ge=1, le=10_000)]
    max_rounds: Annotated[int, Field(ge=1, le=1000)]

    @model_validator(mode="after")
    def _can_be_kept(self) -> Self:
        if self.min_cohort < self.honest_floor + self.colluding:
            msg = "min_cohort must be at least honest_floor + colluding"
            raise ValueError(msg)
        return self

    def spelled(self) -> list[Spelled]:
        """Its fields, in the order in which they are signed."""
        return [self.min_cohort, self.honest_floor, self.colluding, self.max_rounds]


class Governance(Content):
    """Whose signatures make a roster count: ``threshold`` of these keys. They sign nothing else and stay offline."""

    keys: Annotated[tuple[PublicKey, ...], Field(min_length=1, max_length=100), FailFast()]
    threshold: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        _insist_sorted("the governance keys", self.keys)
        if self.threshold > len(self.keys):
            msg = f"a threshold of {self.threshold} cannot be reached by {len(self.keys)} governance keys"
            raise ValueError(msg)
        return self

    @property
    def digest(self) -> bytes:
        """What a bureau is told by another way than the roster, and pins: 32 bytes."""
        return hashed("governance", *self.spelled())

    def spelled(self) -> list[Spelled]:
        """Its fields, in the order in which they are signed."""
        return [self.threshold, list(self.keys)]


class Roster(Content):
    """One version of who belongs together.

    Guarantees:
        * No two members share a key, or a name (however it is written: case and width do not make another name).
        * No member holds a governance key.
        * Members and keys are in order, so one content has one spelling.

    Attributes:
        version: From 1; never goes back.
        valid_from: Unix seconds, the first in which it counts.
        valid_until: Unix seconds, the first in which it no longer does.
        members: Sorted by name. Whoever is revoked is no longer among them.
        terms: What was agreed.
        governance: Whose signatures this version needs.
        former: The governance before, where this version brings another: it must have signed, too.
    """

    version: Annotated[int, Field(ge=1, le=1_000_000_000)]
    valid_from: Second
    valid_until: Second
    members: Annotated[tuple[Member, ...], Field(min_length=1, max_length=10_000), FailFast()]
    terms: Terms
    governance: Governance
    former: Governance | None = None

    @model_validator(mode="after")
    def _is_unambiguous(self) -> Self:
        if self.valid_from >= self.valid_until:
            msg = "the roster ends before it begins"
            raise ValueError(msg)
        _insist_sorted("the members' names", tuple(member.name for member in self.members))
        _insist_different("names", [_compared(member.name) for member in self.members])
        keys = [member.public_key for member in self.members]
        _insist_different("keys", keys)
        if not set(self.governance.keys).isdisjoint(keys):
            msg = "a governance key is a member's, too: governance keys sign rosters and nothing else"
            raise ValueError(msg)
        return self

    def canonical(self) -> bytes:
        """The one spelling of this roster."""
        return label(
            "roster",
            *(self.version, self.valid_from, self.valid_until),
            [member.spelled() for member in self.members],
            self.terms.spelled(),
            self.governance.spelled(),
            [] if self.former is None else self.former.spelled(),
        )

    @property
    def digest(self) -> bytes:
        """SHA-256 of the canonical form: what governance signs and offers name."""
        return hashlib.sha256(self.canonical()).digest()

    def of_role(self, role: Role) -> tuple[Member, ...]:
        """The members of a role, sorted by name."""
        return tuple(member for member in self.members if member.role is role)

    def member(self, name: str, role: Role) -> Member:
        """The member of this name and role.

        Raises:
            NotAMemberError: If there is none.
        """
        for member in self.members:
            if member.name == name and member.role is role:
                return member
        msg = f"roster version {self.version} lists no {role} of this name: it must be added, or is no longer trusted"
        raise NotAMemberError(msg)


def _insist_sorted(what: str, found: Sequence[_Text]) -> None:
    if list(found) != sorted(set(found)):
        msg = f"{what} must be in rising order, each once"
        raise ValueError(msg)


def _insist_different(what: str, found: Sequence[_Text]) -> None:
    if len(set(found)) < len(found):
        msg = f"two members have {what} that are the same"
        raise ValueError(msg)


def _compared(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()
