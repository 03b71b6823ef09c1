"""The registry's tables, and how an older registry becomes a newer one: by hand, one step a version, never back.

Laws that the database itself keeps, whoever writes:
    * A model's version follows the one before it and names its digest; it is neither changed nor removed.
    * One run at a time is under way; a tick of the schedule is one run.
    * A bureau has one node that is let in, a node key belongs to one and never comes back.
    * A tick of a stream is one run, or was kept for a reason; never both, never neither.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection

from common.errors import InputError
from server.registry.opening import Database, RegistryError

_SPELLED = {
    "sqlite": {"counter": "INTEGER PRIMARY KEY AUTOINCREMENT", "bytes": "BLOB"},
    "postgresql": {"counter": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "bytes": "BYTEA"},
}
"""What the dialects spell differently."""

_FIRST = (
    """CREATE TABLE facts (name TEXT PRIMARY KEY, held TEXT NOT NULL)""",
    """CREATE TABLE models (
        version BIGINT PRIMARY KEY CHECK (version >= 1),
        previous_version BIGINT CHECK (previous_version = version - 1),
        previous TEXT NOT NULL CHECK (length(previous) = 64),
        digest TEXT NOT NULL CHECK (length(digest) = 64),
        publication TEXT NOT NULL,
        model {bytes} NOT NULL,
        issued BIGINT NOT NULL,
        UNIQUE (version, digest),
        CHECK ((version = 1) = (previous_version IS NULL)),
        FOREIGN KEY (previous_version, previous) REFERENCES models (version, digest))""",
    """CREATE TABLE runs (
        number {counter},
        code TEXT NOT NULL UNIQUE,
        wanted_by TEXT NOT NULL CHECK (wanted_by IN ('operator', 'schedule')),
        purpose TEXT NOT NULL CHECK (purpose IN ('clusters', 'outcomes')),
        tick BIGINT UNIQUE,
        ordered BIGINT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('ordered', 'starting', 'running', 'done', 'failed', 'abandoned')),
        under_way INTEGER UNIQUE CHECK (under_way = 1),
        started BIGINT,
        ended BIGINT,
        reason TEXT NOT NULL DEFAULT '',
        flower_run TEXT,
        process BIGINT,
        session TEXT UNIQUE,
        fingerprint TEXT,
        roster_version BIGINT,
        cohort TEXT NOT NULL DEFAULT '[]',
        lost TEXT NOT NULL DEFAULT '[]',
        refused TEXT NOT NULL DEFAULT '[]',
        heads TEXT NOT NULL DEFAULT '{{}}',
        model BIGINT UNIQUE REFERENCES models (version),
        CHECK ((under_way IS NOT NULL) = (state IN ('starting', 'running'))),
        CHECK ((ended IS NOT NULL) = (state IN ('done', 'failed', 'abandoned'))),
        CHECK ((model IS NOT NULL) = (state = 'done')),
        CHECK (reason <> '' OR state NOT IN ('failed', 'abandoned')))""",
    """CREATE TABLE rounds (
        run BIGINT NOT NULL REFERENCES runs (number),
        place BIGINT NOT NULL,
        number BIGINT NOT NULL,
        phase TEXT NOT NULL,
        n_centroids BIGINT NOT NULL,
        bytes_down BIGINT NOT NULL,
        bytes_up BIGINT NOT NULL,
        inertia DOUBLE PRECISION,
        cost BIGINT NOT NULL,
        closed BIGINT NOT NULL,
        PRIMARY KEY (run, place))""",
    """CREATE TABLE transcripts (
        run BIGINT PRIMARY KEY REFERENCES runs (number),
        path TEXT NOT NULL,
        sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
        bytes BIGINT NOT NULL)""",
    """CREATE TABLE nodes (
        id {counter},
        name TEXT NOT NULL,
        public_key TEXT NOT NULL,
        bundle TEXT NOT NULL CHECK (length(bundle) = 64),
        admitted BIGINT NOT NULL,
        revoked BIGINT,
        live INTEGER CHECK (live = 1),
        node TEXT,
        seen BIGINT,
        UNIQUE (name, live),
        UNIQUE (public_key, live),
        CHECK ((live IS NULL) = (revoked IS NOT NULL)))""",
)

_KEPT = {
    "sqlite": (
        """CREATE TRIGGER models_unchanged BEFORE UPDATE ON models
           BEGIN SELECT RAISE(ABORT, 'a published model does not change'); END""",
        """CREATE TRIGGER models_kept BEFORE DELETE ON models
           BEGIN SELECT RAISE(ABORT, 'a published model is kept'); END""",
    ),
    "postgresql": (
        """CREATE FUNCTION models_kept() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN
             RAISE EXCEPTION 'a published model is kept' USING ERRCODE = 'integrity_constraint_violation';
           END $$""",
        """CREATE TRIGGER models_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON models
           FOR EACH STATEMENT EXECUTE FUNCTION models_kept()""",
    ),
}


def _begin_tables(connection: Connection, dialect: str) -> None:
    for statement in _FIRST:
        connection.exec_driver_sql(statement.format(**_SPELLED[dialect]))
    for statement in _KEPT[dialect]:
        connection.exec_driver_sql(statement)


def _let_no_key_come_back(connection: Connection, _: str) -> None:
    """What was let in twice keeps its key in its last row; the rows before it say that they are older."""
    later = "SELECT 1 FROM nodes AS later WHERE later.public_key = nodes.public_key AND later.id > nodes.id"
    connection.exec_driver_sql(
        f"UPDATE nodes SET public_key = public_key || ' before ' || id WHERE EXISTS ({later})"  # noqa: S608  our own words
    )
    connection.exec_driver_sql("CREATE UNIQUE INDEX nodes_public_key ON nodes (public_key)")


_STREAMS = (
    """CREATE TABLE ticks (
        stream TEXT NOT NULL CHECK (length(stream) = 32),
        number BIGINT NOT NULL,
        since BIGINT NOT NULL CHECK (since >= 1 AND since <= number),
        closes BIGINT NOT NULL,
        noted BIGINT NOT NULL,
        run BIGINT UNIQUE REFERENCES runs (number),
        reason TEXT NOT NULL,
        PRIMARY KEY (stream, number),
        CHECK ((run IS NULL) = (reason <> '')),
        CHECK (run IS NULL OR since = number))""",
    """CREATE TABLE alerts (
        version BIGINT NOT NULL REFERENCES models (version),
        place BIGINT NOT NULL,
        noted BIGINT NOT NULL,
        held TEXT NOT NULL,
        written BIGINT,
        posted BIGINT,
        PRIMARY KEY (version, place))""",
)


def _begin_streams(connection: Connection, _: str) -> None:
    for statement in _STREAMS:
        connection.exec_driver_sql(statement)


MIGRATIONS = (_begin_tables, _let_no_key_come_back, _begin_streams)
"""From no tables to version 1, and on; what stands here is never changed, the next version is another step."""

VERSION = len(MIGRATIONS)


def version_of(database: Database) -> int:
    """The schema's version; 0 where there is none.

    Raises:
        RegistryError: If the database cannot be used.
    """
    with database.reading() as connection:
        return _version(connection, database)


def migrate(database: Database, now: int) -> int:
    """Bring the tables up to this software's version, all steps or none.

    Returns:
        The version before.

    Raises:
        InputError: If a newer software has written this registry.
        RegistryError: If the database cannot be used.
    """
    with database.writing() as connection:
        found = _version(connection, database)
        if found > VERSION:
            msg = f"the registry has schema version {found}, this software knows {VERSION}: install the newer one"
            raise InputError(msg)
        if found == 0:
            connection.exec_driver_sql("CREATE TABLE schema (version BIGINT PRIMARY KEY, applied BIGINT NOT NULL)")
        for number, step in enumerate(MIGRATIONS[found:], found + 1):
            step(connection, database.dialect)
            connection.exec_driver_sql(f"INSERT INTO schema VALUES ({number:d}, {int(now):d})")  # noqa: S608  numbers
    return found


def insist_current(database: Database) -> None:
    """Nothing, if the tables are of this software's version.

    Raises:
        RegistryError: If not.
    """
    found = version_of(database)
    if found != VERSION:
        msg = f"the registry has schema version {found}, this software needs {VERSION}: start the service once"
        raise RegistryError(msg)


def _version(connection: Connection, database: Database) -> int:
    if not database.engine.dialect.has_table(connection, "schema"):
        return 0
    return int(connection.exec_driver_sql("SELECT coalesce(max(version), 0) FROM schema").scalar() or 0)
