"""What of an authority is used without its key: where certificates lie, and the list of what was issued."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from server.certificates.issuing import Kind
from server.certificates.record import Issued, read_record

ROOT_FILE, REVOCATIONS_FILE, RECORD_FILE, CLIENTS = "ca.pem", "crl.pem", "issued.json", "issued"
OPERATOR = "operator"

DIRECTORY = "authority"
"""Where the authority lies in a coordinator's directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFiles:
    """What one end of TLS is started with; paths of PEM files."""

    certificate: Path
    key: Path


class Credentials:
    """The files of an authority's directory.

    Guarantees:
        * The authority's key is not looked at: it may lie elsewhere.
    """

    def __init__(self, directory: Path) -> None:
        """Use a directory."""
        self._directory = directory

    @property
    def root(self) -> Path:
        """What everybody trusts."""
        return self._directory / ROOT_FILE

    @property
    def revocations(self) -> Path:
        """What counts no longer; a proxy reads it again when it is reloaded."""
        return self._directory / REVOCATIONS_FILE

    @property
    def clients(self) -> Path:
        """Where the clients' certificates lie."""
        return self._directory / CLIENTS

    def files(self, kind: Kind, name: str) -> ServerFiles:
        """Where a credential lies whose key lies here."""
        stem = OPERATOR if kind is Kind.OPERATOR else f"{kind.value}-{name}"
        return ServerFiles(certificate=self._directory / f"{stem}.pem", key=self._directory / f"{stem}.key")

    def issued(self) -> tuple[Issued, ...]:
        """All certificates, oldest first.

        Raises:
            InputError: If the list is damaged.
        """
        return read_record(self._directory / RECORD_FILE)
