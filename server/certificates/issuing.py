"""Certificates and revocation lists as they are signed: pure, with keys and times as arguments.

Everything is EC P-384 with SHA-384. The subject of a client's certificate ends in its role, which a proxy reads; the
role is the authority's word, and nothing in a request can change it.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from common.errors import InputError

CURVE = ec.SECP384R1
DNS_NAME = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
CLOCK_SLACK = dt.timedelta(minutes=5)
"""A certificate counts from a little before it was made: clocks differ."""


class Kind(StrEnum):
    """What a certificate is for; a client's is its role, too."""

    SERVER = "server"
    BUREAU = "bureau"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """When a certificate counts."""

    begins: dt.datetime
    ends: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a certificate is to say.

    Attributes:
        public: Whose holder it names.
        serial: Its number.
        name: Of the holder.
        when: It counts.
    """

    public: ec.EllipticCurvePublicKey
    serial: int
    name: str
    when: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """An authority's key and what the world knows of it."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def span(now: dt.datetime, lifetime: dt.timedelta, *, within: x509.Certificate | None = None) -> Span:
    """From a little before ``now`` for a lifetime, but never longer than the authority."""
    ends = now + lifetime
    return Span(begins=now - CLOCK_SLACK, ends=ends if within is None else min(ends, within.not_valid_after_utc))


def authority(key: ec.EllipticCurvePrivateKey, name: str, when: Span) -> x509.Certificate:
    """An authority's own certificate: it signs others, which sign nobody."""
    wanted = Wanted(public=key.public_key(), serial=x509.random_serial_number(), name=name, when=when)
    return (
        _begun(_called(name), _called(name), wanted)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(key, hashes.SHA384())
    )


def server(signer: Signer, wanted: Wanted, hosts: Sequence[str]) -> x509.Certificate:
    """A certificate of a server that is reached under these addresses and names."""
    names = x509.SubjectAlternativeName([_host(host) for host in hosts])
    begun = _leaf(signer, wanted, _called(wanted.name), ExtendedKeyUsageOID.SERVER_AUTH)
    return begun.add_extension(names, critical=False).sign(signer.key, hashes.SHA384())


def client(signer: Signer, wanted: Wanted, role: Kind) -> x509.Certificate:
    """A certificate of a client; its subject holds a name, then the role, and nothing else."""
    begun = _leaf(signer, wanted, _called(wanted.name, role), ExtendedKeyUsageOID.CLIENT_AUTH)
    return begun.sign(signer.key, hashes.SHA384())


def revocations(
    signer: Signer, revoked: Iterable[tuple[int, dt.datetime]], when: Span
) -> x509.CertificateRevocationList:
    """The list of serial numbers that count no longer; its own number grows with time."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(signer.certificate.subject)
        .last_update(when.begins)
        .next_update(when.ends)
        .add_extension(x509.CRLNumber(int(when.begins.timestamp() * 1000)), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()), critical=False)
    )
    for serial, since in revoked:
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since).build()
        builder = builder.add_revoked_certificate(one)
    return builder.sign(signer.key, hashes.SHA384())


def _leaf(signer: Signer, wanted: Wanted, called: x509.Name, purpose: x509.ObjectIdentifier) -> x509.CertificateBuilder:
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
    return (
        _begun(called, signer.certificate.subject, wanted)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(issuer, critical=False)
    )


def _begun(subject: x509.Name, issuer: x509.Name, wanted: Wanted) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(wanted.public)
        .serial_number(wanted.serial)
        .not_valid_before(wanted.when.begins)
        .not_valid_after(wanted.when.ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(wanted.public), critical=False)
    )


def _called(name: str, role: Kind | None = None) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if role is not None:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, role.value))
    return x509.Name(attributes)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        pass
    if DNS_NAME.fullmatch(text) is None:
        raise InputError("a host is an IP address or a DNS name in ASCII: mend the one that is neither")
    return x509.DNSName(text)
