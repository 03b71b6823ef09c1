"""Signed rosters: whether enough of governance has signed, and whether it follows what was seen before.

RosterError               (common.consortium.roster)
├── MalformedRosterError    the file is no roster: ask for it again
├── UnsignedRosterError     governance keys are missing: have them sign
├── ForgedRosterError       a signature is a stranger's or does not fit: do not use this file, say who sent it
├── OtherGovernanceError    another governance than the pinned one: ask by another way what has changed
├── RosterTimeError         no longer or not yet valid: get the current one, look at the clock
├── OldRosterError          a newer version was seen: get the newest
└── ForkedRosterError       the same version was seen with other content: stop, keep both, tell governance
"""

from __future__ import annotations

from typing import Annotated

from pydantic import FailFast, Field, ValidationError

from common.consortium.identity import SIGNATURE_BYTES, Identity, SignatureError, verify
from common.consortium.roster import Content, Governance, PublicKey, Roster, RosterError
from common.errors import InputError

PURPOSE = "roster signature"
DIGEST_BYTES = 32
MOST_BYTES = 1 << 22
"""Of a roster's file."""


class MalformedRosterError(RosterError):
    """These bytes are no roster, or one that contradicts itself; the text says where."""


class UnsignedRosterError(RosterError):
    """Fewer governance keys have signed than must."""


class ForgedRosterError(RosterError):
    """It carries a signature of a key that has no say, or one that is not of this content."""


class OtherGovernanceError(RosterError):
    """It stands under another governance than the pinned one, which has not handed over to it."""


class RosterTimeError(RosterError):
    """It has expired, or does not count yet."""


class OldRosterError(RosterError):
    """Its version is below one that was seen: versions never go back."""


class ForkedRosterError(RosterError):
    """Its version was seen before, with another content: governance has signed two."""


class Endorsement(Content):
    """One signature of one governance key over a roster's digest."""

    key: PublicKey
    signature: Annotated[bytes, Field(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES)]


class SignedRoster(Content):
    """A roster and the signatures it has so far; whether they are enough is for ``check``."""

    roster: Roster
    signatures: Annotated[tuple[Endorsement, ...], Field(max_length=200), FailFast()] = ()

    def signed_by(self, identity: Identity) -> SignedRoster:
        """This, with one signature more; the same again if the key has signed already.

        Raises:
            InputError: If the key has no say in this roster.
        """
        if not self.has_a_say(identity.public):
            msg = f"key {identity.public.hex()} has no say in this roster: sign with one of its governance keys"
            raise InputError(msg)
        if identity.public in {one.key for one in self.signatures}:
            return self
        added = Endorsement(key=identity.public, signature=identity.sign(PURPOSE, self.roster.digest))
        return self.model_copy(update={"signatures": (*self.signatures, added)})

    def signers(self) -> frozenset[bytes]:
        """The keys that have signed. A key that has signed twice is in it once.

        Raises:
            ForgedRosterError: If a signature is not valid, or of a key that has no say.
        """
        for one in self.signatures:
            if not self.has_a_say(one.key):
                msg = f"the roster is signed by {one.key.hex()}, which is none of its governance keys: do not use it"
                raise ForgedRosterError(msg)
            try:
                verify(one.key, one.signature, PURPOSE, self.roster.digest)
            except SignatureError:
                msg = f"the signature of {one.key.hex()} is not of this roster: it was altered, do not use it"
                raise ForgedRosterError(msg) from None
        return frozenset(one.key for one in self.signatures)

    def has_a_say(self, key: bytes) -> bool:
        """Whether a key belongs to the governance of this version, or to the one that hands over to it."""
        former = self.roster.former
        return key in self.roster.governance.keys or (former is not None and key in former.keys)

    def missing(self) -> int:
        """How many signatures it still needs, at the least.

        Raises:
            ForgedRosterError: As ``signers``.
        """
        signers, former = self.signers(), self.roster.former
        own = _missing(self.roster.governance, signers)
        return own if former is None else max(own, _missing(former, signers))

    def to_json(self) -> bytes:
        """For a file, readable by people."""
        return self.model_dump_json(indent=2).encode() + b"\n"

    @classmethod
    def from_json(cls, held: bytes) -> SignedRoster:
        """The roster in a file; nothing is said about its signatures.

        Raises:
            MalformedRosterError: If it is none.
        """
        if len(held) > MOST_BYTES:
            msg = f"the roster is larger than {MOST_BYTES} bytes; it cannot be one"
            raise MalformedRosterError(msg)
        try:
            return cls.model_validate_json(held)
        except ValidationError as error:
            raise MalformedRosterError("the roster cannot be used: " + faults(error)) from None


