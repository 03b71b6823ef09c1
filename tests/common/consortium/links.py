"""Requests and admissions of links for tests, under an authority that lives as long as a test."""

from __future__ import annotations

import datetime as dt

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = dt.timedelta(days=1)
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
BUNDLE = "ab" * 32


def named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def key_of(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve or ec.SECP384R1())


def node_key_of(key: ec.EllipticCurvePrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def request_of(key: ec.EllipticCurvePrivateKey, name: str = "north") -> str:
    request = x509.CertificateSigningRequestBuilder().subject_name(named(name)).sign(key, hashes.SHA384())
    return request.public_bytes(Encoding.PEM).decode()


class TestAuthority:
    """Signs what a test asks for, right or wrong."""

    __test__ = False

    def __init__(self, name: str = "test authority") -> None:
        self.key, self.name = key_of(), named(name)
        self.certificate = (
            self._begun(self.name, self.key.public_key(), 0.0, 30.0)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self.key, hashes.SHA384())
        )

    @property
    def root(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def client(
        self,
        request: str,
        name: str = "north",
        *,
        begins: float = 0.0,
        lasts: float = 30.0,
        purpose: x509.ObjectIdentifier = CLIENT,
    ) -> str:
        """A certificate for a request; days from now."""
        key = x509.load_pem_x509_csr(request.encode()).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        return self.issue(key, name, begins=begins, lasts=lasts, purpose=purpose)

    def issue(
        self,
        key: ec.EllipticCurvePublicKey,
        name: str,
        *,
        begins: float = 0.0,
        lasts: float = 30.0,
        purpose: x509.ObjectIdentifier = CLIENT,
        san: x509.SubjectAlternativeName | None = None,
    ) -> str:
        built = (
            self._begun(named(name), key, begins, lasts)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if san is not None:
            built = built.add_extension(san, critical=False)
        return built.sign(self.key, hashes.SHA384()).public_bytes(Encoding.PEM).decode()

    def _begun(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, begins: float, lasts: float
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins * DAY - dt.timedelta(minutes=5))
            .not_valid_after(now + (begins + lasts) * DAY)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )
