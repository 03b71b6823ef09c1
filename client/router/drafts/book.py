"""The book of payment drafts: kept once, approved by two different people, handed out only then."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, Engine, Row, Select, select

from client.router.drafts.draft import PaymentDraft, Person, Status
from client.router.drafts.drawing import Withheld
from client.router.drafts.standing import Withdrawn, withdrawn
from client.router.drafts.tables import APPROVALS, DRAFTS, METADATA
from client.router.drafts.withholding import Without, keep_withheld, withheld_claims
from client.router.store.decisions import failing
from client.router.store.opening import writing
from common.errors import InputError, RefusedError

EYES = 2
"""People who must approve a draft: four eyes."""

_AT_ONCE = 512
"""Keys in one statement."""

_PERSON: TypeAdapter[str] = TypeAdapter(Person)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A draft in the book.

    Attributes:
        draft: The draft.
        approved_by: Who approved it, in their order; at most two.
        withdrawn: Why it does not stand any more; ``None`` if it does.
    """

    draft: PaymentDraft
    approved_by: tuple[str, ...]
    withdrawn: Withdrawn | None = None

    @property
    def status(self) -> Status:
        """How far it is."""
        if self.withdrawn is not None:
            return Status.WITHDRAWN
        return (Status.DRAFT, Status.APPROVED_ONCE, Status.APPROVED)[len(self.approved_by)]


class DraftBook:
    """Payment drafts and their approvals in the router's database.

    Guarantees:
        * A claim key has at most one draft, ever; the same draft again changes nothing.
        * Two different people approve a draft, one after the other, and nobody else after them. Names are compared
          without regard to case, width and blanks. Whether a name is its bearer's is not known here.
        * A draft that was changed after somebody saw it is refused, not handed out.
        * A draft is withdrawn, approved or not, as soon as its claim is decided again or a verdict goes against it;
          this is looked up whenever a draft is read or approved, not noted once.
        * Nothing is executed.
    """

    def __init__(self, engine: Engine) -> None:
        """Use an open database; its tables are made if they are not there."""
        self._engine = engine
        with failing("opened"):
            METADATA.create_all(engine)

    def add(self, drafts: Sequence[PaymentDraft], now: int) -> int:
        """Keep drafts, durably, in a transaction of their own; how many are new."""
        with failing("written"), writing(self._engine) as connection:
            return add_drafts(connection, drafts, now)

    def get(self, draft_id: str) -> Held:
        """One draft.

        Raises:
            InputError: If there is none of this identity.
            RefusedError: If it was changed.
        """
        with failing("read"), self._engine.connect() as connection:
            return _one(connection, draft_id)

    def all(self, status: Status | None = None) -> Iterator[Held]:
        """All drafts, or those of one status, in the order of their identities.

        Raises:
            RefusedError: If one of them was changed.
        """
        with failing("read"), self._engine.connect() as connection:
            last = ""
            while page := connection.execute(_after(last)).all():
                yield from (held for held in _with_approvals(connection, page) if status in {None, held.status})
                last = str(page[-1].draft_id)

    def approve(self, draft_id: str, person: str, now: int) -> Held:
        """Put a person's name under a draft, durably.

        Raises:
            InputError: If there is no such draft, or the name is none.
            RefusedError: If the person approved it already, two others did, it was changed or is withdrawn.
        """
        name = person_name(person)
        with failing("written"), writing(self._engine) as connection:
            held = _one(connection, draft_id)
            _insist_open(held, name)
            seen = {"draft_id": draft_id, "eye": len(held.approved_by), "person": name, "approved_at": now}
            connection.execute(APPROVALS.insert().values(**seen, sha256=_digest(held.draft)))
        return Held(draft=held.draft, approved_by=(*held.approved_by, name))

    def withheld(self) -> list[Without]:
        """The FAST claims that have no draft, and why."""
        with failing("read"), self._engine.connect() as connection:
            return list(withheld_claims(connection))


