"""``fedclaims-coordinator proxy nginx|caddy``: the configuration of a reverse proxy for this coordinator.

Exit codes: 0 done; 2 wrong options; 3 a file or an option needs mending; 7 the disk failed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from common.errors import InputError
from server.certificates.command import DEFAULT_DIRECTORY
from server.certificates.credentials import Credentials
from server.certificates.issuing import Kind
from server.certificates.keeping import now
from server.deployment.configuration import load_configuration
from server.deployment.opening import authority_of
from server.deployment.place import Place
from server.proxy.copying import copied
from server.proxy.rendering import render_caddy, render_nginx
from server.proxy.sites import Limits, Sites

SERVER = "proxy"
LOOPBACK = "127.0.0.1"
RENDER: dict[str, Callable[[Sites], str]] = {"nginx": render_nginx, "caddy": render_caddy}


def add_proxy(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``proxy`` with everything below it to the commands; ``run`` is what to call."""
    proxy = commands.add_parser("proxy", help="what stands before the SuperLink", description=__doc__)
    below = proxy.add_subparsers(dest="proxy_command", required=True)
    for kind in RENDER:
        _options(below.add_parser(kind, help=f"the configuration for {kind}", description=__doc__), kind)


def _options(parser: argparse.ArgumentParser, kind: str) -> None:
    limits = Limits()
    parser.add_argument("--dir", type=Path, default=DEFAULT_DIRECTORY, help="the coordinator's directory")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write it here (default: print it)")
    parser.add_argument("--listen", metavar="ADDRESS", default="0.0.0.0", help="listen here (default: everywhere)")  # noqa: S104  that is what a proxy does
    parser.add_argument(
        "--operator-host", action="append", metavar="NETWORK", help="where an operator may be (default: this machine)"
    )
    own = "the proxy's own directory, which must be there (default: as coordinator.toml has it)"
    parser.add_argument("--own-dir", type=Path, help=own)
    copy = "with --out: copy what the proxy reads into its own directory, for that directory's user"
    parser.add_argument("--copy", action="store_true", default=kind == "caddy", help=f"{copy} (Caddy: always)")
    parser.add_argument("--user", default="", help="nginx's workers run as it (default: as the package has it)")
    parser.add_argument("--body-mib", type=_count, default=limits.body_mib, help="largest request")
    parser.add_argument("--rate", type=_count, default=limits.rate, help="requests a second of one bureau")
    parser.add_argument("--connections", type=_count, default=limits.connections, help="of one bureau at once")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_write, kind=kind)


def _write(arguments: argparse.Namespace) -> None:
    sites = _sites(arguments)
    if arguments.copy and arguments.out is not None:
        sites = copied(sites)
    text = RENDER[arguments.kind](sites)
    if arguments.out is None:
        sys.stdout.write(json.dumps({"configuration": text}) + "\n" if arguments.json else text)
        return
    try:
        arguments.out.write_text(text, encoding="utf-8")
    except OSError:
        msg = f"{arguments.out} cannot be written: name another file with --out"
        raise InputError(msg) from None
    check = "nginx -t -c" if arguments.kind == "nginx" else "caddy validate --adapter caddyfile --config"
    said = f"Written to {arguments.out}. Next: `{check} {arguments.out}`; how to start it stands at its beginning."
    sys.stdout.write(f"{json.dumps({'out': str(arguments.out)}) if arguments.json else said}\n")


def _sites(arguments: argparse.Namespace) -> Sites:
    place = Place(arguments.dir.absolute())
    held = load_configuration(place.configuration)
    authority = Credentials(place.authority)
    files = authority.files(Kind.SERVER, SERVER)
    if not files.certificate.exists():
        files = authority_of(place, held).server(SERVER, [held.host])
    return Sites(
        listen=f"{arguments.listen}:{held.proxy.port}",
        superlink=f"{LOOPBACK}:{held.superlink.port}",
        certificate=files.certificate,
        key=files.key,
        root=authority.root,
        revocations=authority.revocations,
        clients=clients_of(authority),
        operators=tuple(arguments.operator_host or (f"{LOOPBACK}/32", "::1/128")),
        control=held.proxy.operator,
        directory=arguments.own_dir or held.proxy.directory,
        user=arguments.user,
        limits=Limits(body_mib=arguments.body_mib, rate=arguments.rate, connections=arguments.connections),
    )


def clients_of(authority: Credentials) -> tuple[Path, ...]:
    """The files of all clients' certificates that count now."""
    counting = [one for one in authority.issued() if one.kind is not Kind.SERVER and one.counts(now().timestamp())]
    return tuple(authority.clients / f"{one.serial}.pem" for one in counting)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 100_000:  # noqa: PLR2004  a thousand times what is of use
        msg = "a whole number from 1 to 100000, please"
        raise argparse.ArgumentTypeError(msg)
    return int(text)
