"""Keys and certificates in files: read with an error that says the fix, and how long they still count."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from common.errors import InputError
from server.certificates.issuing import CURVE
from server.consortium.files import read_bounded, read_private, replace


def days_left(path: Path) -> int:
    """Whole days for which a certificate, or a list of revocations, still counts; below zero once it does not.

    Raises:
        InputError: If the file is neither.
    """
    held = read_bounded(path)
    try:
        if b"X509 CRL" in held:
            ends = x509.load_pem_x509_crl(held).next_update_utc
        else:
            ends = x509.load_pem_x509_certificate(held).not_valid_after_utc
    except ValueError:
        raise damaged(path) from None
    if ends is None:
        raise damaged(path)
    return (ends - now()).days


def write_new_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """A fresh key, in a file for its owner alone; what was there is gone.

    Raises:
        EngineError: If the disk fails.
    """
    key = ec.generate_private_key(CURVE())
    replace(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key in a file.

    Raises:
        InputError: If it is open to others, or no key of this kind.
    """
    held = read_private(path)
    try:
        key = load_pem_private_key(held, None)
    except (ValueError, TypeError):
        raise damaged(path) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise damaged(path)
    return key


def load_certificate(path: Path) -> x509.Certificate:
    """The certificate in a file.

    Raises:
        InputError: If it is none.
    """
    try:
        return x509.load_pem_x509_certificate(read_bounded(path))
    except ValueError:
        raise damaged(path) from None


def damaged(path: Path) -> InputError:
    """What to raise when a file is not what it must be."""
    return InputError(f"{path} is not what it must be: restore it from your copy of the authority's directory")


def now() -> dt.datetime:
    """The time, with its zone."""
    return dt.datetime.now(dt.UTC)