def add_drafts(connection: Connection, drafts: Sequence[PaymentDraft], now: int) -> int:
    """Keep drafts within a transaction, such as the one that keeps their decisions; how many are new.

    Guarantees:
        * A draft of a claim key that has one already is left out, whatever stands in it; if it is of another decision,
          it is kept among the withheld ones.
    """
    first = {draft.claim_key: draft for draft in reversed(drafts)}
    known = _known_claims(connection, sorted(first))
    drafted = {key: draft.draft_id for key, draft in first.items()} | known
    keep_withheld(connection, [_left_out(one) for one in drafts if drafted[one.claim_key] != one.draft_id], now)
    rows = [
        {"draft_id": draft.draft_id, "claim_key": key, "held": _spelling(draft), "drafted_at": now}
        for key, draft in first.items()
        if key not in known
    ]
    if rows:
        connection.execute(DRAFTS.insert(), rows)
    return len(rows)


def person_name(given: str) -> str:
    """A person's name as names are compared: composed, without regard to case, width and blanks around it.

    Raises:
        InputError: If it is no name.
    """
    try:
        return _PERSON.validate_python(" ".join(unicodedata.normalize("NFKC", given).casefold().split()))
    except ValidationError:
        msg = "a name has 1 to 64 letters, digits or . @ - _: name the person who approves"
        raise InputError(msg) from None


def _left_out(draft: PaymentDraft) -> Without:
    return Without(claim_key=draft.claim_key, decision_id=draft.decision_id, reason=Withheld.DRAFTED_BEFORE)


def _insist_open(held: Held, name: str) -> None:
    if held.withdrawn is not None:
        msg = f"this draft is withdrawn ({held.withdrawn}): look at the newest decision about its claim, pay nothing"
        raise RefusedError(msg)
    if held.status is Status.APPROVED:
        raise RefusedError("two people have approved this draft already; it needs nobody else")
    if name in held.approved_by:
        raise RefusedError("the same person cannot approve a draft twice; somebody else must look at it")


def _known_claims(connection: Connection, keys: Sequence[str]) -> dict[str, str]:
    """Claim keys that have a draft, and its identity."""
    known: dict[str, str] = {}
    for start in range(0, len(keys), _AT_ONCE):
        here = DRAFTS.c.claim_key.in_(keys[start : start + _AT_ONCE])
        rows = connection.execute(select(DRAFTS.c.claim_key, DRAFTS.c.draft_id).where(here))
        known.update((row.claim_key, row.draft_id) for row in rows)
    return known


def _one(connection: Connection, draft_id: str) -> Held:
    page = connection.execute(select(DRAFTS).where(DRAFTS.c.draft_id == draft_id)).all()
    if not page:
        msg = "there is no draft of this identity; `fedclaims-bureau drafts list` shows them"
        raise InputError(msg)
    return next(_with_approvals(connection, page))


def _after(last: str) -> Select[tuple[str, str, bytes, int]]:
    return select(DRAFTS).where(DRAFTS.c.draft_id > last).order_by(DRAFTS.c.draft_id).limit(_AT_ONCE)


def _with_approvals(connection: Connection, page: Sequence[Row[tuple[str, str, bytes, int]]]) -> Iterator[Held]:
    wanted = select(APPROVALS).where(APPROVALS.c.draft_id.in_([row.draft_id for row in page]))
    approvals: dict[str, list[tuple[str, bytes]]] = {}
    for row in connection.execute(wanted.order_by(APPROVALS.c.eye)):
        approvals.setdefault(row.draft_id, []).append((row.person, bytes(row.sha256)))
    held = [_checked(row, approvals.get(row.draft_id, [])) for row in page]
    reasons = withdrawn(connection, [(one.draft.claim_key, one.draft.decision_id) for one in held])
    yield from (replace(one, withdrawn=reason) for one, reason in zip(held, reasons, strict=True))


def _checked(row: Row[tuple[str, str, bytes, int]], approvals: Sequence[tuple[str, bytes]]) -> Held:
    try:
        draft = PaymentDraft.model_validate_json(bytes(row.held))
    except ValidationError:
        draft = None
    seen = {sha256 for _, sha256 in approvals}
    named = draft is not None and (draft.draft_id, draft.claim_key) == (row.draft_id, row.claim_key)
    if draft is None or not named or seen - {_digest(draft)} or len(approvals) > EYES:
        msg = f"draft {row.draft_id} was changed in the router's store: pay nothing from it, keep the store as evidence"
        raise RefusedError(msg)
    return Held(draft=draft, approved_by=tuple(person for person, _ in approvals))


def _spelling(draft: PaymentDraft) -> bytes:
    return draft.model_dump_json().encode()


def _digest(draft: PaymentDraft) -> bytes:
    return hashlib.sha256(_spelling(draft)).digest()
