"""The authority: whom it signs for, what it looks at, what it remembers."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import ssl
import stat
import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from common.errors import InputError
from server.certificates.authority import AUTHORITY_LASTS, KEY_FILE, LASTS, Authority
from server.certificates.issuing import Kind
from server.certificates.keeping import days_left
from server.certificates.renewing import renew
from server.certificates.requests import RequestError

HOSTS = ("127.0.0.1", "coordinator.example")
PAST = dt.timedelta(minutes=-1)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "authority", "test authority")


def request_of(key: ec.EllipticCurvePrivateKey | None = None, subject: str = "whoever") -> bytes:
    """A request with a subject and extensions that nobody should believe."""
    key = key or ec.generate_private_key(ec.SECP384R1())
    attributes = [(NameOID.COMMON_NAME, subject), (NameOID.ORGANIZATIONAL_UNIT_NAME, "operator")]
    name = x509.Name([x509.NameAttribute(which, held) for which, held in attributes])
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=3), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("coordinator.example")]), critical=False)
        .sign(key, hashes.SHA384())
        .public_bytes(Encoding.PEM)
    )


def loaded(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def usage_of(certificate: x509.Certificate) -> list[x509.ObjectIdentifier]:
    return list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> str | None:
    """The TLS version of a handshake on a pair of sockets, both ends verified; an error's class if it fails."""
    ours, theirs = socket.socketpair()
    outcome: list[BaseException] = []

    def serve() -> None:
        try:
            with server.wrap_socket(ours, server_side=True) as wrapped:
                wrapped.sendall(b"x")
        except (ssl.SSLError, OSError) as error:
            outcome.append(error)
            ours.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(theirs, server_hostname=host) as wrapped:
            assert wrapped.recv(1) == b"x"
            return wrapped.version()
    except (ssl.SSLError, OSError) as error:
        return type(error).__name__
    finally:
        theirs.close()
        thread.join()


def contexts(authority: Authority, key: ec.EllipticCurvePrivateKey, pem: bytes) -> tuple[ssl.SSLContext, ...]:
    """A server's and a client's that trust the authority alone; the server looks at its revocations."""
    files = authority.server("door", HOSTS)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.root))
    server.load_cert_chain(files.certificate, files.key)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(authority.revocations)
    server.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    client = ssl.create_default_context(cafile=str(authority.root))
    own = files.key.with_name("client.pem")
    own.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + pem)
    client.load_cert_chain(own)
    return server, client


def test_a_bureau_and_a_server_that_it_signed_for_shake_hands_and_a_revoked_one_does_not(authority: Authority) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    pem = authority.client(request_of(key), "north")
    assert shake_hands(*contexts(authority, key, pem), "coordinator.example") == "TLSv1.3"
    assert shake_hands(*contexts(authority, key, pem), "127.0.0.1") == "TLSv1.3"
    assert shake_hands(*contexts(authority, key, pem), "elsewhere.example") == "SSLCertVerificationError"
    expired = authority.client(request_of(key), "north", lifetime=PAST)
    assert shake_hands(*contexts(authority, key, expired), "coordinator.example") != "TLSv1.3"
    authority.revoke("north")
    assert shake_hands(*contexts(authority, key, pem), "coordinator.example") != "TLSv1.3"


def test_of_a_request_only_the_key_is_taken(authority: Authority) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    found = x509.load_pem_x509_certificate(authority.client(request_of(key, "somebody else"), "north"))
    assert found.public_key() == key.public_key()
    assert [(one.oid, one.value) for one in found.subject] == [
        (NameOID.COMMON_NAME, "north"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "bureau"),
    ]
    assert usage_of(found) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    with pytest.raises(x509.ExtensionNotFound):
        found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert isinstance(found.signature_hash_algorithm, hashes.SHA384)


@pytest.mark.parametrize("name", ["north", "x,OU=operator", "OU=operator", "北京" * 10, '"\\+=<>#; '])
def test_a_name_cannot_become_a_role(authority: Authority, name: str) -> None:
    found = x509.load_pem_x509_certificate(authority.client(request_of(), name))
    assert found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == name
    (role,) = found.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    assert role.value == "bureau"
    assert found.subject.rfc4514_string().startswith("OU=bureau,CN=")


