"""What a bureau keeps of a session: what it never contradicts, and what it goes on from after a restart."""

from __future__ import annotations

from collections.abc import Iterator

from client.ledger.ledger import Ledger
from common.masked_messages import Invite, MaskedOffer, Members, Survivors
from common.masking.keys import SECRET_BYTES, SessionSecrets
from common.wire import AnyMessage, decode, encode


class LedgerKept:
    """What a participant never contradicts, in the station's ledger."""

    def __init__(self, ledger: Ledger) -> None:
        """Keep it there."""
        self._ledger = ledger

    def get(self, place: str) -> bytes | None:
        """See ``common.masking.participant.Kept``."""
        return self._ledger.marked(place)

    def put(self, place: str, value: bytes) -> None:
        """See ``common.masking.participant.Kept``."""
        self._ledger.mark(place, value)


class SessionFile:
    """One session in the ledger's directory, durable and encrypted.

    Guarantees:
        * Nothing kept is replaced by something else.
    """

    def __init__(self, ledger: Ledger, session: bytes) -> None:
        """Of a session."""
        self._ledger, self._sessions, self._session = ledger, ledger.sessions, session

    def secrets(self) -> SessionSecrets | None:
        """Of this bureau, or None if the session is over."""
        held = self._sessions.kept(self._session, "secrets")
        return None if held is None else SessionSecrets(held[:SECRET_BYTES], held[SECRET_BYTES:])

    def keep_secrets(self, held: bytes) -> None:
        """Secrets, once."""
        self._keep("secrets", held)

    def keep_offer(self, offer: MaskedOffer) -> None:
        """The offer that was joined."""
        self._keep("offer", encode(offer))

    def offer(self) -> MaskedOffer | None:
        """See ``keep_offer``."""
        found = self._kept("offer")
        return found if isinstance(found, MaskedOffer) else None

    def keep_members(self, members: Members) -> None:
        """Everybody who joined."""
        self._keep("members", encode(members))

    def members(self) -> Members | None:
        """See ``keep_members``."""
        found = self._kept("members")
        return found if isinstance(found, Members) else None

    def keep_invite(self, invite: Invite, name: str) -> None:
        """A question that was accepted: the round itself once, and each attempt's cohort."""
        once = invite.model_copy(update={"attempt": 1, "cohort": (name,), "signature": b""})
        self._keep(f"invite-{invite.number:07d}", encode(once))
        slim = invite.model_copy(update={"centroids": b"", "radii": b"", "opened": b"", "signature": b""})
        self._keep(f"attempt-{invite.number:07d}-{invite.attempt:07d}", encode(slim))

    def invites(self) -> Iterator[Invite]:
        """The questions of all rounds so far, in order."""
        number = 1
        while isinstance(found := self._kept(f"invite-{number:07d}"), Invite):
            yield found
            number += 1

    def last_attempt(self, number: int) -> Invite | None:
        """Number and cohort of the last attempt of a round that was accepted."""
        prefix = f"attempt-{number:07d}-"
        names = [name for name in self._sessions.names(self._session) if name.startswith(prefix)]
        found = self._kept(names[-1]) if names else None
        return found if isinstance(found, Invite) else None

    def keep_survivors(self, survivors: Survivors) -> None:
        """Whom this bureau has confirmed in a context."""
        self._keep(f"survivors-{survivors.context.hex()}", encode(survivors))

    def survivors(self, context: bytes) -> Survivors | None:
        """See ``keep_survivors``."""
        found = self._kept(f"survivors-{context.hex()}")
        return found if isinstance(found, Survivors) else None

    def forget(self) -> None:
        """The session is over."""
        self._sessions.forget(self._session)
        self._ledger.forget_vectors(self._session)

    def _keep(self, name: str, held: bytes) -> None:
        self._sessions.keep(self._session, name, held)

    def _kept(self, name: str) -> AnyMessage | None:
        held = self._sessions.kept(self._session, name)
        return None if held is None else decode(held)