class Pin(Content):
    """What a party remembers of rosters, for ever: whom it trusts to sign them, and the newest it has seen.

    Attributes:
        governance: Whose signatures count.
        version: Of the newest roster seen; 0 for none.
        digest: Of that roster; zeros for none.
    """

    governance: Governance
    version: Annotated[int, Field(ge=0)] = 0
    digest: Annotated[bytes, Field(min_length=DIGEST_BYTES, max_length=DIGEST_BYTES)] = bytes(DIGEST_BYTES)


def pin_of(signed: SignedRoster, governance_digest: bytes) -> Pin:
    """The pin of a party that has seen no roster, and was told the digest of governance by another way.

    Raises:
        OtherGovernanceError: If the roster stands under another governance.
    """
    if signed.roster.governance.digest != governance_digest:
        msg = (
            f"the roster's governance is {signed.roster.governance.digest.hex()}, not the one you were told: "
            "ask its people, by another way than the one the roster came"
        )
        raise OtherGovernanceError(msg)
    return Pin(governance=signed.roster.governance)


def check(signed: SignedRoster, pin: Pin, now: int) -> Pin:
    """What to remember, if this roster counts; keep it durably before the roster is used.

    Guarantees:
        * ``threshold`` different keys of its governance have signed exactly this content, and no stranger has.
        * Its governance is the pinned one, or ``threshold`` keys of the pinned one have signed the change.
        * Its version is not below the pinned one, and one version has one content.
        * ``valid_from <= now < valid_until``.

    Args:
        signed: The roster in question.
        pin: What is remembered.
        now: Unix seconds.

    Raises:
        RosterError: If it does not count; the class says why.
    """
    _insist_signed(signed, pin)
    roster = signed.roster
    if roster.version < pin.version:
        msg = f"this is roster version {roster.version}, but version {pin.version} was seen: get the newest"
        raise OldRosterError(msg)
    if roster.version == pin.version and roster.digest != pin.digest:
        msg = f"roster version {roster.version} was seen with another content: use neither, keep both, tell governance"
        raise ForkedRosterError(msg)
    if not roster.valid_from <= now < roster.valid_until:
        word = "does not count yet: look at this machine's clock" if now < roster.valid_from else "has expired"
        msg = f"roster version {roster.version} {word}; get the one that counts now"
        raise RosterTimeError(msg)
    return Pin(governance=roster.governance, version=roster.version, digest=roster.digest)


def _insist_signed(signed: SignedRoster, pin: Pin) -> None:
    roster, signers = signed.roster, signed.signers()
    deciding = [roster.governance]
    if roster.governance != pin.governance:
        if roster.former != pin.governance:
            msg = (
                f"the roster's governance is {roster.governance.digest.hex()}, and the pinned one, "
                f"{pin.governance.digest.hex()}, has not handed over to it: take the versions between in their "
                "order, or ask governance by another way"
            )
            raise OtherGovernanceError(msg)
        deciding.append(pin.governance)
    for governance in deciding:
        if missing := _missing(governance, signers):
            whose = "" if governance == roster.governance else " of the former governance"
            msg = (
                f"roster version {roster.version} needs {governance.threshold} signatures{whose}, {missing} more: "
                "have them added with `fedclaims-coordinator roster sign`"
            )
            raise UnsignedRosterError(msg)


def _missing(governance: Governance, signers: frozenset[bytes]) -> int:
    return max(0, governance.threshold - len(signers.intersection(governance.keys)))


def faults(error: ValidationError) -> str:
    """What is wrong, and where, without what was given."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'content'}: {one['msg']}" for one in found[:5])
