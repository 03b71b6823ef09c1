"""Over the network only those are heard who show a certificate of the bureau's own authority."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from client.ledger.errors import KeyFileError
from client.router.serving.asking import RouterLink
from client.router.serving.process import door, serving
from common.errors import InputError
from tests.client.router.homes import Home
from tests.client.router.routed import claim_json

Pair = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def made(name: str, signer: Pair | None = None) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called if signer is None else signer[0].subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
    )
    return builder.sign(key if signer is None else signer[1], hashes.SHA256()), key


def pem(found: Pair) -> tuple[bytes, bytes]:
    certificate, key = found
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(serialization.Encoding.PEM), key.private_bytes(*plain)


class Secured:
    """A router at an address, and the two authorities."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root / "r").begin().accept()
        self.routers, self.askers = made("routers"), made("askers")
        certificate, key = pem(made("router", self.routers))
        for name, held in (("router.pem", certificate), ("router.key", key), ("clients-ca.pem", pem(self.askers)[0])):
            (self.home.root / name).write_bytes(held)
            (self.home.root / name).chmod(0o600)
        self.home.configure('# address = "0.0.0.0:9443"', 'address = "127.0.0.1:0"')
        for line in (
            "[service.tls]",
            'certificate = "router.pem"',
            'key = "router.key"',
            'client_ca = "clients-ca.pem"',
        ):
            self.home.configure(f"# {line}", line)

    def link(self, port: int, asker: Pair) -> RouterLink:
        certificate, key = pem(asker)
        ca = pem(self.routers)[0]
        return RouterLink.to_address(f"127.0.0.1:{port}", ca=ca, key=key, certificate=certificate, timeout_s=10)


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[tuple[Secured, int]]:
    found = Secured(tmp_path)
    with found.home.open() as router, serving(router) as port:
        yield found, port


def test_who_shows_a_certificate_of_the_authority_is_answered(secured: tuple[Secured, int]) -> None:
    found, port = secured
    with found.link(port, made("program", found.askers)) as link:
        assert len(link.decide(claim_json(1)).decision_id) == 32
    assert not (found.home.root / "run" / "router.sock").exists()


def test_a_stranger_and_somebody_without_a_certificate_are_not_heard(secured: tuple[Secured, int]) -> None:
    found, port = secured
    with found.link(port, made("stranger", made("other"))) as link, pytest.raises(grpc.RpcError) as refused:
        link.decide(claim_json(1))
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    credentials = grpc.ssl_channel_credentials(pem(found.routers)[0])
    with RouterLink(grpc.secure_channel(f"127.0.0.1:{port}", credentials), 10) as link, pytest.raises(grpc.RpcError):
        link.decide(claim_json(1))
    with RouterLink(grpc.insecure_channel(f"127.0.0.1:{port}"), 10) as link, pytest.raises(grpc.RpcError):
        link.decide(claim_json(1))


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    found = Secured(tmp_path)
    (found.home.root / "router.key").chmod(0o644)
    with found.home.open() as router, pytest.raises(KeyFileError):
        door(router.desk.place, router.desk.configuration.service)


def test_an_address_without_certificates_is_no_configuration(tmp_path: Path) -> None:
    home = Home(tmp_path / "r").begin().accept()
    home.configure('# address = "0.0.0.0:9443"', 'address = "127.0.0.1:0"')
    with pytest.raises(InputError, match="tls"):
        home.open()
