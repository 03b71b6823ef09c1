"""Verdicts from a file: one line a reviewed claim, by its decision's identity or by its key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from client.claims.parsing.keys import normal_key
from client.claims.sources.opening import open_source
from client.router.store.store import Store
from client.router.store.verdicts import Reviewed, Verdict
from common.errors import InputError

MOST_NAME = 64
_NEEDED = ("verdict", "reviewer")
_NAMES = ("decision_id", "claim_key")


def read_feedback(path: Path, store: Store, now: int) -> list[Reviewed]:
    """The verdicts of a CSV or Parquet file.

    Columns: ``verdict`` (routine, improper, reduced, denied, fraud), ``reviewer``, and ``decision_id`` or ``claim_key``
    (then the newest decision about it is meant); ``stratum`` if the bureau looks at some claims apart.

    Raises:
        InputError: If a column is missing, or a line has no known verdict, reviewer or decision; it names the line.
    """
    source = open_source(path)
    names = [name for name in (*_NEEDED, *_NAMES, "stratum") if name in source.schema_names]
    if not set(_NEEDED) <= set(names) or not set(_NAMES) & set(names):
        msg = f"{path.name} needs the columns verdict, reviewer, and decision_id or claim_key"
        raise InputError(msg)
    return [
        _reviewed(line, fields, store, now) for line, fields in enumerate(_lines(source.batches(names), names), start=1)
    ]


def _lines(batches: Iterator[pa.RecordBatch], names: Sequence[str]) -> Iterator[dict[str, str]]:
    for batch in batches:
        for row in batch.to_pylist():
            yield {name: str(row[name] if row[name] is not None else "").strip() for name in names}


def _reviewed(line: int, fields: dict[str, str], store: Store, now: int) -> Reviewed:
    if fields["verdict"] not in set(Verdict) or not 0 < len(fields["reviewer"]) <= MOST_NAME:
        msg = f"line {line}: the verdict is one of {', '.join(Verdict)}, and a reviewer has 1 to {MOST_NAME} characters"
        raise InputError(msg)
    return Reviewed(
        decision_id=_decision(line, fields, store),
        verdict=Verdict(fields["verdict"]),
        reviewer=fields["reviewer"],
        given_at=now,
        stratum=fields.get("stratum", "")[:MOST_NAME],
    )


def _decision(line: int, fields: dict[str, str], store: Store) -> str:
    if name := fields.get("decision_id"):
        return store.decisions.by_id(name).decision_id
    about = store.decisions.of_claim(normal_key(fields.get("claim_key", "")))
    if not about:
        msg = f"line {line}: no decision about this claim was made here; nothing of the file was taken"
        raise InputError(msg)
    return about[-1].decision_id
