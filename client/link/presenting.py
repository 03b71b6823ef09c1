"""A client certificate for the connection to the SuperLink: Flower's own TLS knows the server's alone."""

from __future__ import annotations

import inspect
import ssl
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from client.link.haste import changed
from common.errors import EngineError

CLIENT = "FleetHttpClient"
_MADE_WITH = {"base_url", "interceptors", "verify", "retry_invoker"}
_CALLED_WITH = {"server_address", "insecure", "root_certificates", "interceptors", "retry_invoker"}


def tls_context(root: str, certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.3 with one authority to believe and one certificate to show.

    Args:
        root: The authority's certificate, PEM; the machine's own authorities are not believed.
        certificate: Of the client.
        key: The certificate's.

    Raises:
        EngineError: If one of them cannot be used.
    """
    try:
        context = ssl.create_default_context(cadata=root)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(certificate, key)
    except (OSError, ValueError):
        msg = "the link's certificate, its key or the authority cannot be used: run `fedclaims-bureau link doctor`"
        raise EngineError(msg) from None
    return context


def present_certificate(connection: ModuleType, certificate: Path, key: Path) -> None:
    """Let a SuperNode show a certificate to the SuperLink's door, and to nobody else.

    Guarantees:
        * From then on there is no connection to the SuperLink without TLS 1.3, the certificate, and one authority that
          was named.

    Args:
        connection: ``flwr.supernode.fleet_http_connection``.
        certificate: Of the client, a PEM file.
        key: The certificate's.

    Raises:
        EngineError: If Flower has changed.
    """
    vars(connection)[CLIENT] = _presenting(insist_presents(connection), certificate, key)


def insist_presents(connection: ModuleType) -> type:
    """Insist on what ``present_certificate`` changes, and return it.

    Raises:
        EngineError: If Flower has changed.
    """
    known = getattr(connection, CLIENT, None)
    if not (isinstance(known, type) and _takes(known, _MADE_WITH) and _takes(_maker(known), _CALLED_WITH)):
        raise changed(connection)
    return known


def _presenting(known: Any, certificate: Path, key: Path) -> type:
    class Presenting(known):  # type: ignore[misc]  # a class that is only known while Flower runs
        """Flower's client, with a certificate of its own."""

        @classmethod
        def from_server_address(
            cls,
            server_address: str,
            insecure: bool,  # noqa: FBT001  Flower's order of arguments
            root_certificates: bytes | str | None,
            interceptors: Sequence[object],
            *,
            retry_invoker: object = None,
        ) -> Any:
            if insecure or not isinstance(root_certificates, bytes):
                raise EngineError("a link needs TLS and the authority's certificate: start it with `link start`")
            context = tls_context(root_certificates.decode("ascii"), certificate, key)
            address = f"https://{server_address}"
            return cls(address, interceptors=interceptors, verify=context, retry_invoker=retry_invoker)

    return Presenting


def _maker(known: type) -> object:
    return getattr(known, "from_server_address", None)


def _takes(called: object, names: set[str]) -> bool:
    return callable(called) and names <= inspect.signature(called).parameters.keys()
