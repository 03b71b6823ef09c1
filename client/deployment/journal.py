"""What the process says of itself: a small file that ``status`` reads. It holds codes, counts and times."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from client.claims.ingest import IngestReport
from client.deployment.logs import say
from client.deployment.place import Place, put
from client.ledger.ledger import Clock
from common.messages import RefusalCode

MOST_KEPT = 20
Said = dict[str, Any]


@dataclass(kw_only=True)
class Journal:
    """Sessions, refusals and claims of this process and the one before it.

    Guarantees:
        * It is never needed: if it cannot be written, the station goes on.
    """

    place: Place
    clock: Clock
    facts: Said = field(default_factory=dict)
    sessions: dict[str, Said] = field(default_factory=dict)
    refusals: list[Said] = field(default_factory=list)

    def begin(self, facts: Mapping[str, object]) -> None:
        """A process has started."""
        before = read_journal(self.place)
        self.sessions = {str(one["session"]): one for one in before.get("sessions", [])}
        self.refusals = list(before.get("refusals", []))
        self.facts = {**facts, "since": self.clock(), "claims": None}
        self._write()

    def change(self, **facts: object) -> None:
        """Something about the process has changed."""
        self.facts |= facts
        self._write()

    def claims(self, report: IngestReport) -> None:
        """The claims were read."""
        rejected = {str(reason): count for reason, count in sorted(report.rejected.items())}
        held: Said = {"seen": report.seen, "accepted": report.accepted, "netted": report.netted, "rejected": rejected}
        say("claims read", **held)
        self.change(claims=held)

    def answered(self, session: str, kind: str, fingerprint: str) -> None:
        """A request of a session was answered."""
        known = self.sessions.pop(session, {"session": session, "since": self.clock(), "answers": 0})
        known |= {
            "plan": fingerprint,
            "last": self.clock(),
            "answers": known["answers"] + 1,
            "ended": kind == "received",
        }
        self.sessions = dict(list({**self.sessions, session: known}.items())[-MOST_KEPT:])
        say("answered", session=session, kind=kind)
        self._write()

    def refused(self, session: str, kind: str, code: RefusalCode) -> None:
        """A request was refused."""
        one = {"time": self.clock(), "session": session, "asked": kind, "code": str(code)}
        self.refusals = [*self.refusals, one][-MOST_KEPT:]
        say("refused", level=logging.WARNING, session=session, asked=kind, code=str(code))
        self._write()

    def _write(self) -> None:
        held = {**self.facts, "sessions": list(self.sessions.values()), "refusals": self.refusals}
        try:
            put(self.place.status, json.dumps(held).encode(), durable=False)
        except OSError as error:
            say("status not written", level=logging.WARNING, error=type(error).__name__)


def read_journal(place: Place) -> Said:
    """What was last written; nothing if there is none, or none that can be read."""
    try:
        found = json.loads(place.status.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
