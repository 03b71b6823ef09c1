"""Files of claims through the router, batch by batch, into one file of decisions."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from client.claims.ingest import Ingest, IngestReport
from client.ledger.durable import sync_directory
from client.router.answers import Answers
from client.router.claims import RoutedClaims
from client.router.files import routed
from client.router.router import Router
from common.errors import EngineError, InputError

AT_ONCE = 16_384
"""Claims of one commit."""

COLUMNS = ("claim_key", "decision_id", "lane", "confidence", "reasons")
_SCHEMA = pa.schema([(name, pa.float64() if name == "confidence" else pa.string()) for name in COLUMNS])


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteReport:
    """What became of the rows of some files.

    Attributes:
        ingest: Rows that became claims, and why others did not.
        lanes: Claims by lane.
        again: Claims that had been decided before; they got the same decision.
    """

    ingest: IngestReport
    lanes: Mapping[str, int] = field(default_factory=dict)
    again: int = 0

    def to_json(self) -> str:
        """For programs."""
        held = {
            "rows": self.ingest.seen,
            "claims": self.ingest.accepted,
            "lanes": dict(self.lanes),
            "decided_before": self.again,
            "rejected": {str(reason): count for reason, count in self.ingest.rejected.items()},
            "netted": self.ingest.netted,
        }
        return json.dumps(held, indent=2)


def route(router: Router, ingest: Ingest, out: Path, seen: Callable[[int], None] = lambda _: None) -> RouteReport:
    """Decide about all claims of an ingest, and write one line a claim, in their order.

    Guarantees:
        * After a crash the same call goes on: what was decided is not decided again, and the file gets all lines.
        * The file is whole, or it is not there.
        * Memory does not grow with the number of claims, beyond what ingest and the rules remember.

    Args:
        router: Open.
        ingest: Hands out particulars.
        out: A new file: ``.parquet``, ``.csv``, or ``.jsonl`` with the whole records.
        seen: Is told how many claims are through.

    Raises:
        InputError: If the file exists, or its ending is none of these.
    """
    lanes: Counter[str] = Counter({"FAST": 0, "REVIEW": 0, "HUMAN": 0, "HOLD": 0})
    again = through = 0
    with _writing(out) as lines:
        for claims, answers in router.decide_all(_pieces(router, ingest)):
            lines.write(claims.claim_keys, answers)
            lanes.update(answers.lanes)
            again += int((~answers.fresh).sum())
            through += len(claims)
            seen(through)
    return RouteReport(ingest=ingest.report, lanes=dict(lanes), again=again)


def _pieces(router: Router, ingest: Ingest) -> Iterator[RoutedClaims]:
    for found in ingest:
        claims = routed(found, router.registers)
        for start in range(0, len(claims), AT_ONCE):
            yield claims.select(np.arange(start, min(start + AT_ONCE, len(claims))))


class _Lines(Protocol):
    def write(self, claim_keys: Sequence[str], answers: Answers) -> None: ...

    def close(self) -> None: ...


class _Parquet:
    def __init__(self, path: Path) -> None:
        self._writer = pq.ParquetWriter(path, _SCHEMA)

    def write(self, claim_keys: Sequence[str], answers: Answers) -> None:
        confidences = pa.array(answers.confidences, pa.float64(), from_pandas=True)  # NaN becomes null
        texts = (claim_keys, answers.decision_ids, answers.lanes, confidences, answers.reasons)
        self._writer.write_table(pa.table([pa.array(one) for one in texts], schema=_SCHEMA))

    def close(self) -> None:
        self._writer.close()


class _Csv:
    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(COLUMNS)

    def write(self, claim_keys: Sequence[str], answers: Answers) -> None:
        given = ["" if np.isnan(one) else repr(one) for one in answers.confidences.tolist()]
        self._writer.writerows(
            zip(claim_keys, answers.decision_ids, answers.lanes, given, answers.reasons, strict=True)
        )

    def close(self) -> None:
        self._file.close()


class _Records:
    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def write(self, claim_keys: Sequence[str], answers: Answers) -> None:
        del claim_keys  # stands in each record
        self._file.writelines(record + b"\n" for record in answers.records)

    def close(self) -> None:
        self._file.close()


_KINDS: dict[str, Callable[[Path], _Lines]] = {".parquet": _Parquet, ".csv": _Csv, ".jsonl": _Records}


@contextmanager
def _writing(out: Path) -> Iterator[_Lines]:
    """A new file that gets its name when it is whole."""
    if out.suffix not in _KINDS or out.exists():
        msg = f"{out} exists already or is none of {', '.join(_KINDS)}: name a new file"
        raise InputError(msg)
    part = out.with_name(f".{out.name}.part")
    try:
        lines: Any = _KINDS[out.suffix](part)
        try:
            yield lines
        finally:
            lines.close()
        part.replace(out)
        sync_directory(out.parent)
    except OSError:
        msg = f"{out} could not be written: free some space, or name another folder; then run the same command again"
        raise EngineError(msg) from None
    finally:
        part.unlink(missing_ok=True)
