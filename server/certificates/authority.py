"""An authority in a directory: its key, what it has issued, and what counts no longer.

``authority.key`` is secret. ``ca.pem`` is what everybody trusts, ``crl.pem`` what counts no longer, ``issued.json`` the
list of all certificates, ``issued/`` the clients' certificates by their serial numbers. Credentials whose keys lie here
are called ``server-NAME`` and ``operator``.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from common.errors import InputError
from common.messages import is_bureau_name
from server.certificates import issuing
from server.certificates.credentials import CLIENTS, OPERATOR, RECORD_FILE, ROOT_FILE, Credentials, ServerFiles
from server.certificates.issuing import Kind, Signer, Wanted, span
from server.certificates.keeping import damaged, load_certificate, load_key, now, write_new_key
from server.certificates.record import Issued, write_record
from server.certificates.requests import requested_key
from server.consortium.files import PRIVATE_DIRECTORY, alone, make_directory, replace

AUTHORITY_LASTS = dt.timedelta(days=5 * 365)
LASTS = dt.timedelta(days=365)
REVOCATIONS_LAST = dt.timedelta(days=90)
KEY_FILE = "authority.key"
SERVER_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
LONGEST_NAME = 64
"""Of X.520, which counts characters; programs count bytes."""


class NobodyError(InputError):
    """No certificate was issued under this name: look at ``certificate list``."""


class Authority(Credentials):
    """Signs certificates of servers, of bureaus and of the operator.

    Guarantees:
        * Its key lies in one file for its owner alone, and nothing that is returned holds it.
        * A certificate is on the list, on the disk, before it leaves; a revoked one is in ``crl.pem`` when ``revoke``
          returns.
        * Nothing that it issues outlives it.
        * Several processes may use one directory.
    """

    def __init__(self, directory: Path, signer: Signer) -> None:
        """Use a directory; see ``create`` and ``open``."""
        super().__init__(directory)
        self._signer = signer

    @classmethod
    def create(cls, directory: Path, name: str, *, lifetime: dt.timedelta = AUTHORITY_LASTS) -> Self:
        """A new authority in a new directory, or in an empty one.

        Raises:
            InputError: If there is something in it, it cannot be made, or the name cannot be used.
        """
        _insist_name(name)
        make_directory(directory)
        key = write_new_key(directory / KEY_FILE)
        made = cls(directory, Signer(key=key, certificate=issuing.authority(key, name, span(now(), lifetime))))
        (directory / CLIENTS).mkdir(PRIVATE_DIRECTORY)
        write_record(directory / RECORD_FILE, ())
        made._write_revocations(())
        replace(made.root, made._signer.certificate.public_bytes(Encoding.PEM))
        return made

    @classmethod
    def open(cls, directory: Path, key_file: Path | None = None) -> Self:
        """The authority of a directory; its list of revocations is made anew when half its time is over.

        Args:
            directory: Its own.
            key_file: Of its key; None if that lies in the directory.

        Raises:
            InputError: If there is none, a file is damaged, or its key is open to others.
        """
        path = key_file or directory / KEY_FILE
        key, certificate = load_key(path), load_certificate(directory / ROOT_FILE)
        if certificate.public_key() != key.public_key():
            raise damaged(path)
        found = cls(directory, Signer(key=key, certificate=certificate))
        found._freshen()
        return found

    def server(self, name: str, hosts: Sequence[str], *, lifetime: dt.timedelta = LASTS) -> ServerFiles:
        """A server's certificate, anew at every call; its key stays, unless the last certificate was revoked.

        Args:
            name: Of its files: small letters, digits and hyphens.
            hosts: Addresses and DNS names under which it is reached.
            lifetime: How long it counts.

        Raises:
            InputError: If a name or a host cannot be used.
        """
        if SERVER_NAME.fullmatch(name) is None or not hosts:
            raise InputError("a server has a name of small letters, digits and hyphens, and one host at least")
        with alone(self._directory):
            files, key = self._own(Kind.SERVER, name)
            certificate = issuing.server(self._signer, self._wanted(key.public_key(), name, lifetime), hosts)
            self._note(certificate, Kind.SERVER, name)
            replace(files.certificate, certificate.public_bytes(Encoding.PEM))
        return files

    def operator(self, *, lifetime: dt.timedelta = LASTS) -> ServerFiles:
        """The operator's credential, anew at every call; its key stays, unless the last certificate was revoked."""
        with alone(self._directory):
            files, key = self._own(Kind.OPERATOR, OPERATOR)
            certificate = self._client(key.public_key(), OPERATOR, Kind.OPERATOR, lifetime)
            replace(files.certificate, certificate.public_bytes(Encoding.PEM))
        return files

    def client(self, request_pem: bytes, name: str, *, lifetime: dt.timedelta = LASTS) -> bytes:
        """A bureau's certificate; of its request only the key is taken.

        Args:
            request_pem: PKCS #10, signed with its own key.
            name: Of the bureau, as the authority knows it.
            lifetime: How long it counts.

        Returns:
            The certificate in PEM.

        Raises:
            RequestError: If the request is not signed with its own key, or that is not EC P-384.
            InputError: If the name cannot be used.
        """
        _insist_name(name)
        key = requested_key(request_pem)
        with alone(self._directory):
            return self._client(key, name, Kind.BUREAU, lifetime).public_bytes(Encoding.PEM)

    def revoke(self, name: str, kind: Kind = Kind.BUREAU) -> int:
        """Let no certificate of this name count any more.

        Returns:
            How many did until now.

        Raises:
            NobodyError: If none was issued under this name.
        """
        with alone(self._directory):
            record, since = self.issued(), int(now().timestamp())
            named = [one for one in record if (one.name, one.kind) == (name, kind)]
            if not named:
                msg = f"no {kind.value}'s certificate was issued under this name: look at `certificate list`"
                raise NobodyError(msg)
            gone = [one for one in named if one.revoked is None]
            changed = tuple(one.model_copy(update={"revoked": since}) if one in gone else one for one in record)
            write_record(self._directory / RECORD_FILE, changed)
            self._write_revocations(changed)
        return len(gone)

    def renew_revocations(self) -> None:
        """Sign the list of revocations anew: clients are turned away once it is too old."""
        with alone(self._directory):
            self._write_revocations(self.issued())

    def _client(
        self, key: ec.EllipticCurvePublicKey, name: str, role: Kind, lifetime: dt.timedelta
    ) -> x509.Certificate:
        certificate = issuing.client(self._signer, self._wanted(key, name, lifetime), role)
        self._note(certificate, role, name)
        replace(self.clients / f"{certificate.serial_number:x}.pem", certificate.public_bytes(Encoding.PEM))
        return certificate

    def _own(self, kind: Kind, name: str) -> tuple[ServerFiles, ec.EllipticCurvePrivateKey]:
        """The files of a credential whose key lies here, and that key."""
        files = self.files(kind, name)
        last = next((one for one in reversed(self.issued()) if (one.name, one.kind) == (name, kind)), None)
        if last is None or last.revoked is not None or not files.key.exists():
            return files, write_new_key(files.key)
        return files, load_key(files.key)

    def _note(self, certificate: x509.Certificate, kind: Kind, name: str) -> None:
        one = Issued(
            serial=f"{certificate.serial_number:x}",
            name=name,
            kind=kind,
            begins=int(certificate.not_valid_before_utc.timestamp()),
            ends=int(certificate.not_valid_after_utc.timestamp()),
        )
        write_record(self._directory / RECORD_FILE, (*self.issued(), one))

    def _wanted(self, key: ec.EllipticCurvePublicKey, name: str, lifetime: dt.timedelta) -> Wanted:
        when = span(now(), lifetime, within=self._signer.certificate)
        return Wanted(public=key, serial=x509.random_serial_number(), name=name, when=when)

    def _freshen(self) -> None:
        with suppress(OSError, ValueError):
            held = x509.load_pem_x509_crl(self.revocations.read_bytes())
            if held.next_update_utc is not None and held.next_update_utc - now() > REVOCATIONS_LAST / 2:
                return
        self.renew_revocations()

    def _write_revocations(self, record: tuple[Issued, ...]) -> None:
        gone = [(one.number, dt.datetime.fromtimestamp(one.revoked, dt.UTC)) for one in record if one.revoked]
        held = issuing.revocations(self._signer, gone, span(now(), REVOCATIONS_LAST))
        replace(self.revocations, held.public_bytes(Encoding.PEM))


def _insist_name(name: str) -> None:
    if not is_bureau_name(name) or len(name.encode()) > LONGEST_NAME:
        msg = f"a name in a certificate has 1 to {LONGEST_NAME} bytes of UTF-8, no control characters: choose another"
        raise InputError(msg)
