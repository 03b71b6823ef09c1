"""Checks of what the coordinator keeps: rights of files, registry, clock, certificates, disk."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from server.certificates.authority import KEY_FILE as AUTHORITY_KEY
from server.certificates.credentials import Credentials, ServerFiles
from server.certificates.issuing import Kind
from server.certificates.keeping import days_left
from server.consortium.holding import KEY_FILE
from server.deployment.clockwork import newest_time
from server.deployment.commands import HOST
from server.deployment.configuration import Configuration
from server.deployment.doctor.findings import Finding, fault, fine, trying, warning
from server.deployment.opening import database_of
from server.deployment.place import Place
from server.deployment.superlink import CERTIFICATE
from server.registry.registry import Registry
from server.registry.schema import VERSION, version_of

GIB = 1 << 30
LEAST_FREE, ENOUGH_FREE = 256 << 20, 2 * GIB
MOST_BEHIND_S = 60
SOON_DAYS = 30
OTHERS_WRITE, OTHERS_ANY = 0o022, 0o077
PROXY = "proxy"
RENEW = "fedclaims-coordinator certificate renew"


def user() -> Iterator[Finding]:
    """Whether the service has a user of its own."""
    if os.geteuid() == 0:
        yield warning("user", "this is root", "give the coordinator a user of its own, as the guide says")
    else:
        yield fine("user", f"uid {os.geteuid()}")


def rights(place: Place, configuration: Configuration) -> Iterator[Finding]:
    """Who may read and write the coordinator's files; the authority's key may lie elsewhere, and not be there now."""
    kept_elsewhere = configuration.authority.key
    private = [place.root, place.authority, place.state, place.transcripts]
    optional = [place.consortium, place.consortium / KEY_FILE]
    if kept_elsewhere is None:
        private.append(place.authority / AUTHORITY_KEY)
    else:
        optional.append(place.within(kept_elsewhere))
    for path in [*private, *(one for one in optional if one.exists())]:
        yield _rights(path, OTHERS_ANY)
    for path in (place.configuration, place.plan):
        yield _rights(path, OTHERS_WRITE)


def registry(place: Place, configuration: Configuration, now: int) -> Iterator[Finding]:
    """Whether the registry can be used, is of this version, and is not from the future."""
    database = database_of(place, configuration)
    found = version_of(database)
    if found > VERSION:
        yield fault("registry", f"schema version {found}, this software knows {VERSION}", "install the newer software")
        return
    if found < VERSION:
        yield warning(
            "registry", f"schema version {found} becomes {VERSION} at the next start", "make a copy of it first"
        )
        return
    yield fine("registry", f"{database.dialect}, schema version {found}")
    held = Registry(database)
    yield _clock(newest_time(held), now, held.ticking.confirmed_clock())


def disk(place: Place) -> Iterator[Finding]:
    """Whether registry and transcripts have room."""
    free = shutil.disk_usage(place.root).free
    said = f"{free / GIB:.1f} GiB free at {place.root}"
    if free < LEAST_FREE:
        yield fault("disk", said, "free some space: without a registry no run ends well")
    elif free < ENOUGH_FREE:
        yield warning("disk", said, "free some space; transcripts may be moved away")
    else:
        yield fine("disk", said)


def certificates(place: Place, configuration: Configuration) -> Iterator[Finding]:
    """Until when certificates count, and whether they name what is asked for."""
    authority = Credentials(place.authority)
    yield from _dates("authority's certificate", authority.root, "begin a new authority, and admit every link anew")
    yield from _dates(
        "list of revocations", authority.revocations, f"{RENEW} --dir {place.root}, then reload the proxy"
    )
    for name, host in ((CERTIFICATE, HOST), (PROXY, configuration.host)):
        files = authority.files(Kind.SERVER, name)
        renew = f"{RENEW} {name} --dir {place.root}"
        yield from trying(
            f"{name}'s certificate",
            lambda files=files, name=name, host=host, renew=renew: (  # type: ignore[misc]
                _server(files, name, host, renew)
            ),
            renew,
        )


def _server(files: ServerFiles, name: str, host: str, renew: str) -> Iterator[Finding]:
    check = f"{name}'s certificate"
    yield from _dates(check, files.certificate, renew)
    found = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    known = {str(one.value) for one in names}
    if host not in known:
        said = f"it names {', '.join(sorted(known))}, not {host}"
        yield fault(
            f"{check}, names", said, "issue one for the host in coordinator.toml: make it anew with `init`'s host"
        )


def _dates(check: str, path: Path, fix: str) -> Iterator[Finding]:
    left = days_left(path)
    if left < 0:
        yield fault(check, "it has expired", fix)
    elif left < SOON_DAYS:
        yield warning(check, f"it ends in {left} days", fix)
    else:
        yield fine(check, f"{left} days left")


def _clock(newest: int, now: int, confirmed: int) -> Finding:
    if now < newest - MOST_BEHIND_S and newest > confirmed:
        said = f"this machine's clock is {newest - now} seconds behind the newest entry of the registry"
        return warning("clock", said, "set the clock; if it is right, it ran ahead once: `doctor --clock-is-right`")
    return fine("clock", datetime.fromtimestamp(now, UTC).isoformat(timespec="minutes"))


def _rights(path: Path, forbidden: int) -> Finding:
    check = f"rights of {path.name}"
    try:
        found = path.lstat()
    except OSError:
        return fault(check, f"{path} is missing or cannot be reached", "restore it, or begin anew with `init`")
    mode = stat.S_IMODE(found.st_mode)
    owners = {os.geteuid(), 0} if forbidden == OTHERS_WRITE else {os.geteuid()}
    if found.st_uid not in owners or stat.S_ISLNK(found.st_mode):
        return fault(check, f"{path} is another user's, or a link", f"chown it to uid {os.geteuid()}")
    if mode & forbidden:
        return fault(check, f"{path} has mode {mode:o}: others may get at it", f"chmod {mode & ~forbidden:o} {path}")
    return fine(check, f"mode {mode:o}")
