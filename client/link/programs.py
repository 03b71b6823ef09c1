"""The two programs of a link and what they are started with: the same in a deployment and in its rehearsal."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from client.courier import ADDRESS_KEY, CERTIFICATE_KEY, KEY_KEY, ROOT_KEY, SOCKET_KEY
from client.link.configuration import CourierKind, LinkConfiguration, StationPart
from client.link.keys import LOOPBACK
from client.link.place import LinkPlace

SUPERNODE, COURIER = "SuperNode", "courier"
STOCK_POLL_S = "0.5"
"""Between two looks of the stock courier for tasks; Flower's own is a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One of a link's programs.

    Attributes:
        name: For people.
        command: With all its arguments.
        logs_itself: Whether what it says are JSON lines, events and codes alone.
    """

    name: str
    command: tuple[str, ...]
    logs_itself: bool = False


def programs_of(place: LinkPlace, configuration: LinkConfiguration, superlink: str) -> tuple[Program, ...]:
    """A link's programs, in the order in which they are started.

    Args:
        place: The link's directory, after an admission was accepted.
        configuration: Of the link.
        superlink: Where the SuperLink is reached, ``host:port``.
    """
    if configuration.courier.kind is CourierKind.STOCK:
        return (_supernode(place, configuration, superlink, [], ["--isolation", "subprocess"]),)
    pause = ["--longest-pause", str(configuration.supernode.longest_pause_s)]
    isolation = ["--isolation", "process", *_secret(place)]
    return (_supernode(place, configuration, superlink, pause, isolation), _courier(place, configuration))


def environment(outer: Mapping[str, str], home: Path) -> dict[str, str]:
    """What the programs are started with: nothing meant for other Flower runs, nothing told to its makers."""
    return {key: value for key, value in outer.items() if not key.startswith("FLWR_")} | {
        "PATH": os.pathsep.join([str(scripts()), outer.get("PATH", os.defpath)]),
        "NO_PROXY": _with_loopback(outer.get("NO_PROXY", "")),
        "no_proxy": _with_loopback(outer.get("no_proxy", "")),
        "FLWR_HOME": str(home.absolute()),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
        "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": STOCK_POLL_S,
    }


def scripts() -> Path:
    """Where the commands of this very environment are."""
    return Path(sysconfig.get_path("scripts"))


def door_of(configuration: LinkConfiguration) -> str:
    """Where the courier finds the SuperNode, ``host:port``."""
    return f"{LOOPBACK}:{configuration.supernode.port}"


def _supernode(
    place: LinkPlace, configuration: LinkConfiguration, superlink: str, ours: list[str], isolation: list[str]
) -> Program:
    port = str(configuration.supernode.port)
    own = ["--certificate", _path(place.certificate), "--key", _path(place.client_key), "--node", _path(place.node)]
    link = ["--superlink", superlink, "--root-certificates", _path(place.authority)]
    station = ["--node-config", _told(place, configuration.station)]
    node = ["--auth-supernode-private-key", _path(place.node_key), *station]
    tls = ["--ssl-certfile", _path(place.runtime_certificate), "--ssl-keyfile", _path(place.runtime_key)]
    door = ["--host", LOOPBACK, "--port", port, *tls, "--ssl-ca-certfile", _path(place.runtime_root)]
    flowers = [*link, *node, *isolation, *door]
    return Program(name=SUPERNODE, command=_module("client.link.supernode", *own, *ours, "--", *flowers))


def _told(place: LinkPlace, station: StationPart) -> str:
    """What the courier is told of its station; the files of an address are looked for in the link's directory."""
    files = {CERTIFICATE_KEY: station.certificate, KEY_KEY: station.key, ROOT_KEY: station.root}
    told = {key: _path(place.root / path) for key, path in files.items() if path is not None}
    where = {ADDRESS_KEY: station.address} if station.address else {SOCKET_KEY: str(station.socket)}
    return " ".join(f"{key}={json.dumps(value)}" for key, value in (where | told).items())


def _courier(place: LinkPlace, configuration: LinkConfiguration) -> Program:
    trust = ["--root-certificates", _path(place.runtime_root), *_secret(place)]
    bundles = ["--bundles", _path(place.bundles)]
    options = [door_of(configuration), *trust, *bundles, "--log-level", configuration.log.level]
    return Program(name=COURIER, command=_module("client.link.courier", *options), logs_itself=True)


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-P", "-m", name, *arguments)


def _secret(place: LinkPlace) -> list[str]:
    return ["--superexec-auth-secret-file", _path(place.secret)]


def _path(path: Path) -> str:
    return str(path.absolute())


def _with_loopback(hosts: str) -> str:
    return ",".join(filter(None, [hosts, LOOPBACK]))
