"""The station's process: checks, locks, reads, serves, and stops when it is told to."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from client.deployment.beginning import read_passphrase
from client.deployment.claims import StationClaims
from client.deployment.configuration import Configuration, load_configuration
from client.deployment.doctor.examining import examine
from client.deployment.doctor.findings import Level
from client.deployment.door import door_of
from client.deployment.journal import Journal
from client.deployment.logs import say, start_logging
from client.deployment.pausing import is_paused
from client.deployment.place import Place, alone
from client.deployment.serving import Belongings, Serving
from client.health import health_service
from client.identity.membership import Membership
from client.ledger.ledger import Ledger
from client.service import serve_station
from client.windows.book import ClaimBook
from client.windows.tables import BOOK_FILE
from common.errors import InputError

LOOK_S = 120.0
"""How often a station in a stream looks whether claims have arrived."""


def run_station(root: Path) -> None:
    """Serve the station of a directory until SIGTERM or SIGINT.

    Guarantees:
        * It does not start while anything that ``doctor`` calls a fault is wrong.
        * One process at a time has the directory; the door is open only while requests are answered.
        * Beside the door's own question, the standard health service says whether it lives and whether it would answer.
        * A request at work when it is told to stop is finished first.

    Raises:
        InputError: If something needs mending; the text says all of it.
        BrokenLedgerError: If the ledger cannot be trusted.
        EngineError: If another process has it, or the socket cannot be opened.
    """
    place = Place(root)
    configuration = load_configuration(place.configuration)
    with alone(place):
        _leave_no_core()
        os.umask(0o077)
        _insist_healthy(place, configuration)
        start_logging(configuration.log.level)
        stop, again = _signals()
        with _serving(place, configuration) as serving:
            again.append(serving)
            door = door_of(place, configuration)
            with serve_station(serving.answer, door, others=[health_service(serving.is_ready)]) as address:
                if isinstance(door, Path):
                    _let_in(door, configuration.socket.group)
                say("started", pid=os.getpid(), paused=is_paused(place), door=address)
                while not stop.wait(LOOK_S):
                    serving.look()
                say("stopping")
        say("stopped")


def _leave_no_core() -> None:
    """A crash must not write claims to a disk; where this may not be changed, whoever forbids it sees to it."""
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _insist_healthy(place: Place, configuration: Configuration) -> None:
    faults = [one for one in examine(place, configuration) if one.level is Level.FAULT]
    if faults:
        said = "; ".join(f"{one.check}: {one.said} - {one.fix}" for one in faults)
        msg = f"the station does not start: {said}"
        raise InputError(msg)


@contextmanager
def _serving(place: Place, configuration: Configuration) -> Iterator[Serving]:
    passphrase_file = configuration.keys.passphrase_file
    passphrase = read_passphrase(place.within(passphrase_file) if passphrase_file else None)
    journal = Journal(place=place, clock=_now)
    claims = StationClaims(place, configuration, journal.claims)
    with (
        Ledger.open(place.ledger, clock=_now, passphrase=passphrase, seen=configuration.ledger.head()) as ledger,
        ClaimBook(place.ledger / BOOK_FILE, ledger.public_key) as book,
    ):
        version = claims.data_version
        facts = {"bureau": configuration.name, "data_version": version, "snapshot": claims.snapshot}
        journal.begin({"pid": os.getpid(), **facts})
        say("ledger open", head=str(ledger.head()), data_version=version, snapshot=claims.snapshot)
        yield Serving(
            Belongings(
                name=configuration.name,
                place=place,
                claims=claims,
                ledger=ledger,
                book=book,
                identity=Membership(place.consortium).identity(passphrase),
                journal=journal,
                clock=_now,
            )
        )


def _signals() -> tuple[threading.Event, list[Serving]]:
    """An event that stops, and whom SIGHUP makes read the policy again."""
    stop, serving = threading.Event(), list[Serving]()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    def read_again(*_: object) -> None:
        for one in serving:
            one.read_policy_again()

    signal.signal(signal.SIGHUP, read_again)
    return stop, serving


def _let_in(path: Path, group: str) -> None:
    if group:
        try:
            shutil.chown(path, group=group)
        except (OSError, LookupError):
            msg = f"the socket cannot be given to group {group!r}: the station's user must be in it"
            raise InputError(msg) from None


def _now() -> int:
    return int(time.time())
