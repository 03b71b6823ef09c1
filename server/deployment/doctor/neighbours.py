"""Checks of what stands beside the service on this machine: other users, and when the proxy read its files."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil

from server.certificates.credentials import Credentials
from server.deployment.configuration import Configuration
from server.deployment.doctor.findings import Finding, fine, warning
from server.deployment.place import Place

NO_LOGIN = frozenset({"", "false", "nologin", "sync", "shutdown", "halt"})
RULES = Path("/etc")
LATEST_RELOAD_S = 2 * 86_400
"""A list of revocations is made anew every day, and read then."""

LOADED = "deploy/nftables/fedclaims-coordinator.nft"


def users(
    configuration: Configuration, rules: Path = RULES, everybody: Callable[[], list[int]] | None = None
) -> Iterator[Finding]:
    """Whether others can log in here, and nothing keeps them from the SuperLink, which asks nobody for a login."""
    n_others = len((everybody or _others)())
    port = configuration.superlink.port
    if not n_others:
        yield fine("other users", "nobody else can log in to this machine")
    elif _is_ruled(rules, port):
        yield fine("other users", f"a rule for port {port} is written under {rules}")
    else:
        said = f"{n_others} others can log in, and no rule keeps them from port {port}: they can run code as this user"
        yield warning("other users", said, f"load {LOADED}, or give the coordinator a machine of its own")


def reloaded(place: Place, configuration: Configuration) -> Iterator[Finding]:
    """Whether nginx has read the list of revocations that counts; nothing where it cannot be seen."""
    since = _last_reload(configuration.proxy.directory / "nginx.pid")
    if since is None:
        return
    made = Credentials(place.authority).revocations.stat().st_mtime
    at = datetime.fromtimestamp(since, UTC).isoformat(timespec="minutes")
    if made - since > LATEST_RELOAD_S:
        said = f"it has last read its files at {at}, and a newer list of revocations is there for days"
        yield warning("proxy's list", said, "reload the proxy, and enable fedclaims-revocations.timer")
    else:
        yield fine("proxy's list", f"nginx has read its files at {at}")


def _others() -> list[int]:
    """Of users who can log in, other than root and this one."""
    found = [one for one in pwd.getpwall() if one.pw_uid not in {0, os.geteuid()}]
    return [one.pw_uid for one in found if Path(one.pw_shell).name not in NO_LOGIN]


def _is_ruled(rules: Path, port: int) -> bool:
    """Whether a rule about who may reach this port is written where rules are loaded from."""
    files = [rules / "nftables.conf", *rules.glob("nftables.d/*"), *rules.glob("nftables/*")]
    return any(_speaks_of(path, port) for path in files)


def _speaks_of(path: Path, port: int) -> bool:
    try:
        held = path.read_text(errors="replace")
    except OSError:
        return False
    return "skuid" in held and str(port) in held


def _last_reload(pid_file: Path) -> float | None:
    """Since when nginx's newest worker runs; a reload begins new ones."""
    try:
        children = psutil.Process(int(pid_file.read_text())).children()
        return max((one.create_time() for one in children), default=None)
    except (OSError, ValueError, psutil.Error):
        return None
