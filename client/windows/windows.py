"""Windows: which claims a session is about, and that each of them is charged and entered before noise is drawn."""

from __future__ import annotations

from client.ledger.errors import ReleaseError
from client.ledger.ledger import Ledger
from client.ledger.release import WindowCharge
from client.windows.account import Account
from client.windows.book import ClaimBook
from client.windows.errors import BrokenBookError
from client.windows.marks import KIND
from client.windows.session import SessionRows
from common.plan import Plan

AT_ONCE = 2
"""Sessions whose rows are kept: one of masked sums, and one without."""


class Windows:
    """A station's windows, beside its ledger.

    Guarantees:
        * A claim is in the answers of one session at most, whatever streams ask, and whenever the station is killed;
          unless it was changed since, and the policy has it charged again.
        * All answers of a session are about the same claims: those that entered before the first one left.
        * Over any 366 days nobody is charged more for windows than the policy's year leaves beside everything else:
          a person where persons are protected, a claim where claims are.
        * What a window's answers show of who was left out is protected like everything else in them.
        * Book and ledger say the same: it does not open if the book has forgotten a window.
    """

    def __init__(self, account: Account) -> None:
        """Go on with a book.

        Raises:
            BrokenBookError: If the ledger remembers what the book does not.
        """
        self._account = account
        self._sessions: dict[bytes, SessionRows] = {}
        _reconcile(account.book, account.ledger)

    def rows(self, plan: Plan, session: bytes) -> SessionRows:
        """The rows of a session: chosen now, or those that it has entered.

        Raises:
            BudgetError: If the year has too little left for anybody to be in this window.
            ReleaseError: If the session entered under another plan.
            InputError: If the claims cannot be read.
        """
        known = self._sessions.get(session)
        if known is None or known.plan != plan:
            known = self._begun(plan, session)
        if known.held() is None:
            known.settle()
        return known

    def charge(self, plan: Plan, session: bytes) -> WindowCharge:
        """What the ledger is told of a release about a window, once its words are known."""
        return self._of(plan, session).charge()

    def enter(self, plan: Plan, session: bytes) -> None:
        """Enter the session's claims, durably, in book and ledger; when this returns, noise may be drawn.

        Raises:
            ReleaseError: If other claims have entered since they were chosen.
            EngineError: If the disk fails; nothing may be released.
        """
        rows = self._of(plan, session)
        held = rows.held() or self._account.book.enter(rows.entry(), self._account.now())
        self._account.ledger.mark(held.name.place, held.digest)

    def _begun(self, plan: Plan, session: bytes) -> SessionRows:
        """Take up a session; those before the last one are not kept."""
        if session in self._sessions:
            self._sessions.pop(session).close()
        found = self._sessions[session] = SessionRows(self._account, plan, session)
        while len(self._sessions) > AT_ONCE:
            self._sessions.pop(next(iter(self._sessions))).close()
        return found

    def _of(self, plan: Plan, session: bytes) -> SessionRows:
        rows = self._sessions.get(session)
        if rows is None or rows.plan != plan:
            raise ReleaseError("no claims were chosen for this session under this plan")
        return rows


def _reconcile(book: ClaimBook, ledger: Ledger) -> None:
    """Make the marks that a kill has prevented, and see that the book has forgotten nothing.

    Raises:
        BrokenBookError: If it has.
    """
    marks = ledger.marks_of(KIND)
    for one in book.windows:
        if marks.pop(one.name.place, one.digest) != one.digest:
            msg = f"it says something else of {one.name.place} than the ledger"
            raise BrokenBookError(msg)
        ledger.mark(one.name.place, one.digest)
    for place in marks:
        msg = f"it has forgotten {place}, which the ledger remembers"
        raise BrokenBookError(msg)
