"""How a bureau's connection is let in: the link's request with its two public keys, and the coordinator's admission.

Both are public and travel as files; what makes them count is that two people compare their digests by telephone.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP384R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_public_key
from pydantic import AfterValidator, FailFast, Field, ValidationError, model_validator

from common.consortium.encoding import Spelled, hashed
from common.consortium.roster import Content, ReadableText
from common.consortium.signed import faults
from common.errors import InputError

MOST_BYTES = 1 << 16
"""Of a request's or an admission's file."""

MOST_BUNDLES = 16
_BUNDLE = r"^[0-9a-f]{64}$"
_ADDRESS = re.compile(r"(?P<host>[A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:]{2,45}\]):(?P<port>[1-9][0-9]{0,4})")
_MOST_PORT = 65_535
SIGNING = ECDSA(SHA384())


class LinkError(InputError):
    """The file is no request or admission of a link: ask who made it for a new one."""


def _node_key(text: str) -> str:
    """The key, if it is the one kind that nodes have, in its one spelling without a comment."""
    try:
        key = load_ssh_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not (isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP384R1)):
        raise ValueError("not the OpenSSH text of an ecdsa-sha2-nistp384 public key")  # noqa: TRY004  pydantic's
    if key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() != text:
        raise ValueError("a public key is written without a comment or blanks at its ends")
    return text


def _certificate_request(text: str) -> str:
    """The request, if whoever made it holds the secret half of its P-384 key."""
    try:
        request = x509.load_pem_x509_csr(text.encode())
        own = request.is_signature_valid and isinstance(request.public_key(), EllipticCurvePublicKey)
    except (ValueError, UnsupportedAlgorithm, InvalidSignature):
        raise ValueError("not a certificate request in PEM") from None
    if not own:
        raise ValueError("a certificate request is signed by its own elliptic key")
    return _one_block(text, "CERTIFICATE REQUEST")


def _certificate(text: str) -> str:
    try:
        x509.load_pem_x509_certificate(text.encode())
    except ValueError:
        raise ValueError("not a certificate in PEM") from None
    return _one_block(text, "CERTIFICATE")


def _one_block(pem: str, kind: str) -> str:
    if re.fullmatch(rf"-----BEGIN {kind}-----\n[A-Za-z0-9+/=\n]+-----END {kind}-----\n", pem) is None:
        msg = f"not one PEM block of a {kind.lower()} alone"
        raise ValueError(msg)
    return pem


def _address(text: str) -> str:
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found["port"]) > _MOST_PORT:
        raise ValueError("an address is host:port")
    return text


Pem = Annotated[str, Field(max_length=1 << 13)]


class _LinkFile(Content):
    """What both files have: a name, a spelling, a digest."""

    purpose: ClassVar[str]

    name: ReadableText

    @property
    def digest(self) -> str:
        """What people compare by telephone: SHA-256 of the content in hexadecimal, however the file is laid out."""
        return hashed(self.purpose, *self._spelled()).hex()

    def to_json(self) -> bytes:
        """For a file, readable by people."""
        return self.model_dump_json(indent=2).encode() + b"\n"

    @classmethod
    def from_json(cls, held: bytes) -> Self:
        """The content of a file.

        Raises:
            LinkError: If it is none.
        """
        try:
            return cls.model_validate_json(held if len(held) <= MOST_BYTES else b"")
        except ValidationError as error:
            msg = f"this is no {cls.purpose} ({faults(error)}): ask who made it for a new one"
            raise LinkError(msg) from None

    def _spelled(self) -> tuple[Spelled, ...]:
        raise NotImplementedError


class LinkRequest(_LinkFile):
    """What a bureau's link asks to be let in with. Public: it holds nothing secret.

    Guarantees:
        * Whoever made it holds the secret halves of the certificate request's key and of the node key: nobody can take
          the node key of another, and so keep that one out.

    Attributes:
        name: Of the bureau, as in the roster.
        node_key: With which its SuperNode proves to be itself; OpenSSH text.
        certificate_request: For its TLS client certificate; PKCS #10 in PEM.
        node_signature: By the node key over the digest, which it is no part of; hexadecimal.
    """

    purpose: ClassVar[str] = "link request"

    format: Literal["fedclaims/link-request/1"] = "fedclaims/link-request/1"
    node_key: Annotated[str, Field(max_length=1 << 10), AfterValidator(_node_key)]
    certificate_request: Annotated[Pem, AfterValidator(_certificate_request)]
    node_signature: Annotated[str, Field(pattern=r"^[0-9a-f]{2,512}$")]

    @classmethod
    def of(cls, name: str, node: EllipticCurvePrivateKey, certificate_request: str) -> Self:
        """The request of whoever holds a node key, signed with it.

        Raises:
            ValidationError: If one of them cannot stand in a request.
        """
        node_key = node.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        request = cls.model_construct(name=name, node_key=node_key, certificate_request=certificate_request)
        signature = node.sign(bytes.fromhex(request.digest), SIGNING).hex()
        return cls(name=name, node_key=node_key, certificate_request=certificate_request, node_signature=signature)

    @model_validator(mode="after")
    def _is_signed_by_its_node(self) -> Self:
        key = load_ssh_public_key(self.node_key.encode())
        try:
            if isinstance(key, EllipticCurvePublicKey):
                key.verify(bytes.fromhex(self.node_signature), bytes.fromhex(self.digest), SIGNING)
                return self
        except (InvalidSignature, ValueError):
            pass
        raise ValueError("a link request is signed by its own node key")

    def _spelled(self) -> tuple[Spelled, ...]:
        return (self.format, self.name, self.node_key, self.certificate_request)


class LinkAdmission(_LinkFile):
    """What the coordinator lets a bureau's link in with. Public, too.

    Attributes:
        name: Of the bureau.
        superlink: Where bureaus reach the SuperLink, ``host:port``.
        root: Certificate of the authority; PEM.
        certificate: For this bureau, from that authority; PEM.
        bundles: SHA-256 of the app bundles whose messages the courier carries, in hexadecimal.
    """

    purpose: ClassVar[str] = "link admission"

    format: Literal["fedclaims/link-admission/1"] = "fedclaims/link-admission/1"
    superlink: Annotated[str, Field(max_length=300), AfterValidator(_address)]
    root: Annotated[Pem, AfterValidator(_certificate)]
    certificate: Annotated[Pem, AfterValidator(_certificate)]
    bundles: Annotated[
        tuple[Annotated[str, Field(pattern=_BUNDLE)], ...], Field(min_length=1, max_length=MOST_BUNDLES), FailFast()
    ]

    def _spelled(self) -> tuple[Spelled, ...]:
        return (self.format, self.name, self.superlink, self.root, self.certificate, self.bundles)
