"""The tables of a router's store; the same in SQLite and in PostgreSQL.

Records lie together as they were written, one *sheet* for each commit: appending is what disks do best. Around them
stand two narrow indexes, by what was asked and by the decision's identity.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, SmallInteger, String, Table

STORE_FORMAT = "fedclaims/router-store/1"

METADATA = MetaData()

_NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts up an ``INTEGER PRIMARY KEY`` alone."""

ABOUT = Table(
    "about",
    METADATA,
    Column("name", String, primary_key=True),
    Column("held", String, nullable=False),
)
"""``format`` of the store, and which calibration, cards and habits go with which model, by SHA-256."""

SHEETS = Table(
    "sheets",
    METADATA,
    Column("sheet", _NUMBER, primary_key=True, autoincrement=True),
    Column("decided_at", BigInteger, nullable=False),
    Column("ends", LargeBinary, nullable=False),
    Column("records", LargeBinary, nullable=False),
)
"""Records one behind the other, compressed as one; ``ends`` are little-endian int32, where each of them ends."""

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("asked", LargeBinary, primary_key=True),
    Column("decision_id", LargeBinary, nullable=False, unique=True),
    Column("lane", SmallInteger, nullable=False),
    Column("sheet", BigInteger, nullable=False),
    Column("place", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""``asked`` is of claim key and content (``client.router.store.asking``): one decision each, and no second."""

ARTEFACTS = Table(
    "artefacts",
    METADATA,
    Column("sha256", LargeBinary, primary_key=True),
    Column("kind", String, nullable=False),
    Column("held", LargeBinary, nullable=False),
    Column("kept_at", BigInteger, nullable=False),
)
"""Models, policies, calibrations and cards that decisions were made with: without them none can be replayed."""

VERDICTS = Table(
    "verdicts",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("decision_id", LargeBinary, nullable=False, index=True),
    Column("verdict", String, nullable=False),
    Column("reviewer", String, nullable=False),
    Column("stratum", String, nullable=False),
    Column("given_at", BigInteger, nullable=False),
)
"""What reviewers found; the newest of a decision counts, the others stay."""

MEMORIES = Table(
    "memories",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("last_day", BigInteger, nullable=False, index=True),
    Column("held", LargeBinary, nullable=False),
)
"""What rules remember of earlier claims, one piece for each commit; forgotten as a whole once ``last_day`` is old."""

SHADOWS = Table(
    "shadows",
    METADATA,
    Column("model_sha256", LargeBinary, primary_key=True),
    Column("lane", SmallInteger, primary_key=True, autoincrement=False),
    Column("shadow_lane", SmallInteger, primary_key=True, autoincrement=False),
    Column("n_claims", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""How many claims a shadow model sent elsewhere, or to the same lane."""

WRONG_CLOCKS = Table(
    "wrong_clocks",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("sheet", BigInteger, nullable=False),
    Column("latest", BigInteger, nullable=False),
    Column("declared_at", BigInteger, nullable=False),
    Column("declared_by", String, nullable=False),
    Column("why", String, nullable=False),
)
"""Who has said that the clock was wrong when decisions up to a sheet were made; never changed or removed."""

UNDRAFTED = Table(
    "undrafted",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("held", LargeBinary, nullable=False),
)
"""Who pays what of FAST claims whose payment drafts are still to be drawn, one piece a commit."""
