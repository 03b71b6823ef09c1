"""All checks of a link, in the order in which an engineer would mend things."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import stat
from collections.abc import Iterator
from importlib.metadata import version

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from client.deployment.doctor.findings import Finding, fault, fine, trying, warning
from client.ledger.durable import read_private
from client.link import reaching
from client.link import station as stations
from client.link.admission import client_key, insist, read_admission, read_request
from client.link.bundles import listed
from client.link.configuration import CourierKind, load_link
from client.link.place import LinkPlace
from common.errors import EngineError, InputError

FLOWER = "1.41."
SOON = dt.timedelta(days=30)
OTHERS_ANY, OTHERS_WRITE = 0o077, 0o022
LEAST_FREE = 64 << 20
STATION = (
    "start the station; put this link's user into the group that its socket has, or the name in this link's "
    "certificate into the station's list"
)
MEND, ANEW = "mend what it names, or restore the file", "accept a new admission: `fedclaims-bureau link accept`"


def examine(place: LinkPlace) -> Iterator[Finding]:
    """What every check finds, of this machine, the station and the SuperLink; nothing is changed."""
    yield from examine_here(place)
    yield from trying("station", lambda: stations.listens(place, load_link(place.configuration)), STATION)
    yield from trying("SuperLink", lambda: reaching.superlink(place, read_admission(place).superlink), MEND)


def examine_here(place: LinkPlace) -> Iterator[Finding]:
    """What the checks find that need nobody else; with a fault among them a link does not start."""
    now = dt.datetime.now(dt.UTC)
    yield _user()
    yield from trying("configuration", lambda: _configuration(place), "mend link.toml")
    yield from trying("rights", lambda: _rights(place), MEND)
    yield from trying("keys", lambda: _keys(place), "restore the files of this link, or make it anew with `link init`")
    yield from trying(stations.CHECK, lambda: stations.tls_files(place, load_link(place.configuration), now), MEND)
    yield from trying("admission", lambda: _admission(place, now), ANEW)
    yield from trying("bundles", lambda: _bundles(place), ANEW)
    yield from trying("disk", lambda: _disk(place), MEND)
    yield from trying("Flower", _flower, "install flwr 1.41 into this environment, as constraints.txt says")


def _user() -> Finding:
    if os.geteuid() == 0:
        return warning("user", "this is root", "give the link a user of its own, as docs/bureau-guide.md says")
    return fine("user", f"uid {os.geteuid()}")


def _configuration(place: LinkPlace) -> Iterator[Finding]:
    found, asked = load_link(place.configuration), read_request(place).name
    if found.name != asked:
        said = f"link.toml says {found.name!r}, the request {asked!r}"
        yield fault("configuration", said, "write the request's name into link.toml")
    else:
        yield fine("configuration", f"bureau {found.name!r}, {found.courier.kind} courier")


def _rights(place: LinkPlace) -> Iterator[Finding]:
    """Who may read the secrets and write the rest."""
    private = [(path, OTHERS_ANY) for path in (place.root, place.state, place.home, *place.secrets())]
    for path, forbidden in [*private, (place.configuration, OTHERS_WRITE), (place.bundles, OTHERS_WRITE)]:
        check = f"rights of {path.name}"
        if path == place.bundles and not path.exists():
            continue
        found = path.lstat()
        mode = stat.S_IMODE(found.st_mode)
        if found.st_uid not in {os.geteuid(), 0} or stat.S_ISLNK(found.st_mode):
            yield fault(check, f"{path} is another user's, or a link", f"chown it to uid {os.geteuid()}")
        elif mode & forbidden:
            yield fault(check, f"{path} has mode {mode:o}", f"chmod {mode & ~forbidden:o} {path}")
        else:
            yield fine(check, f"mode {mode:o}")


def _keys(place: LinkPlace) -> Iterator[Finding]:
    """Whether the two keys are those of the request."""
    request = read_request(place)
    try:
        node = load_ssh_private_key(read_private(place.node_key), None).public_key()
    except (ValueError, TypeError):
        raise InputError("node.key holds no key") from None
    if node.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() != request.node_key:
        raise InputError("node.key is not the key of the request")
    asked = x509.load_pem_x509_csr(request.certificate_request.encode()).public_key()
    if client_key(place).public_key() != asked:
        raise InputError("client.key is not the key of the request")
    yield fine("keys", f"request {request.digest}")


def _admission(place: LinkPlace, now: dt.datetime) -> Iterator[Finding]:
    """Whether it lets us in, and for how long; the files beside it are those that it holds."""
    admission = read_admission(place)
    insist(place, admission, now)
    kept = {place.certificate: admission.certificate, place.authority: admission.root}
    if any(path.read_text("ascii") != pem for path, pem in kept.items()):
        raise InputError("client.pem or authority.pem is not the one of the admission that was accepted")
    yield fine("admission", f"{admission.superlink}, digest {admission.digest}")
    loopback = place.runtime_certificate.read_text("ascii")
    for what, pem in (("certificate", admission.certificate), ("authority", admission.root), ("loopback", loopback)):
        yield _dated(what, pem, now)


def _dated(what: str, pem: str, now: dt.datetime) -> Finding:
    ends = x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc
    left = ends - now
    said = f"until {ends:%Y-%m-%d}, {left.days} days left"
    if left <= dt.timedelta(0):
        return fault(f"dates of {what}", said, ANEW)
    return warning(f"dates of {what}", said, ANEW) if left < SOON else fine(f"dates of {what}", said)


def _bundles(place: LinkPlace) -> Iterator[Finding]:
    """Whether anything is served at all; with the stock courier, whether nothing else can be."""
    found = listed(place.bundles)
    if not found:
        raise InputError("bundles.txt lists no bundle, or holds something else: every message is refused")
    yield fine("bundles", f"{len(found)} on the list")
    if load_link(place.configuration).courier.kind is CourierKind.STOCK:
        yield _apps(place)


def _apps(place: LinkPlace) -> Finding:
    if not any(place.apps.iterdir()):
        return fault("apps", "none was put in", "`fedclaims-bureau link install BUNDLE`")
    if os.access(place.apps, os.W_OK):
        said = "this user may write there: a bundle with code of its own could be put in and run"
        fix = f"chmod -R a-w {place.apps}, and run the link as a user that is not root"
        return fault("apps", said, fix)
    return fine("apps", "put in, and read-only")


def _disk(place: LinkPlace) -> Iterator[Finding]:
    free = shutil.disk_usage(place.root).free
    said = f"{free / (1 << 30):.1f} GiB free at {place.root}"
    yield fault("disk", said, "free some space") if free < LEAST_FREE else fine("disk", said)


def _flower() -> Iterator[Finding]:
    """Whether Flower is the one that was read, name by name."""
    installed = version("flwr")
    if not installed.startswith(FLOWER):
        msg = f"version {installed} is installed, {FLOWER}x is the one we know"
        raise EngineError(msg)
    try:
        from client.link.fitting import insist_known  # noqa: PLC0415  imports all of Flower that we build on
    except ImportError as error:
        msg = f"it has no {error.name or 'name that we build on'} any more"
        raise EngineError(msg) from None
    insist_known()
    yield fine("Flower", f"version {installed}, and all we build on is there")
