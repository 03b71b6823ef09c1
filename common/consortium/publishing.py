"""Published models: each version names the one before, and is signed by the coordinator and, where agreed, an auditor.

PublicationError           (this module) the model is not to be used
├── MalformedPublicationError   the file is none: ask for it again
├── OtherModelError             it is about another model, or other features: get the model that belongs to it
├── UnsignedPublicationError    a signature is missing, or a stranger's: say who sent it
├── PublicationTimeError        it has expired, or is from the future: get the current one, look at the clock
├── OldPublicationError         a newer version was accepted: versions never go back
└── ForkedPublicationError      it does not continue what was accepted: stop, keep both, tell governance

References:
    Samuel, Mathewson, Cappos and Dingledine, "Survivable key compromise in software update systems", CCS 2010: versions
    that never go back, expiry, and more than one signature.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Self

from pydantic import FailFast, Field, ValidationError, model_validator

from common.consortium.encoding import label
from common.consortium.identity import SIGNATURE_BYTES, Identity, SignatureError, verify
from common.consortium.roster import Content, NotAMemberError, ReadableText, Role, Roster, Second
from common.consortium.signed import faults
from common.errors import RefusedError

PURPOSE = "model publication"
MOST_BYTES = 1 << 16
"""Of a publication's file."""

NONE_BEFORE = "0" * 64
CLOCK_SLACK_S = 300
"""How far ahead the coordinator's clock may be."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class PublicationError(RefusedError):
    """A model is not to be used; keep the one that is in force."""


class MalformedPublicationError(PublicationError):
    """These bytes are no publication."""


class OtherModelError(PublicationError):
    """The publication is about another model than the one that came with it."""


class UnsignedPublicationError(PublicationError):
    """A signature that is needed is missing, or is not that of a member in this role."""


class PublicationTimeError(PublicationError):
    """It has expired, or says that it was issued in the future."""


class OldPublicationError(PublicationError):
    """A newer version was accepted already."""


class ForkedPublicationError(PublicationError):
    """It does not continue the version that was accepted: the coordinator has published two."""


class Publication(Content):
    """What is signed about one version of the model.

    Attributes:
        version: From 1, one more each time.
        previous: Digest of the version before; zeros for the first.
        model_sha256: Of the model's bytes, as delivered.
        plan_fingerprint: Of the plan it was made under.
        features_sha256: Of the feature specification: a router makes rows with no other.
        session: Of the run, 32 hexadecimal digits.
        issued: Unix seconds.
        expires: Unix seconds; from then on nothing may be decided with it.
    """

    version: Annotated[int, Field(ge=1, le=1_000_000_000)]
    previous: Digest
    model_sha256: Digest
    plan_fingerprint: Digest
    features_sha256: Digest
    session: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    issued: Second
    expires: Second

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.issued >= self.expires:
            msg = "the publication expires before it is issued"
            raise ValueError(msg)
        if (self.version == 1) is not (self.previous == NONE_BEFORE):
            msg = "version 1 follows nothing, and every other version follows one"
            raise ValueError(msg)
        return self

    def canonical(self) -> bytes:
        """The one spelling of this publication."""
        digests = (self.previous, self.model_sha256, self.plan_fingerprint, self.features_sha256, self.session)
        return label("publication", self.version, *digests, self.issued, self.expires)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form, hexadecimal: what is signed, and what the next version names."""
        return hashlib.sha256(self.canonical()).hexdigest()


class Approval(Content):
    """One member's signature.

    Attributes:
        name: In the roster.
        role: In which it signs.
        signature: Over the role and the publication's digest.
    """

    name: ReadableText
    role: Role
    signature: Annotated[bytes, Field(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES)]


class SignedPublication(Content):
    """A publication and who has signed it; whether that is enough is for ``accept``."""

    publication: Publication
    approvals: Annotated[tuple[Approval, ...], Field(max_length=16), FailFast()] = ()

    def approved_by(self, name: str, role: Role, identity: Identity) -> SignedPublication:
        """This, with one signature more; the same again if this member has signed in this role."""
        if any((one.name, one.role) == (name, role) for one in self.approvals):
            return self
        signature = identity.sign(PURPOSE, role.value, self.publication.digest)
        added = Approval(name=name, role=role, signature=signature)
        return self.model_copy(update={"approvals": (*self.approvals, added)})

    def to_json(self) -> bytes:
        """For a file, readable by people."""
        return self.model_dump_json(indent=2).encode() + b"\n"

    @classmethod
    def from_json(cls, held: bytes) -> SignedPublication:
        """The publication in a file; nothing is said about its signatures.

        Raises:
            MalformedPublicationError: If it is none.
        """
        if len(held) > MOST_BYTES:
            msg = f"the publication is larger than {MOST_BYTES} bytes; it cannot be one"
            raise MalformedPublicationError(msg)
        try:
            return cls.model_validate_json(held)
        except ValidationError as error:
            raise MalformedPublicationError("the publication cannot be used: " + faults(error)) from None


