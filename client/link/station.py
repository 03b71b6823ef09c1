"""The station as this link reaches it, and what there is to check about that: here, and by asking."""

from __future__ import annotations

import datetime as dt
import socket
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509

from client.deployment.doctor.findings import Finding, fault, fine, warning
from client.deployment.doctor.tls import is_of
from client.health import is_ready_at
from client.ledger.durable import read_private
from client.link.configuration import LinkConfiguration
from client.link.place import LinkPlace
from client.service import TlsAddress
from common.errors import EngineError, InputError

MOST_BYTES = 1 << 16
PATIENCE_S = 5.0
SOON = dt.timedelta(days=30)
CHECK = "station's TLS"
AGAIN = "have the authority that the station asks for issue another, and name it under [station] in link.toml"


def station_of(place: LinkPlace, configuration: LinkConfiguration) -> Path | TlsAddress:
    """Where the courier asks.

    Raises:
        InputError: If a file of an address cannot be read, or its key is open to others.
    """
    held = configuration.station
    if held.socket is not None:
        return held.socket
    return TlsAddress(
        address=held.address,
        root=_read(place.root / _named(held.root)),
        certificate=_read(place.root / _named(held.certificate)),
        key=read_private(place.root / _named(held.key)),
    )


def tls_files(place: LinkPlace, configuration: LinkConfiguration, now: dt.datetime) -> Iterator[Finding]:
    """Whether the files of an address are what they should be; nothing of a socket.

    Raises:
        InputError: If one cannot be read, or holds something else.
    """
    station = station_of(place, configuration)
    if isinstance(station, Path):
        return
    certificate = _certificate(station.certificate, "certificate")
    if not is_of(station.key, certificate):
        yield fault(CHECK, "the key is not the certificate's", "name the two that belong together")
    yield _dated("certificate", certificate, now)
    yield _dated("root", _certificate(station.root, "root"), now)


def listens(place: LinkPlace, configuration: LinkConfiguration) -> Iterator[Finding]:
    """Whether the station is there, and over TLS whether it lets this link in.

    Raises:
        EngineError: If it is not.
        InputError: If a file of an address cannot be read.
    """
    station = station_of(place, configuration)
    if isinstance(station, Path):
        _knock(station)
        yield fine("station", f"listens at {station}")
    elif is_ready_at(station, PATIENCE_S):
        yield fine("station", f"lets this link in at {station.address}")
    else:
        said = f"lets this link in at {station.address}, but would not answer a request now"
        yield warning("station", said, "see `fedclaims-bureau status` there: it is paused, or lacks something")


def _knock(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(PATIENCE_S)
        try:
            asking.connect(str(path))
        except OSError as error:
            msg = f"nobody answers at {path} ({type(error).__name__})"
            raise EngineError(msg) from None


def _dated(what: str, certificate: x509.Certificate, now: dt.datetime) -> Finding:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    said = f"its {what} counts from {begins:%Y-%m-%d} until {ends:%Y-%m-%d}"
    if not begins <= now < ends:
        return fault(CHECK, said, AGAIN)
    return warning(CHECK, said, AGAIN) if ends - now < SOON else fine(CHECK, said)


def _certificate(held: bytes, what: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(held)
    except ValueError:
        msg = f"the file of {what} holds no certificate in PEM: name another under [station] in link.toml"
        raise InputError(msg) from None


def _named(path: Path | None) -> Path:
    if path is None:
        raise TypeError("an address comes with its files")
    return path


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES)
    except OSError:
        msg = f"{path} cannot be read: name another file under [station] in link.toml"
        raise InputError(msg) from None
