"""A request to join: name, organisation and public key, signed by that key, so that nobody brings another's."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationError

from common.consortium.identity import SIGNATURE_BYTES, Identity, SignatureError, verify
from common.consortium.roster import Content, PublicKey, ReadableText
from common.consortium.signed import faults
from common.errors import InputError

PURPOSE = "join request"
MOST_BYTES = 1 << 16
"""Of a request's file."""


class JoinRequestError(InputError):
    """The request cannot be used: ask the bureau for a new one."""


class JoinRequest(Content):
    """What a bureau asks to be listed as. Public: it holds nothing secret."""

    name: ReadableText
    organisation: ReadableText
    public_key: PublicKey
    signature: Annotated[bytes, Field(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES)]

    @classmethod
    def by(cls, identity: Identity, name: str, organisation: str) -> JoinRequest:
        """The request of an identity.

        Raises:
            JoinRequestError: If name or organisation cannot be written in a roster.
        """
        try:
            return cls(
                name=name,
                organisation=organisation,
                public_key=identity.public,
                signature=identity.sign(PURPOSE, name, organisation, identity.public),
            )
        except ValidationError as error:
            raise JoinRequestError(faults(error)) from None
        except UnicodeEncodeError:
            raise JoinRequestError("name and organisation must be valid Unicode") from None

    def to_json(self) -> bytes:
        """For a file, readable by people."""
        return self.model_dump_json(indent=2).encode() + b"\n"

    @classmethod
    def from_json(cls, held: bytes) -> JoinRequest:
        """The request in a file.

        Guarantees:
            * Whoever made it holds the secret half of its public key, and wrote this name and organisation.

        Raises:
            JoinRequestError: If it is none, or is signed by another key.
        """
        try:
            request = cls.model_validate_json(held if len(held) <= MOST_BYTES else b"")
            verify(
                request.public_key, request.signature, PURPOSE, request.name, request.organisation, request.public_key
            )
        except ValidationError as error:
            msg = f"this is no join request ({faults(error)}): ask the bureau for the file that it made"
            raise JoinRequestError(msg) from None
        except SignatureError:
            msg = "the join request is not signed by the key it names, or was altered: ask the bureau for a new one"
            raise JoinRequestError(msg) from None
        return request
