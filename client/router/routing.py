"""Files of claims through the router, batch by batch, into one file of decisions."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from client.claims.ingest import Ingest, IngestReport
from client.claims.rejects import safe_cell
from client.router.answers import Answers
from client.router.claims import RoutedClaims
from client.router.files import routed
from client.router.router import Router
from client.router.whole import whole_file
from common.errors import InputError

AT_ONCE = 16_384
"""Claims of one commit."""

COLUMNS = ("claim_key", "decision_id", "lane", "confidence", "reasons", "tags")
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
        * The file is whole, or it is not there, and its owner's alone.
        * No cell of a CSV file starts like a spreadsheet formula: such cells get a leading ``'``.
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
    def __init__(self, file: BinaryIO) -> None:
        self._writer = pq.ParquetWriter(file, _SCHEMA)

    def write(self, claim_keys: Sequence[str], answers: Answers) -> None:
        confidences = pa.array(answers.confidences, pa.float64(), from_pandas=True)  # NaN becomes null
        texts = (claim_keys, answers.decision_ids, answers.lanes, confidences, answers.reasons, answers.tags)
        self._writer.write_table(pa.table([pa.array(one) for one in texts], schema=_SCHEMA))

    def close(self) -> None:
        self._writer.close()


class _Csv:
    def __init__(self, file: BinaryIO) -> None:
        self._file = io.TextIOWrapper(file, encoding="utf-8", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(COLUMNS)

    def write(self, claim_keys: Sequence[str], answers: Answers) -> None:
        given = ["" if np.isnan(one) else repr(one) for one in answers.confidences.tolist()]
        keys = map(safe_cell, claim_keys)
        told = (answers.decision_ids, answers.lanes, given, answers.reasons, answers.tags)
        self._writer.writerows(zip(keys, *told, strict=True))

    def close(self) -> None:
        self._file.detach()


class _Records:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, claim_keys: Sequence[str], answers: Answers) -> None:
        del claim_keys  # stands in each record
        self._file.writelines(record + b"\n" for record in answers.records)

    def close(self) -> None:
        self._file.flush()


_KINDS: dict[str, Callable[[BinaryIO], _Lines]] = {".parquet": _Parquet, ".csv": _Csv, ".jsonl": _Records}


@contextmanager
def _writing(out: Path) -> Iterator[_Lines]:
    """A new file that gets its name when it is whole."""
    if out.suffix not in _KINDS:
        msg = f"{out} is none of {', '.join(_KINDS)}: name a new file with one of these endings"
        raise InputError(msg)
    with whole_file(out) as file:
        lines: Any = _KINDS[out.suffix](file)
        try:
            yield lines
        finally:
            lines.close()
