"""A link's fresh keys: the node's, the client certificate's with its request, and those of the door on the loopback."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CURVE = ec.SECP384R1
"""Of the NIST curves that Flower takes for nodes."""

LOOPBACK = "127.0.0.1"
LOOPBACK_LASTS = dt.timedelta(days=3650)
"""Nobody but this link's own courier believes it, and ``link init`` makes another."""

CLOCK_SLACK = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A secret key and what goes with it in public; both as they stand in files."""

    secret: bytes
    public: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """TLS of a server on the loopback, PEM."""

    root: bytes
    certificate: bytes
    key: bytes


def node_pair() -> Pair:
    """A node's key pair, as ``ssh-keygen -t ecdsa -b 384`` would make it, without a comment."""
    key = ec.generate_private_key(CURVE())
    return Pair(
        secret=key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
        public=key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
    )


def private_key(pair: Pair) -> ec.EllipticCurvePrivateKey:
    """The secret half of a node's pair, to sign with.

    Raises:
        ValueError: If it is none.
    """
    found = load_ssh_private_key(pair.secret, None)
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise ValueError("not the pair of a node")  # noqa: TRY004  a pair of another kind is a wrong value
    return found


def client_pair(name: str) -> Pair:
    """A client's key, and a request for its certificate under this name."""
    key = ec.generate_private_key(CURVE())
    request = x509.CertificateSigningRequestBuilder().subject_name(_called(name)).sign(key, hashes.SHA384())
    return Pair(secret=_pem(key), public=request.public_bytes(Encoding.PEM))


def door(now: dt.datetime) -> Door:
    """A server's certificate for the loopback, under an authority that signs nothing else and is forgotten."""
    authority, key = ec.generate_private_key(CURVE()), ec.generate_private_key(CURVE())
    name = _called("fedclaims link")
    root = _begun(name, name, authority.public_key(), now).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    leaf = (
        _begun(_called("fedclaims link door"), name, key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
    )
    return Door(
        root=root.sign(authority, hashes.SHA384()).public_bytes(Encoding.PEM),
        certificate=leaf.sign(authority, hashes.SHA384()).public_bytes(Encoding.PEM),
        key=_pem(key),
    )


def _begun(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SLACK)
        .not_valid_after(now + LOOPBACK_LASTS)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _called(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
