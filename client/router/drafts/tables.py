"""The tables of payment drafts, in the router's own database; the same in SQLite and in PostgreSQL."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)

METADATA = MetaData()

DRAFTS = Table(
    "drafts",
    METADATA,
    Column("draft_id", String, primary_key=True),
    Column("claim_key", String, nullable=False, unique=True),
    Column("held", LargeBinary, nullable=False),
    Column("drafted_at", BigInteger, nullable=False),
)
"""One draft a claim key, whatever was decided about it later: nothing is paid twice."""

APPROVALS = Table(
    "draft_approvals",
    METADATA,
    Column("draft_id", String, ForeignKey("drafts.draft_id"), primary_key=True),
    Column("eye", SmallInteger, primary_key=True),
    Column("person", String, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("approved_at", BigInteger, nullable=False),
    UniqueConstraint("draft_id", "person"),
)
"""Who approved what; ``sha256`` is of the draft as that person saw it. The first has ``eye`` 0, the second 1, and
nobody stands twice under one draft, even if many approve it at the same moment."""

WITHHELD = Table(
    "withheld_drafts",
    METADATA,
    Column("decision_id", String, primary_key=True),
    Column("claim_key", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("withheld_at", BigInteger, nullable=False),
)
"""FAST decisions that led to no draft, and why."""
