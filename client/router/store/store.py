"""A router's store: one database, and what is kept in it."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Self

from sqlalchemy import Engine
from sqlalchemy.engine import URL

from client.router.drafts.book import DraftBook
from client.router.store.artefacts import ArtefactStore
from client.router.store.decisions import DecisionStore
from client.router.store.opening import open_engine
from client.router.store.verdicts import VerdictStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Everything that a router keeps. Close it after use.

    Attributes:
        engine: The database.
        decisions: And what rules remember, and what shadows did.
        artefacts: What decisions were made with.
        verdicts: What reviewers said.
        drafts: Of payments.
    """

    engine: Engine
    decisions: DecisionStore
    artefacts: ArtefactStore
    verdicts: VerdictStore
    drafts: DraftBook

    @classmethod
    def open(cls, url: URL) -> Self:
        """Open the database at an address; its tables are made if there are none.

        Raises:
            InputError: If it is another kind of database, or holds another format.
            StoreError: If it cannot be reached.
        """
        engine = open_engine(url)
        return cls(
            engine=engine,
            decisions=DecisionStore(engine),
            artefacts=ArtefactStore(engine),
            verdicts=VerdictStore(engine),
            drafts=DraftBook(engine),
        )

    def close(self) -> None:
        """Hang up."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