def sign_publication(publication: Publication, name: str, identity: Identity) -> SignedPublication:
    """A publication with the coordinator's signature.

    Args:
        publication: The next version.
        name: Of the coordinator, in the roster.
        identity: Its key.
    """
    return SignedPublication(publication=publication).approved_by(name, Role.COORDINATOR, identity)


def insist_signed(signed: SignedPublication, roster: Roster, roles: frozenset[Role]) -> None:
    """Nothing, if a member in each of these roles has signed, and nobody else.

    Raises:
        UnsignedPublicationError: If not.
    """
    for one in signed.approvals:
        try:
            key = roster.member(one.name, one.role).public_key
            verify(key, one.signature, PURPOSE, one.role.value, signed.publication.digest)
        except (NotAMemberError, SignatureError):
            msg = "the model carries a signature that is not of this content by a member in that role: do not use it"
            raise UnsignedPublicationError(msg) from None
    missing = roles - {one.role for one in signed.approvals}
    if missing:
        msg = f"the model is not signed by {' and '.join(sorted(missing))}: ask for the signature"
        raise UnsignedPublicationError(msg)


def insist_follows(publication: Publication, accepted: Publication | None) -> None:
    """Nothing, if a version may come after the newest one that was accepted.

    Guarantees:
        * A version never goes back, and one version has one content.
        * The version right after the accepted one names it. Later ones may skip: a bureau can have missed some.

    Raises:
        OldPublicationError: If a newer version was accepted.
        ForkedPublicationError: If it contradicts what was accepted.
    """
    if accepted is None or publication == accepted:
        return
    if publication.version < accepted.version:
        msg = (
            f"this is model version {publication.version}, but version {accepted.version} was accepted: get the newest"
        )
        raise OldPublicationError(msg)
    same = publication.version == accepted.version
    next_one = publication.version == accepted.version + 1
    if same or (next_one and publication.previous != accepted.digest):
        msg = (
            f"model version {publication.version} does not continue version {accepted.version} as it was accepted: "
            "use neither, keep both, tell governance"
        )
        raise ForkedPublicationError(msg)


def insist_current(publication: Publication, now: int) -> None:
    """Nothing, if a publication counts at a time in Unix seconds.

    Raises:
        PublicationTimeError: If it has expired or is from the future.
    """
    if publication.issued > now + CLOCK_SLACK_S:
        msg = f"model version {publication.version} was issued in the future: look at this machine's clock"
        raise PublicationTimeError(msg)
    if now >= publication.expires:
        msg = f"model version {publication.version} has expired: get the current one"
        raise PublicationTimeError(msg)


def insist_about(publication: Publication, model: bytes, features_sha256: str) -> None:
    """Nothing, if a publication is about these very bytes and features.

    Raises:
        OtherModelError: If not.
    """
    if hashlib.sha256(model).hexdigest() != publication.model_sha256:
        msg = f"this is not the model that version {publication.version} is about: get both again"
        raise OtherModelError(msg)
    if features_sha256 != publication.features_sha256:
        msg = f"model version {publication.version} was made with other features than its plan says: do not use it"
        raise OtherModelError(msg)


def accept(
    signed: SignedPublication,
    model: bytes,
    *,
    features_sha256: str,
    roster: Roster,
    roles: frozenset[Role],
    accepted: Publication | None,
    now: int,
) -> Publication:
    """What to remember, if this model may be used; keep it durably before the model is.

    Guarantees:
        * Signed by a member in each of ``roles``, about these bytes and features, current, and following what was
          accepted before.

    Args:
        signed: The publication.
        model: Its model, as delivered.
        features_sha256: Of the feature specification in the model's plan.
        roster: In force.
        roles: Whose signatures the bureau wants.
        accepted: The newest publication that was accepted.
        now: Unix seconds.

    Raises:
        PublicationError: If not; the class says why.
    """
    insist_signed(signed, roster, roles)
    insist_about(signed.publication, model, features_sha256)
    insist_follows(signed.publication, accepted)
    insist_current(signed.publication, now)
    return signed.publication
