"""The station's door as its configuration says: a unix socket, or an address over TLS."""

from __future__ import annotations

from pathlib import Path

from client.deployment.configuration import Configuration
from client.deployment.place import Place
from client.ledger.durable import read_private
from client.service import TlsDoor
from common.errors import InputError

MOST_BYTES = 1 << 20


def door_of(place: Place, configuration: Configuration) -> Path | TlsDoor:
    """Where the courier asks.

    Raises:
        InputError: If a file of the address cannot be read, or its key is open to others.
    """
    held = configuration.socket
    if not held.address or held.certificate is None or held.key is None or held.client_root is None:
        return place.within(held.path)
    return TlsDoor(
        address=held.address,
        certificate=_read(place.within(held.certificate)),
        key=read_private(place.within(held.key)),
        client_root=_read(place.within(held.client_root)),
        names=frozenset(held.couriers),
    )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES)
    except OSError:
        msg = f"{path} cannot be read: name another file under [socket] in station.toml"
        raise InputError(msg) from None
