"""Checks of what is reached: the host's name, the SuperLink, and the proxy from outside."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPException, HTTPSConnection

from server.certificates.credentials import OPERATOR, Credentials, ServerFiles
from server.certificates.issuing import Kind
from server.deployment.commands import HOST
from server.deployment.configuration import Configuration
from server.deployment.doctor.findings import Finding, fault, fine, warning
from server.deployment.place import Place
from server.deployment.superlink import answers

LOOK_S = 5.0
NEVER = ("/v1/runtime/get-nodes", "/docs", "/openapi.json", "/")
CONTROL = "/v1/control/list-runs"
CLOSED = "no path is reached without a client certificate"


def host(configuration: Configuration) -> Iterator[Finding]:
    """Whether the host's name has an address."""
    try:
        found = sorted({one[4][0] for one in socket.getaddrinfo(configuration.host, None, type=socket.SOCK_STREAM)})
    except OSError:
        yield fault("host", f"{configuration.host} has no address", "mend host in coordinator.toml, or the DNS")
        return
    yield fine("host", f"{configuration.host} is {', '.join(map(str, found))}")


def superlink(place: Place, configuration: Configuration, *, running: bool) -> Iterator[Finding]:
    """Whether the SuperLink answers while the service runs, and on the loopback alone."""
    port = configuration.superlink.port
    if not running:
        yield warning("SuperLink", "the service does not run", f"fedclaims-coordinator start --dir {place.root}")
    elif not answers(place, port):
        yield fault("SuperLink", f"it does not answer at port {port}", f"look at {place.superlink / 'superlink.log'}")
    else:
        yield fine("SuperLink", f"answers at {HOST}:{port}")


def proxy(place: Place, configuration: Configuration) -> Iterator[Finding]:
    """Whether the proxy is there, lets nobody in without a certificate, and the operator to few paths."""
    authority = Credentials(place.authority)
    try:
        nobody = [_status(configuration, authority, None, path) for path in ("/health", "/v1/fleet/get-run", *NEVER)]
    except OSError as error:
        said = f"{configuration.host}:{configuration.proxy.port} is not reached ({type(error).__name__})"
        yield warning("proxy", said, "start it: `fedclaims-coordinator proxy nginx` writes its configuration")
        return
    if any(_is_open(status) for status in nobody):
        yield fault("proxy", "it lets in who shows no certificate", "write its configuration anew and reload it")
    else:
        yield fine("proxy", CLOSED)
    yield from _operator(configuration, authority)


def _operator(configuration: Configuration, authority: Credentials) -> Iterator[Finding]:
    files = authority.files(Kind.OPERATOR, OPERATOR)
    try:
        health = _status(configuration, authority, files, "/health")
        forbidden = NEVER if configuration.proxy.operator else (*NEVER, CONTROL)
        opened = [path for path in forbidden if _is_open(_status(configuration, authority, files, path))]
    except OSError as error:
        health, opened = type(error).__name__, list[str]()
    if opened:
        yield fault("proxy's paths", f"{', '.join(opened)} are reached through it", "write its configuration anew")
    elif health == HTTPStatus.FORBIDDEN:
        said = "it turns away a certificate that counts: the list of revocations it has read has ended"
        yield fault("proxy's paths", said, "reload the proxy: `nginx -s reload`")
    elif health != HTTPStatus.OK:
        said = f"the operator does not reach the SuperLink through it from here ({health})"
        yield warning("proxy's paths", said, "is the service running, and this machine an --operator-host?")
    else:
        yield fine("proxy's paths", "the operator reaches the SuperLink's health, and nothing that is not needed")


def _status(configuration: Configuration, authority: Credentials, files: ServerFiles | None, path: str) -> int | str:
    """The status of an answer, or why there was none; raises only where nothing listens."""
    trust = ssl.create_default_context(cafile=str(authority.root))
    if files is not None:
        trust.load_cert_chain(files.certificate, files.key)
    port = configuration.proxy.port
    socket.create_connection((configuration.host, port), timeout=LOOK_S).close()
    connection = HTTPSConnection(configuration.host, port, timeout=LOOK_S, context=trust)
    try:
        connection.request("POST" if path == CONTROL else "GET", path)
        return connection.getresponse().status
    except (OSError, HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()


def _is_open(status: int | str) -> bool:
    """Whether an answer came from behind the proxy, or could have."""
    refused = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}
    return isinstance(status, int) and status not in refused | {444, 495, 496}
