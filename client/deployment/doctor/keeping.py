"""Checks of what the station keeps: rights of files, keys, ledger, clock, roster."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from client.deployment.beginning import read_passphrase
from client.deployment.claims import pseudonym_key
from client.deployment.configuration import Configuration
from client.deployment.doctor.findings import Finding, fault, fine, trying, warning
from client.deployment.place import Place
from client.deployment.windowed import first_contradicted, windows_of
from client.identity.keyfile import KEY_FILE as IDENTITY_FILE
from client.identity.membership import REQUEST_FILE, ROSTER_FILE, Membership, read_bounded
from client.ledger.chain import Chain
from client.ledger.errors import BrokenLedgerError
from client.ledger.keys import load_key
from client.ledger.ledger import KEY_FILE, inspect
from client.policy import load_policy
from client.windows.tables import BOOK_FILE
from common.consortium.joining import JoinRequest
from common.consortium.roster import Role
from common.plan import Protection

DAY_S = 86_400
SOON_S = 30 * DAY_S
MOST_BEHIND_S = 60
OTHERS_WRITE, OTHERS_ANY = 0o022, 0o077


def user() -> Iterator[Finding]:
    """Whether the station has a user of its own."""
    if os.geteuid() == 0:
        yield warning("user", "this is root", "give the station a user of its own, as docs/bureau-guide.md says")
    else:
        yield fine("user", f"uid {os.geteuid()}")


def rights(place: Place) -> Iterator[Finding]:
    """Who may read and write the station's files."""
    private = [place.root, place.ledger, place.consortium, place.rejects, place.state]
    private += [place.pseudonym_key, place.ledger / KEY_FILE, place.consortium / IDENTITY_FILE]
    for path, forbidden in [*((path, OTHERS_ANY) for path in private), *_guarded(place)]:
        yield from _rights(path, forbidden)


def _guarded(place: Place) -> list[tuple[Path, int]]:
    return [(place.configuration, OTHERS_WRITE), (place.policy, OTHERS_WRITE)]


def _rights(path: Path, forbidden: int) -> Iterator[Finding]:
    check = f"rights of {path.name}"
    try:
        found = path.lstat()
    except OSError:
        yield fault(
            check, f"{path} is missing or cannot be reached", "restore it, or make the station anew with `init`"
        )
        return
    mode = stat.S_IMODE(found.st_mode)
    owners = {os.geteuid(), 0} if forbidden == OTHERS_WRITE else {os.geteuid()}
    if found.st_uid not in owners or stat.S_ISLNK(found.st_mode):
        yield fault(
            check, f"{path} is another user's, or a link", f"chown it to the station's user (uid {os.geteuid()})"
        )
    elif mode & forbidden:
        wanted = mode & ~forbidden
        yield fault(check, f"{path} has mode {mode:o}: others may get at it", f"chmod {wanted:o} {path}")
    else:
        yield fine(check, f"mode {mode:o}")


def keys(place: Place, configuration: Configuration) -> Iterator[Finding]:
    """Whether the three key files can be opened and belong together."""

    def pseudonyms() -> Iterator[Finding]:
        pseudonym_key(place)
        yield fine("pseudonym key", "32 bytes")

    def station() -> Iterator[Finding]:
        load_key(place.ledger / KEY_FILE, passphrase_of(place, configuration))
        yield fine("ledger key", "opens")

    restore = "restore the file from your copy, and give it mode 600"
    yield from trying("pseudonym key", pseudonyms, restore)
    yield from trying("ledger key", station, f"{restore}; look at passphrase_file in station.toml")
    yield from trying("identity", lambda: _identity(place, configuration), restore)


def _identity(place: Place, configuration: Configuration) -> Iterator[Finding]:
    membership = Membership(place.consortium)
    public = membership.identity(passphrase_of(place, configuration)).public
    request = JoinRequest.from_json(read_bounded(place.consortium / REQUEST_FILE))
    if public != request.public_key:
        yield fault("identity", "the key is not the one in the join request", "restore both files from one copy")
    elif request.name != configuration.name:
        said = f"station.toml says {configuration.name!r}, the join request {request.name!r}"
        yield fault("identity", said, "write the name of the join request into station.toml, or ask to join anew")
    else:
        yield fine("identity", public.hex())


def ledger(place: Place, configuration: Configuration, now: int) -> Iterator[Finding]:
    """Whether the record is whole, continues what others have seen, and is not from the future."""
    try:
        public = load_key(place.ledger / KEY_FILE, passphrase_of(place, configuration)).public
        chain = inspect(place.ledger, public)
        if (seen := configuration.ledger.head()) is not None:
            chain.check_against(seen)
    except BrokenLedgerError as error:
        yield fault(
            "ledger",
            str(error),
            "let nothing leave; keep the directory as evidence; see 'Incidents' in docs/bureau-guide.md",
        )
        return
    yield fine("ledger", f"{len(chain.digests)} entries, head {chain.head}")
    yield _clock(chain, now)


def book(place: Place) -> Iterator[Finding]:
    """Whether the claim book bears out what the ledger marked of windows of streams, if there were any."""
    check = "claim book"
    if (place.ledger / BOOK_FILE).exists():
        yield from _rights(place.ledger / BOOK_FILE, OTHERS_ANY)
    held, chain = windows_of(place), inspect(place.ledger)
    wrong = first_contradicted(held, chain)
    if wrong is not None:
        said = f"it does not bear out entry {wrong.number} of the ledger"
        yield fault(check, said, "restore the ledger's directory as a whole from one copy; let nothing leave till then")
    elif held:
        yield fine(check, f"bears out what the ledger marked of {len(held.splitlines())} windows")


def _clock(chain: Chain, now: int) -> Finding:
    newest = chain.book.entries[-1].time
    if now < newest - MOST_BEHIND_S:
        return fault(
            "clock",
            f"this machine's clock is {newest - now} seconds behind the newest entry of the ledger",
            "set the clock, and let a time service keep it",
        )
    return fine("clock", f"{_date(now)}, after the newest entry of the ledger")


def roster(place: Place, now: int) -> Iterator[Finding]:
    """Whether the roster counts now, for how long, and lists this bureau."""
    get = "get the newest roster from the coordinator and run `fedclaims-bureau join --accept`"
    membership = Membership(place.consortium)
    if not (place.consortium / ROSTER_FILE).exists():
        needed = load_policy(place.policy).protections <= {Protection.SECURE}
        level = fault if needed else warning
        yield level("roster", "none was accepted yet: masked sums are refused", get)
        return
    found = membership.roster(now)
    if membership.member(found).role is not Role.BUREAU:
        yield fault("roster", "it lists this bureau in another role", "ask the coordinator to mend it")
    elif found.valid_until - now < SOON_S:
        yield warning("roster", f"version {found.version} ends on {_date(found.valid_until)}", get)
    else:
        yield fine("roster", f"version {found.version}, until {_date(found.valid_until)}")


def passphrase_of(place: Place, configuration: Configuration) -> bytes | None:
    """The passphrase of the key files, if they have one."""
    path = configuration.keys.passphrase_file
    return read_passphrase(place.within(path) if path else None)


def _date(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="minutes")
