"""The sites of the examples in ``deploy/``: those of the guide."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from server.proxy.sites import Sites

_AUTHORITY = Path("/var/lib/fedclaims/coordinator/authority")
_OWN = Path("/var/lib/fedclaims-proxy")

EXAMPLE = Sites(
    listen="0.0.0.0:443",
    superlink="127.0.0.1:9092",
    certificate=_AUTHORITY / "server-proxy.pem",
    key=_AUTHORITY / "server-proxy.key",
    root=_AUTHORITY / "ca.pem",
    revocations=_AUTHORITY / "crl.pem",
    clients=(_AUTHORITY / "operator.pem", _AUTHORITY / "issued" / "SERIAL-OF-A-BUREAU.pem"),
    directory=_OWN,
)

COPIED = replace(
    EXAMPLE,
    certificate=_OWN / "server-proxy.pem",
    key=_OWN / "server-proxy.key",
    root=_OWN / "ca.pem",
    revocations=_OWN / "crl.pem",
    clients=(_OWN / "operator.pem", _OWN / "SERIAL-OF-A-BUREAU.pem"),
)
"""Of Caddy, whose user may not enter the coordinator's directory."""
