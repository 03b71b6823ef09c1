"""Renewing the credentials whose keys lie with the authority: servers' and the operator's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509

from server.certificates.authority import Authority
from server.certificates.credentials import ServerFiles
from server.certificates.issuing import Kind
from server.certificates.keeping import load_certificate, now
from server.certificates.record import Issued


def renew(authority: Authority, within: dt.timedelta, names: tuple[str, ...] = ()) -> Iterator[tuple[str, ServerFiles]]:
    """Issue anew what ends soon, under the same names and hosts; and the list of revocations.

    Args:
        authority: Whose.
        within: What ends so soon is renewed.
        names: Of those that are renewed whenever they end; all others are left alone if there are any.
    """
    authority.renew_revocations()
    latest = {(one.kind, one.name): one for one in authority.issued() if one.kind is not Kind.BUREAU}
    soon = (now() + within).timestamp()
    for one in latest.values():
        if one.revoked is None and (one.name in names if names else one.ends < soon):
            yield one.name, _again(authority, one)


def _again(authority: Authority, one: Issued) -> ServerFiles:
    if one.kind is Kind.OPERATOR:
        return authority.operator()
    return authority.server(one.name, hosts_of(authority.files(Kind.SERVER, one.name).certificate))


def hosts_of(path: Path) -> list[str]:
    """The addresses and names in a server's certificate.

    Raises:
        InputError: If the file holds none.
    """
    found = load_certificate(path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [*map(str, found.get_values_for_type(x509.IPAddress)), *found.get_values_for_type(x509.DNSName)]
