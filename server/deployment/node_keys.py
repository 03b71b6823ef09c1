"""Nodes' public keys, which come in two spellings: OpenSSH in an admission, PEM from Flower."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
    load_ssh_public_key,
)


def spelled(key: bytes) -> bytes | None:
    """A key in one spelling, whichever of the two it comes in."""
    load = load_ssh_public_key if key.startswith(b"ecdsa-") else load_pem_public_key
    try:
        return load(key).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        return None
