"""``fedclaims-coordinator certificate``: what the authority has issued, what ends soon, what counts no longer.

Exit codes: 0 done; 2 wrong options; 3 a file or an option needs mending; 7 the disk failed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from common.errors import InputError
from server.certificates.authority import Authority
from server.certificates.credentials import Credentials
from server.certificates.issuing import Kind
from server.certificates.keeping import now
from server.certificates.record import Issued
from server.certificates.renewing import renew
from server.deployment.configuration import load_configuration
from server.deployment.opening import authority_of
from server.deployment.place import Place

DEFAULT_DIRECTORY = Path("coordinator")
SOON_DAYS, LONGEST_DAYS = 60, 3660
RELOAD = "The proxy goes by it once it is told: `nginx -s reload`, or `proxy caddy` again and a restart of Caddy."


def add_certificates(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``certificate`` with everything below it to the commands; ``run`` is what to call."""
    certificate = commands.add_parser("certificate", help="who may knock at the door", description=__doc__)
    below = certificate.add_subparsers(dest="certificate_command", required=True)
    _command(below, "list", "all certificates, and how long they count", _list)
    renewing = _command(
        below, "renew", "issue anew what ends soon and whose key lies here, and the revocations", _renew
    )
    renewing.add_argument("name", nargs="*", help="of a server, or `operator` (default: all that end soon)")
    renewing.add_argument("--days", type=_days, default=SOON_DAYS, help=f"what is soon (default: {SOON_DAYS})")
    revoking = _command(below, "revoke", "let no certificate of a name count any more", _revoke)
    revoking.add_argument("name", help="whose, as `certificate list` has it")
    kinds = [kind.value for kind in Kind]
    revoking.add_argument("--kind", choices=kinds, default=Kind.BUREAU.value, help="what for (default: bureau)")


def _command(
    below: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    help_: str,
    run: Callable[[argparse.Namespace], None],
) -> argparse.ArgumentParser:
    found = below.add_parser(name, help=help_, description=help_)
    found.add_argument("--dir", type=Path, default=DEFAULT_DIRECTORY, help="the coordinator's directory")
    found.add_argument("--json", action="store_true", help="print JSON")
    found.set_defaults(run=run)
    return found


def _list(arguments: argparse.Namespace) -> None:
    record = Credentials(Place(arguments.dir).authority).issued()
    if arguments.json:
        _say(json.dumps([one.model_dump(mode="json") | {"counts": one.counts(_seconds())} for one in record], indent=2))
        return
    table = Table("name", "for", "since", "until", "counts", "serial number")
    for one in record:
        table.add_row(one.name, one.kind.value, _date(one.begins), _date(one.ends), _state(one), one.serial)
    console = Console(markup=False, emoji=False)
    (console if console.is_terminal else Console(width=160, no_color=True, markup=False, emoji=False)).print(table)


def _renew(arguments: argparse.Namespace) -> None:
    authority, names = _authority(arguments), tuple(arguments.name)
    renewed = dict(renew(authority, dt.timedelta(days=arguments.days), names))
    if missing := sorted(set(names) - set(renewed)):
        msg = f"no credential of this name lies here, or it was revoked: {', '.join(missing)}"
        raise InputError(msg)
    if arguments.json:
        files = {name: {"certificate": str(one.certificate), "key": str(one.key)} for name, one in renewed.items()}
        _say(json.dumps({"revocations": str(authority.revocations), "renewed": files}, indent=2))
        return
    said = [f"{name}: {files.certificate}" for name, files in renewed.items()] or ["No certificate ends soon."]
    said += [f"The list of revocations is new. {RELOAD} A SuperLink takes its own when it is restarted."]
    _say("\n".join(said))


def _revoke(arguments: argparse.Namespace) -> None:
    authority = _authority(arguments)
    n_gone = authority.revoke(arguments.name, Kind(arguments.kind))
    if arguments.json:
        _say(json.dumps({"name": arguments.name, "kind": arguments.kind, "revoked": n_gone}))
        return
    _say(f"{n_gone} certificates of {arguments.name!r} count no longer; the list is {authority.revocations}.\n{RELOAD}")


def _state(one: Issued) -> str:
    if one.revoked is not None:
        return f"revoked {_date(one.revoked)}"
    return "yes" if one.counts(_seconds()) else "expired"


def _authority(arguments: argparse.Namespace) -> Authority:
    place = Place(arguments.dir)
    if not place.configuration.exists():
        return Authority.open(place.authority)
    return authority_of(place, load_configuration(place.configuration))


def _date(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).date().isoformat()


def _seconds() -> float:
    return now().timestamp()


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not int(text) <= LONGEST_DAYS:
        msg = f"a whole number up to {LONGEST_DAYS}, please"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