def signed_by_another() -> bytes:
    """A request whose key is not the one that signed it."""
    held, other = x509.load_pem_x509_csr(request_of()), ec.generate_private_key(ec.SECP384R1()).public_key()
    own = held.public_key()
    assert isinstance(own, ec.EllipticCurvePublicKey)
    points = [key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) for key in (own, other)]
    forged = held.public_bytes(Encoding.DER).replace(*points)
    return x509.load_der_x509_csr(forged).public_bytes(Encoding.PEM)


def of_kind(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, digest).public_bytes(Encoding.PEM)


def test_a_request_that_its_own_key_has_not_signed_is_refused(authority: Authority) -> None:
    with pytest.raises(RequestError, match="not signed with its own key"):
        authority.client(signed_by_another(), "north")
    assert authority.issued() == ()


@pytest.mark.parametrize(
    ("request_pem", "word"),
    [
        (of_kind(ec.generate_private_key(ec.SECP256R1())), "P-384"),
        (of_kind(rsa.generate_private_key(65537, 2048)), "P-384"),
        (of_kind(ed25519.Ed25519PrivateKey.generate()), "P-384"),
        (b"", "no certificate request"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", "no certificate request"),
        (b"x" * 20_000, "shorter"),
    ],
)
def test_no_other_kind_of_key_and_nothing_else_is_signed(authority: Authority, request_pem: bytes, word: str) -> None:
    with pytest.raises(RequestError, match=word):
        authority.client(request_pem, "north")
    assert authority.issued() == ()


@pytest.mark.parametrize("name", ["", "x" * 65, "北" * 22, "a\nb", "a\0b"])
def test_a_name_that_messages_cannot_hold_is_refused(authority: Authority, name: str) -> None:
    with pytest.raises(InputError, match="1 to 64 bytes"):
        authority.client(request_of(), name)


def test_the_key_lies_in_one_file_for_its_owner_alone(authority: Authority) -> None:
    directory = authority.root.parent
    authority.server("door", HOSTS)
    authority.operator()
    authority.client(request_of(), "north")
    secret = (directory / KEY_FILE).read_bytes().splitlines()[1]
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in directory.rglob("*.key")} == {0o600}
    holding = [one.name for one in directory.rglob("*") if one.is_file() and secret in one.read_bytes()]
    assert holding == [KEY_FILE]


def test_a_key_that_is_open_to_others_or_anothers_is_not_used(authority: Authority, tmp_path: Path) -> None:
    directory = authority.root.parent
    (directory / KEY_FILE).chmod(0o640)
    with pytest.raises(InputError, match="nobody else"):
        Authority.open(directory)
    other = Authority.create(tmp_path / "other", "other")
    (directory / KEY_FILE).chmod(0o600)
    (directory / KEY_FILE).write_bytes((other.root.parent / KEY_FILE).read_bytes())
    with pytest.raises(InputError, match="restore"):
        Authority.open(directory)


def test_what_was_issued_is_on_the_disk_with_serial_number_name_and_dates(authority: Authority) -> None:
    pem = x509.load_pem_x509_certificate(authority.client(request_of(), "north"))
    authority.server("door", HOSTS)
    authority.operator()
    found = Authority.open(authority.root.parent).issued()
    assert [(one.name, one.kind.value) for one in found] == [
        ("north", "bureau"),
        ("door", "server"),
        ("operator", "operator"),
    ]
    assert found[0].number == pem.serial_number
    assert found[0].ends - found[0].begins == LASTS.total_seconds() + 300
    assert (authority.clients / f"{found[0].serial}.pem").read_bytes() == pem.public_bytes(Encoding.PEM)


def test_nothing_is_issued_that_cannot_be_noted(authority: Authority) -> None:
    (authority.root.parent / "issued.json").write_text("damaged")
    for issue in (lambda: authority.client(request_of(), "north"), authority.operator):
        with pytest.raises(InputError, match="restore it"):
            issue()
    assert list(authority.clients.iterdir()) == []
    assert not (authority.root.parent / "operator.pem").exists()


