"""Throw-away credentials: a certificate authority, server certificates for this machine, and keys of nodes."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LASTS = dt.timedelta(days=2)
CLOCK_SLACK = dt.timedelta(minutes=5)
HOST = "127.0.0.1"
CURVE = ec.SECP384R1
"""Of the NIST curves that Flower takes for nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFiles:
    """What a server with TLS is started with; paths of PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFiles:
    """What proves a node to be itself; paths of OpenSSH files."""

    private: Path
    public: Path


class Authority:
    """A certificate authority that lives as long as one rehearsal; its key never leaves this process."""

    def __init__(self, directory: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        """Issue into a directory."""
        self._directory = directory
        self._key = key
        self._certificate = certificate

    @classmethod
    def new(cls, directory: Path) -> Self:
        """An authority with a fresh key; its certificate is written to the directory."""
        key, name = ec.generate_private_key(CURVE()), _name("fedclaims rehearsal")
        certificate = (
            _begun(name, name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(key, hashes.SHA384())
        )
        found = cls(directory, key, certificate)
        _write(found.root, certificate.public_bytes(Encoding.PEM))
        return found

    @property
    def root(self) -> Path:
        """What everybody trusts."""
        return self._directory / "ca.pem"

    def server(self, name: str) -> ServerFiles:
        """A certificate for a server on this machine."""
        key = ec.generate_private_key(CURVE())
        certificate = (
            _begun(_name(name), self._certificate.subject, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(_here(), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA384())
        )
        files = ServerFiles(certificate=self._directory / f"{name}.pem", key=self._directory / f"{name}.key")
        _write(files.certificate, certificate.public_bytes(Encoding.PEM))
        _write(files.key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return files


def node_key(directory: Path, name: str) -> NodeFiles:
    """A fresh key pair of a node, as ``ssh-keygen -t ecdsa -b 384`` would make it."""
    key = ec.generate_private_key(CURVE())
    files = NodeFiles(private=directory / f"{name}-node", public=directory / f"{name}-node.pub")
    _write(files.private, key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    _write(files.public, key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b"\n")
    return files


def secret(directory: Path, name: str) -> Path:
    """A file of random bytes that a SuperNode and its courier share."""
    path = directory / f"{name}.secret"
    _write(path, os.urandom(32))
    return path


def _begun(subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SLACK)
        .not_valid_after(now + LASTS)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _here() -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST)), x509.DNSName("localhost")])


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _write(path: Path, held: bytes) -> None:
    """A file that only this user may read."""
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(held)
