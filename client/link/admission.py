"""Accepting what the coordinator lets a link in with: checked against our keys, then kept.

LinkError             (common.consortium.linking) the file is no admission: ask for it again
└── AdmissionError      it is one, but not for this link, or not now; the text says what to do
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from client.deployment.place import put
from client.ledger.durable import read_private
from client.link.bundles import as_lines
from client.link.place import LinkPlace
from common.consortium.linking import MOST_BYTES, LinkAdmission, LinkError, LinkRequest
from common.errors import InputError

AGAIN = "ask the coordinator for a new admission"


class AdmissionError(LinkError):
    """The admission does not let this link in."""


def accept(place: LinkPlace, admission: LinkAdmission, digest: str, now: dt.datetime) -> None:
    """Keep an admission, once it is checked.

    Guarantees:
        * What is kept has the digest that was told by another way, and lets in this link, with its own key, now.
        * If anything is wrong, nothing is changed.

    Args:
        place: The link's directory.
        admission: As it came.
        digest: As it was told.
        now: With a time zone.

    Raises:
        AdmissionError: If something is wrong; the text says what to do.
        InputError: If the link's own files cannot be read, or the disk failed.
    """
    if admission.digest != digest.lower():
        msg = f"the admission's digest is {admission.digest}, not the one you gave: read it to the coordinator again"
        raise AdmissionError(msg)
    insist(place, admission, now)
    try:
        put(place.authority, admission.root.encode())
        put(place.certificate, admission.certificate.encode())
        put(place.bundles, as_lines(admission.bundles))
        put(place.admission, admission.to_json())
    except OSError:
        msg = f"{place.root} cannot be written: do it as the link's user, and free some space"
        raise InputError(msg) from None


def insist(place: LinkPlace, admission: LinkAdmission, now: dt.datetime) -> None:
    """Insist that an admission lets in this link, with its own key, now.

    Raises:
        AdmissionError: If it does not.
        InputError: If the link's own files cannot be read.
    """
    request = read_request(place)
    if admission.name != request.name:
        msg = f"the admission is for {admission.name!r}, this link is {request.name!r}'s: {AGAIN}"
        raise AdmissionError(msg)
    root, own = (x509.load_pem_x509_certificate(pem.encode()) for pem in (admission.root, admission.certificate))
    if own.public_key() != client_key(place).public_key():
        msg = f"its certificate is not for this link's key: send {place.request} again, and {AGAIN}"
        raise AdmissionError(msg)
    _insist_issued(own, root)
    _insist_called(own, request.name)
    for whose, certificate in (("authority", root), ("certificate", own)):
        _insist_dates(whose, certificate, now)


def read_request(place: LinkPlace) -> LinkRequest:
    """What this link asked to be let in with.

    Raises:
        InputError: If it cannot be read.
    """
    return LinkRequest.from_json(read_bounded(place.request))


def read_admission(place: LinkPlace) -> LinkAdmission:
    """What was accepted.

    Raises:
        InputError: If nothing was, or it cannot be read.
    """
    if not place.admission.exists():
        msg = f"no admission was accepted yet: `fedclaims-bureau link accept FILE --digest HEX --dir {place.root}`"
        raise InputError(msg)
    return LinkAdmission.from_json(read_bounded(place.admission))


def read_bounded(path: Path) -> bytes:
    """A request's or an admission's file.

    Raises:
        InputError: If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError:
        msg = f"{path} cannot be read: name the file, or restore it"
        raise InputError(msg) from None


def client_key(place: LinkPlace) -> EllipticCurvePrivateKey:
    """The key of the client certificate.

    Raises:
        InputError: If it is none, or open to others.
    """
    try:
        key = load_pem_private_key(read_private(place.client_key), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, EllipticCurvePrivateKey):
        msg = f"{place.client_key} holds no key: restore it, or make the link anew with `link init`"
        raise InputError(msg)
    return key


def _insist_issued(own: x509.Certificate, root: x509.Certificate) -> None:
    try:
        root.verify_directly_issued_by(root)
        own.verify_directly_issued_by(root)
        may_sign = root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        purposes = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound):
        msg = f"its certificate does not come from its authority: {AGAIN}"
        raise AdmissionError(msg) from None
    if not may_sign or ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
        msg = f"its certificate is not one of a client, from an authority: {AGAIN}"
        raise AdmissionError(msg)


def _insist_called(own: x509.Certificate, name: str) -> None:
    if [one.value for one in own.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] != [name]:
        msg = f"its certificate is made out to another name: {AGAIN}"
        raise AdmissionError(msg)


def _insist_dates(whose: str, certificate: x509.Certificate, now: dt.datetime) -> None:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < begins:
        msg = f"its {whose} counts from {begins:%Y-%m-%d %H:%M} UTC on: look at this machine's clock"
        raise AdmissionError(msg)
    if now >= ends:
        msg = f"its {whose} has expired on {ends:%Y-%m-%d %H:%M} UTC: {AGAIN}"
        raise AdmissionError(msg)
