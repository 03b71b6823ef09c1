"""Checks of a station that is asked over TLS: address, certificate, key, and whom it lets in."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from client.deployment.configuration import Configuration
from client.deployment.doctor.findings import Finding, fault, fine, warning
from client.deployment.door import door_of
from client.deployment.place import Place
from client.service import TlsDoor
from common.errors import InputError

CHECK = "socket"
SOON_DAYS = 30
WILD = {"0.0.0.0", "[::]"}  # noqa: S104  what is warned of
AGAIN = "have the bureau's authority issue another, and name it under [socket] in station.toml"


def tls_door(place: Place, configuration: Configuration) -> Iterator[Finding]:
    """Whether the courier, and nobody else, can reach the address.

    Raises:
        InputError: If a file cannot be read, or holds something else.
    """
    door = door_of(place, configuration)
    if not isinstance(door, TlsDoor):
        return
    certificate, host = _certificate(door.certificate, "certificate"), door.address.rpartition(":")[0]
    _certificate(door.client_root, "client_root")
    now = datetime.now(UTC)
    if host in WILD:
        yield warning(
            CHECK, f"{door.address} is every address of this machine", "name the one that the courier reaches"
        )
    elif not _is_for(certificate, host.strip("[]")):
        yield fault(CHECK, f"the certificate is not for {host}", AGAIN)
    if not is_of(door.key, certificate):
        yield fault(CHECK, "the key is not the certificate's", "name the two that belong together")
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        yield fault(CHECK, f"the certificate counts until {certificate.not_valid_after_utc.date()}", AGAIN)
    elif (certificate.not_valid_after_utc - now).days < SOON_DAYS:
        yield warning(CHECK, f"the certificate ends on {certificate.not_valid_after_utc.date()}", AGAIN)
    yield fine(CHECK, f"{door.address}, for {', '.join(sorted(door.names))}")


def _certificate(held: bytes, what: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(held)
    except ValueError:
        msg = f"the file of {what} holds no certificate in PEM: name another under [socket] in station.toml"
        raise InputError(msg) from None


def is_of(key: bytes, certificate: x509.Certificate) -> bool:
    """Whether a key, PEM, is a certificate's."""
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    try:
        held = load_pem_private_key(key, None).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return held.public_bytes(*form) == certificate.public_key().public_bytes(*form)


def _is_for(certificate: x509.Certificate, host: str) -> bool:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    try:
        return ipaddress.ip_address(host) in names.get_values_for_type(x509.IPAddress)
    except ValueError:
        return host in names.get_values_for_type(x509.DNSName)
