"""Certificate requests of others: only their key is taken, once it has shown that it signs."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from common.errors import RefusedError
from server.certificates.issuing import CURVE

MOST_BYTES = 16_384
HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


class RequestError(RefusedError):
    """A certificate request that nobody signs: ask for another."""


def requested_key(request_pem: bytes) -> ec.EllipticCurvePublicKey:
    """The key in a request.

    Guarantees:
        * Whoever made the request holds the key: the request is signed with it.
        * Subject and extensions of the request are not looked at.

    Raises:
        RequestError: If it is no request, not signed with its own key, or the key is not EC P-384.
    """
    try:
        if len(request_pem) > MOST_BYTES:
            raise RequestError("a certificate request is shorter than this: ask for the file that `link init` made")
        request = x509.load_pem_x509_csr(request_pem)
        key, signed = request.public_key(), isinstance(request.signature_hash_algorithm, HASHES)
        signed = signed and request.is_signature_valid
    except (ValueError, UnsupportedAlgorithm, TypeError):
        msg = "this is no certificate request in PEM: ask for the file that `link init` made"
        raise RequestError(msg) from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, CURVE):
        raise RequestError("the key of a certificate request must be EC P-384: ask for another request")
    if not signed:
        raise RequestError("the certificate request is not signed with its own key: ask for another request")
    return key
