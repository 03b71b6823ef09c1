"""What a proxy's configuration says, checked before it is written into one."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path

from common.errors import InputError

PLAIN_PATH = re.compile(r"/[\w./+@-]+")
ADDRESS = re.compile(r"(\[[0-9a-f:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}")
NAME = re.compile(r"[A-Za-z0-9.-]{1,253}|")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one certificate may ask for.

    Attributes:
        body_mib: Largest request.
        rate: Requests a second over some time.
        burst: Requests at once beyond that.
        connections: At the same time.
        body_s: Longest silence within a request.
    """

    body_mib: int = 64
    rate: int = 50
    burst: int = 200
    connections: int = 16
    body_s: int = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Sites:
    """A proxy, what it stands before, and whom it lets in.

    Guarantees:
        * Nothing in it can end a directive of a configuration file.

    Attributes:
        listen: Address and port for bureaus and operator.
        superlink: Address and port of the SuperLink, on this machine's loopback.
        superlink_name: DNS name in the SuperLink's certificate.
        certificate: Of the proxy, PEM.
        key: Of the proxy, PEM.
        root: The authority that all certificates come from, PEM.
        revocations: What counts no longer, PEM.
        clients: All certificates that count, PEM; Caddy reads no list of revocations and takes these alone.
        operators: Networks from which an operator's certificate counts.
        control: Whether the operator reaches the SuperLink's control, too: who does can run code as the coordinator.
        directory: The proxy's own: what it writes lies there.
        user: The proxy's workers run as it when it is started by root; empty for the package's own.
        limits: What one certificate may ask for.

    Raises:
        InputError: If one of them cannot stand in a configuration.
    """

    listen: str
    superlink: str
    superlink_name: str = "localhost"
    certificate: Path
    key: Path
    root: Path
    revocations: Path
    clients: tuple[Path, ...] = ()
    operators: tuple[str, ...] = ("127.0.0.1/32", "::1/128")
    control: bool = False
    directory: Path
    user: str = ""
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Refuse what could mean something else in a configuration."""
        files = (self.certificate, self.key, self.root, self.revocations, *self.clients, self.directory)
        if any(PLAIN_PATH.fullmatch(str(path)) is None for path in files):
            raise InputError("a path for the proxy is absolute and has letters, digits and ./+@_- only: choose another")
        if any(ADDRESS.fullmatch(one) is None for one in (self.listen, self.superlink)):
            raise InputError("an address for the proxy is host:port")
        if any(NAME.fullmatch(one) is None for one in (self.superlink_name, self.user)):
            raise InputError("a name for the proxy has letters, digits, dots and hyphens")
        for network in self.operators:
            _insist_network(network)


def _insist_network(text: str) -> None:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        msg = "an operator's host is an IP address or a network such as 10.0.0.0/24"
        raise InputError(msg) from None
