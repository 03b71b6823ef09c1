"""Checks of what the station stands on: socket, disk, memory."""

from __future__ import annotations

import grp
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from client.deployment.configuration import Configuration
from client.deployment.doctor.findings import Finding, fault, fine, warning
from client.deployment.doctor.tls import tls_door
from client.deployment.place import Place
from client.service import LONGEST_SOCKET_PATH

GIB = 1 << 30
LEAST_FREE, ENOUGH_FREE = 64 << 20, GIB
OTHERS_WRITE, GROUP_ENTERS = 0o022, 0o010


def socket(place: Place, configuration: Configuration) -> Iterator[Finding]:
    """Whether the courier, and nobody else, can reach the socket."""
    if configuration.socket.address:
        yield from tls_door(place, configuration)
        return
    path, group = place.within(configuration.socket.path), configuration.socket.group
    if len(str(path).encode()) > LONGEST_SOCKET_PATH:
        said = f"its path has more than {LONGEST_SOCKET_PATH} bytes"
        yield fault(
            "socket", said, "name a shorter one under [socket] in station.toml, such as /run/fedclaims/station.sock"
        )
        return
    yield from _directory(path.parent, group)
    if group:
        yield _group(group)


def _directory(path: Path, group: str) -> Iterator[Finding]:
    try:
        found = path.stat()
    except OSError:
        yield fault("socket", f"{path} is not there", f"make it with mode 750: mkdir -m 750 {path}")
        return
    mode = stat.S_IMODE(found.st_mode)
    if mode & OTHERS_WRITE:
        yield fault("socket", f"others may write to {path} (mode {mode:o})", f"chmod 750 {path}")
    elif not os.access(path, os.W_OK | os.X_OK):
        yield fault("socket", f"the station's user may not write to {path}", f"chown it to uid {os.geteuid()}")
    elif group and not mode & GROUP_ENTERS:
        yield warning(
            "socket", f"group {group!r} cannot enter {path} (mode {mode:o})", f"chmod 750, chgrp {group} {path}"
        )
    else:
        yield fine("socket", f"{path}, mode {mode:o}")


def _group(name: str) -> Finding:
    try:
        number = grp.getgrnam(name).gr_gid
    except KeyError:
        return fault(
            "socket group", f"there is no group {name!r}", f"groupadd {name}, or mend [socket] in station.toml"
        )
    if os.geteuid() and number not in {os.getegid(), *os.getgroups()}:
        return fault(
            "socket group", f"the station's user is not in group {name!r}", f"usermod -aG {name} USER; log in anew"
        )
    return fine("socket group", name)


def disk(place: Place) -> Iterator[Finding]:
    """Whether the ledger and the rows have room."""
    for check, path in (("disk", place.root), ("disk for rows", Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(path).free
        said = f"{free / GIB:.1f} GiB free at {path}"
        if free < LEAST_FREE:
            yield fault(check, said, "free some space: a ledger that cannot be written lets nothing leave")
        elif free < ENOUGH_FREE:
            yield warning(check, said, "free some space")
        else:
            yield fine(check, said)


def memory(configuration: Configuration) -> Iterator[Finding]:
    """Whether the share that rows may take is there."""
    found = psutil.virtual_memory()
    wanted = int(found.total * configuration.resources.memory_share)
    said = f"rows may take {wanted / GIB:.1f} GiB, {found.available / GIB:.1f} GiB are available"
    if wanted > found.available:
        yield warning("memory", said, "lower memory_share under [resources] in station.toml; rows then move to a file")
    else:
        yield fine("memory", said)
