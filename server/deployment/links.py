"""Letting bureaus' connections in: a request becomes an admission, and a node that the SuperLink will know."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from common.consortium.linking import LinkAdmission, LinkRequest
from common.consortium.roster import Role
from common.errors import InputError
from server.certificates.authority import NobodyError
from server.consortium.files import PRIVATE_DIRECTORY, read_bounded, replace
from server.consortium.holding import Holding
from server.deployment.bundle import bundle_digest, write_app
from server.deployment.office import Office
from server.deployment.opening import authority_of
from server.registry.nodes import Node


def admit(office: Office, request_file: Path, out: Path) -> tuple[LinkRequest, LinkAdmission]:
    """Let a bureau's link in, and write its admission.

    Guarantees:
        * Only a bureau of the roster that counts now is let in, with one link at a time.
        * The node is in the registry before the admission is on the disk.

    Raises:
        LinkError: If the file is no request.
        NotAMemberError: If the roster lists no such bureau.
        InputError: If the bureau has another link, or the admission cannot be written.
    """
    request = LinkRequest.from_json(read_bounded(request_file))
    place, configuration = office.place, office.configuration
    Holding(place.consortium).roster(office.clock()).member(request.name, Role.BUREAU)
    if out.exists():
        msg = f"{out} exists already: name a new file"
        raise InputError(msg)
    write_app(place)
    bundle = bundle_digest(place)
    authority = authority_of(place, configuration)
    office.registry.nodes.admit(request.name, request.node_key, bundle, office.clock())
    certificate = authority.client(request.certificate_request.encode(), request.name)
    admission = LinkAdmission(
        name=request.name,
        superlink=f"{configuration.host}:{configuration.proxy.port}",
        root=authority.root.read_text(encoding="ascii"),
        certificate=certificate.decode("ascii"),
        bundles=(bundle,),
    )
    out.parent.mkdir(PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    replace(out, admission.to_json())
    return request, admission


def revoke(office: Office, name: str) -> int:
    """Let a bureau's link in no longer: every certificate, and the node.

    Guarantees:
        * If one of the two fails, the other is done nevertheless; the same again does what is left.

    Returns:
        How many certificates counted until now.

    Raises:
        InputError: If there never was a link of this name, or the certificates cannot be revoked.
    """
    nodes = office.registry.nodes
    known = any(node.name == name for node in nodes.all())
    try:
        return _revoke_certificates(office, name, known=known)
    finally:
        if any(node.name == name for node in nodes.live()):
            nodes.revoke(name, office.clock())


def _revoke_certificates(office: Office, name: str, *, known: bool) -> int:
    try:
        return authority_of(office.place, office.configuration).revoke(name)
    except NobodyError:
        if known:
            return 0  # admitted without a certificate of ours
        msg = f"no link of {name!r} was ever let in: look at the names with `link list`"
        raise InputError(msg) from None


def listed(nodes: list[Node]) -> str:
    """For programs."""
    return json.dumps([asdict(node) for node in nodes], indent=2)


def in_words(nodes: list[Node]) -> str:
    """For people, a line each."""
    return "\n".join(map(_line, nodes)) or "No link was let in yet."


def _line(node: Node) -> str:
    if node.revoked is not None:
        return f"{node.name}: revoked"
    known = f"the SuperLink calls it {node.node}" if node.node else "the SuperLink is told when the service runs"
    return f"{node.name}: let in; {known}{'; seen' if node.seen else ''}"