def test_the_list_of_revocations_is_always_there_and_signed_and_ends(authority: Authority) -> None:
    authority.client(request_of(), "north")
    authority.client(request_of(), "south")
    root = loaded(authority.root)
    for n_revoked in (0, 1):
        held = x509.load_pem_x509_crl(authority.revocations.read_bytes())
        assert held.is_signature_valid(root.public_key())  # type: ignore[arg-type]
        assert len(held) == n_revoked
        assert days_left(authority.revocations) == 89
        authority.revoke("north")
    north, south = authority.issued()
    held = x509.load_pem_x509_crl(authority.revocations.read_bytes())
    assert held.get_revoked_certificate_by_serial_number(north.number) is not None
    assert held.get_revoked_certificate_by_serial_number(south.number) is None
    assert authority.revoke("north") == 0
    with pytest.raises(InputError, match="no bureau's certificate"):
        authority.revoke("nobody")


def test_a_bureau_that_is_called_like_a_server_is_revoked_alone(authority: Authority) -> None:
    authority.server("door", HOSTS)
    authority.client(request_of(), "door")
    assert authority.revoke("door") == 1
    assert [one.revoked is None for one in authority.issued()] == [True, False]


def test_an_old_or_missing_list_of_revocations_is_made_anew_when_the_authority_is_opened(authority: Authority) -> None:
    directory = authority.root.parent
    authority.client(request_of(), "north")
    authority.revoke("north")
    before = authority.revocations.read_bytes()
    assert Authority.open(directory).revocations.read_bytes() == before
    authority.revocations.unlink()
    assert len(x509.load_pem_x509_crl(Authority.open(directory).revocations.read_bytes())) == 1


def test_nothing_outlives_the_authority(tmp_path: Path) -> None:
    short = Authority.create(tmp_path / "short", "short", lifetime=dt.timedelta(days=10))
    files = short.server("door", HOSTS)
    assert loaded(files.certificate).not_valid_after_utc == loaded(short.root).not_valid_after_utc
    assert (days_left(short.root), AUTHORITY_LASTS.days) == (9, 1825)
    assert days_left(short.server("door", HOSTS, lifetime=PAST).certificate) == -1


def test_a_renewed_server_keeps_its_key_until_its_certificate_is_revoked(authority: Authority) -> None:
    first = authority.server("door", HOSTS)
    keys, serials = [first.key.read_bytes()], [loaded(first.certificate).serial_number]
    for revoked in (False, True):
        if revoked:
            authority.revoke("door", Kind.SERVER)
        again = authority.server("door", HOSTS)
        assert loaded(again.certificate).public_key() != 0
        keys.append(again.key.read_bytes())
        serials.append(loaded(again.certificate).serial_number)
    assert keys[0] == keys[1] != keys[2]
    assert len(set(serials)) == 3


def test_what_ends_soon_is_renewed_under_the_same_hosts(authority: Authority) -> None:
    authority.server("door", HOSTS, lifetime=dt.timedelta(days=20))
    authority.server("link", HOSTS)
    authority.operator(lifetime=dt.timedelta(days=20))
    authority.client(request_of(), "north", lifetime=dt.timedelta(days=20))
    renewed = dict(renew(authority, dt.timedelta(days=60)))
    assert set(renewed) == {"door", "operator"}
    assert {days_left(one.certificate) for one in renewed.values()} == {364}
    names = loaded(renewed["door"].certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(one.value) for one in names] == list(HOSTS)
    assert dict(renew(authority, dt.timedelta(days=60))) == {}
    assert set(dict(renew(authority, dt.timedelta(days=60), ("link",)))) == {"link"}


@pytest.mark.parametrize(("name", "hosts"), [("../door", HOSTS), ("", HOSTS), ("door", ()), ("door", ("a b\n",))])
def test_a_server_of_no_name_or_no_host_is_refused(authority: Authority, name: str, hosts: tuple[str, ...]) -> None:
    with pytest.raises(InputError):
        authority.server(name, hosts)
    assert authority.issued() == ()


def test_a_directory_with_something_in_it_is_left_alone(authority: Authority) -> None:
    with pytest.raises(InputError, match="not empty"):
        Authority.create(authority.root.parent, "again")


def issue_some(directory: Path) -> int:
    authority = Authority.open(directory)
    for _ in range(5):
        authority.client(request_of(), f"bureau of {os.getpid()}")
    return 5


def test_several_processes_lose_nothing(authority: Authority) -> None:
    with ProcessPoolExecutor(3) as pool:
        n_issued = sum(pool.map(issue_some, [authority.root.parent] * 3))
    assert len({one.serial for one in authority.issued()}) == n_issued == len(list(authority.clients.iterdir()))
    assert json.loads((authority.root.parent / "issued.json").read_text())
