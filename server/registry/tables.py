"""The registry's tables as statements name them; what they are made of stands in ``server.registry.schema``."""

from __future__ import annotations

from sqlalchemy import TableClause, column, table

FACTS = table("facts", column("name"), column("held"))
MODELS: TableClause = table(
    "models",
    *(column(name) for name in ("version", "previous_version", "previous", "digest", "publication", "model", "issued")),
)
RUN_COLUMNS = (
    *("number", "code", "wanted_by", "purpose", "tick", "ordered", "state", "started", "ended", "reason", "flower_run"),
    *("process", "session", "fingerprint", "roster_version", "cohort", "lost", "refused", "heads", "model"),
)
RUNS: TableClause = table("runs", *(column(name) for name in (*RUN_COLUMNS, "under_way")))
ROUND_COLUMNS = ("number", "phase", "n_centroids", "bytes_down", "bytes_up", "inertia", "cost", "closed")
ROUNDS: TableClause = table("rounds", *(column(name) for name in ("run", "place", *ROUND_COLUMNS)))
TRANSCRIPTS: TableClause = table("transcripts", *(column(name) for name in ("run", "path", "sha256", "bytes")))
NODE_COLUMNS = ("id", "name", "public_key", "bundle", "admitted", "revoked", "node", "seen")
NODES: TableClause = table("nodes", *(column(name) for name in (*NODE_COLUMNS, "live")))
TICK_COLUMNS = ("stream", "number", "since", "closes", "noted", "run", "reason")
TICKS: TableClause = table("ticks", *(column(name) for name in TICK_COLUMNS))
ALERTS: TableClause = table(
    "alerts", *(column(name) for name in ("version", "place", "noted", "held", "written", "posted"))
)
