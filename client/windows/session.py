"""The rows of one session about a window: chosen once, entered once, the same for all its questions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from client.ledger.errors import ReleaseError
from client.ledger.release import WindowCharge
from client.rowstore import RowStore
from client.windows.account import Account
from client.windows.choosing import Candidates, Choice, Price, choose
from client.windows.marks import WindowName, digest_of
from client.windows.record import Entry, InBook, LeftOut
from common.errors import PlanError, SourceError
from common.plan import Plan
from common.privacy import Privacy
from common.private.question import Question
from common.stream.window import Window
from common.summary import Summary


class SessionRows:
    """The rows of one session about a window.

    Guarantees:
        * Every question of the session is answered from the same claims, also after a restart; if the source does not
          have them any more as they were, from none.
    """

    def __init__(self, account: Account, plan: Plan, session: bytes) -> None:
        """Use ``Windows.rows``."""
        self.plan = plan
        self._window, self._privacy = _about(plan)
        self._account, self._session = account, session
        self._found: Candidates | None = None
        self._choice: Choice | None = None
        self._price: Price | None = None
        self._store: RowStore | None = None
        self._after = 0

    def __len__(self) -> int:
        return len(self.settle())

    def summarise(self, centroids: npt.NDArray[np.int64], *, with_costs: bool) -> Summary:
        """See ``RowStore``."""
        return self.settle().summarise(centroids, with_costs=with_costs)

    def answer(self, question: Question, privacy: Privacy) -> npt.NDArray[np.int64]:
        """See ``RowStore``."""
        return self.settle().answer(question, privacy)

    def held(self) -> InBook | None:
        """What this session has entered, if it did.

        Raises:
            ReleaseError: If it did under another plan.
        """
        held = self._account.book.window_of(self._session)
        if held is not None and held.fingerprint != self.plan.fingerprint:
            raise ReleaseError("this session has entered its claims under another plan")
        return held

    def settle(self) -> RowStore:
        """The rows; chosen anew if other claims have entered before these did."""
        held = self.held()
        if held is not None:
            return self._restored(held) if self._store is None else self._store
        if self._store is None or self._after != len(self._account.book.windows):
            return self._chosen()
        return self._store

    def charge(self) -> WindowCharge:
        """What the ledger is told."""
        held = self.held()
        cap = held.cap if held is not None else self._ready()[1].cap
        return WindowCharge(stream=self._window.stream, number=self._window.number, cap=cap)

    def entry(self) -> Entry:
        """What is to be entered."""
        choice, price, found = self._ready()
        return Entry(
            name=WindowName(stream=self._window.stream, number=self._window.number, session=self._session),
            fingerprint=self.plan.fingerprint,
            unit=self._privacy.unit,
            rho=price.rho,
            cap=price.cap,
            left_out=LeftOut(edited=choice.edited, spent=choice.spent, late=choice.late),
            keys=found.keys[choice.places],
            contents=found.contents[choice.places],
            persons=choice.persons,
            charges=choice.charges,
        )

    def close(self) -> None:
        """Forget the rows; they are read again if they are asked for."""
        for store in (self._store, self._found.store if self._found else None):
            if store is not None:
                store.close()
        self._store = self._found = self._choice = None

    def _ready(self) -> tuple[Choice, Price, Candidates]:
        """The choice, unless something has happened since."""
        fresh = self._after == len(self._account.book.windows)
        if not fresh or self._choice is None or self._price is None or self._found is None:
            raise ReleaseError("other claims have entered since these were chosen: ask again")
        return self._choice, self._price, self._found

    def _chosen(self) -> RowStore:
        account, entered = self._account, self._account.book.entered
        price = account.price(self.plan, self._privacy)
        self.close()
        known = account.known(lambda keys, contents: ~entered.has_as_is(keys, contents))
        found = account.claims.candidates(self.plan, known)
        choice = choose(found, self._window.closes, entered, price, account.spent())
        self._found, self._choice, self._price, self._after = found, choice, price, len(account.book.windows)
        self._store = found.store.select(choice.places)
        return self._store

    def _restored(self, held: InBook) -> RowStore:
        account, entered = self._account, self._account.book.entered
        found = account.claims.candidates(self.plan, account.known(lambda keys, _: entered.in_window(keys, held.id)))
        if digest_of(found.keys, found.contents) != held.digest:
            found.store.close()
            msg = "the claims of this window have changed since they entered: its session is over"
            raise SourceError(msg)
        self._store = found.store
        return self._store


def _about(plan: Plan) -> tuple[Window, Privacy]:
    if plan.window is None or plan.privacy is None:
        msg = "the plan is about no window, or protects nothing"
        raise PlanError(msg)
    return plan.window, plan.privacy
