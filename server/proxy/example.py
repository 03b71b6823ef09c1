"""The sites of the examples in ``deploy/``: those of the guide."""

from __future__ import annotations

from pathlib import Path

from server.proxy.sites import Sites

_AUTHORITY = Path("/var/lib/fedclaims/coordinator/authority")

EXAMPLE = Sites(
    listen="0.0.0.0:443",
    superlink="127.0.0.1:9092",
    certificate=_AUTHORITY / "server-proxy.pem",
    key=_AUTHORITY / "server-proxy.key",
    root=_AUTHORITY / "ca.pem",
    revocations=_AUTHORITY / "crl.pem",
    clients=(_AUTHORITY / "operator.pem", _AUTHORITY / "issued" / "SERIAL-OF-A-BUREAU.pem"),
    directory=Path("/var/lib/fedclaims-proxy"),
)
