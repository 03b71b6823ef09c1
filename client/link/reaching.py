"""Whether the coordinator's door opens for this link: name, port, TLS with our certificate, and the time over there."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, HTTPSConnection

from client.deployment.doctor.findings import Finding, fault, fine, warning
from client.link.place import LinkPlace
from client.link.presenting import tls_context

PATIENCE_S = 10.0
PROBE = "/v1/fleet/pull-messages"
"""A path that bureaus may ask; without a node's signature nothing is answered."""

UNSEEN = {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, 495, 496}
"""What doors answer that do not know a certificate; the last two are nginx's own."""

MOST_SKEW_S, SOME_SKEW_S = 240, 60
"""A SuperLink believes a node's signature for five minutes."""


def superlink(place: LinkPlace, address: str) -> Iterator[Finding]:
    """Whether the SuperLink's door is there and lets us in, and whether both clocks agree."""
    host, _, port = address.rpartition(":")
    found = _place_of(host.strip("[]"), int(port))
    if found is None:
        fix = "look at this machine's DNS, or ask the coordinator whether the address has changed"
        yield fault("name of the SuperLink", f"{host} has no address here", fix)
        return
    yield fine("name of the SuperLink", f"{host} is {found}")
    context = tls_context(place.authority.read_text("ascii"), place.certificate, place.client_key)
    with closing(HTTPSConnection(address, timeout=PATIENCE_S, context=context)) as connection:
        yield from _asked(connection, address)


def _asked(connection: HTTPSConnection, address: str) -> Iterator[Finding]:
    check = "SuperLink"
    try:
        connection.request("POST", PROBE, body=b"", headers={"content-type": "application/protobuf"})
        answered = connection.getresponse()
    except ssl.SSLCertVerificationError as error:
        said = f"what answers at {address} is not the coordinator: {error.verify_message}"
        yield fault(check, said, "do not go on; ask the coordinator, and whoever runs a proxy in between")
    except ssl.SSLError as error:
        said = f"no TLS with {address}: {error.reason or 'it ended too early'}"
        yield fault(check, said, "ask the coordinator whether our certificate was revoked, or accept a new admission")
    except (OSError, HTTPException) as error:
        said = f"{address} cannot be reached ({type(error).__name__})"
        yield fault(check, said, "let the firewall pass this one address, and ask whether the coordinator is up")
    else:
        yield _let_in(answered, address)
        yield from _clock(answered)


def _let_in(answered: HTTPResponse, address: str) -> Finding:
    if answered.status in UNSEEN and "html" in (answered.headers.get("content-type") or ""):
        said = f"the door at {address} does not take our certificate ({answered.status})"
        return fault("SuperLink", said, "ask the coordinator whether it was revoked, or accept a new admission")
    if answered.status == HTTPStatus.NOT_FOUND:
        said = f"the door at {address} knows our certificate and has nothing for a bureau behind it (404)"
        return fault(
            "SuperLink", said, "ask the coordinator for a bureau's certificate, and whether the address is right"
        )
    if answered.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        said = f"the door at {address} opens, and nobody is behind it ({answered.status})"
        return warning("SuperLink", said, "wait, or ask the coordinator whether its service runs; the link tries again")
    return fine("SuperLink", f"{address} speaks TLS 1.3 with our certificate")


def _clock(answered: HTTPResponse) -> Iterator[Finding]:
    """The header's date has no fractions, and took a moment to come."""
    try:
        skew = time.time() - parsedate_to_datetime(answered.headers["date"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return
    said, fix = f"{skew:+.0f} seconds against the coordinator's", "let a time service keep this machine's clock"
    level = fault if abs(skew) > MOST_SKEW_S else warning
    yield level("clock", said, fix) if abs(skew) > SOME_SKEW_S else fine("clock", said)


def _place_of(host: str, port: int) -> str | None:
    try:
        return str(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])
    except OSError:
        return None
