"""Approved drafts as a file for whoever executes payments."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from client.ledger.durable import PRIVATE
from client.router.drafts.book import Held
from client.router.drafts.draft import Status
from common.errors import InputError

COLUMNS: tuple[str, ...] = (
    "draft_id", "claim_key", "decision_id", "medfee_sumamt", "fund_pay_sumamt", "psn_part_amt", "hosp_part_amt",
    "rounding", "approved_by_first", "approved_by_second",
)  # fmt: skip
"""Amounts are in yuan with two decimals, under the settlement interface's names."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export(held: Iterable[Held], path: Path) -> int:
    """Write approved drafts to a new file, CSV or JSON lines by its ending; how many there are.

    Guarantees:
        * Drafts that two people have not approved are left out, and so are withdrawn ones.
        * The file is the owner's alone, is on the disk when this returns, and replaces nothing.

    Raises:
        InputError: If the ending is neither ``.csv`` nor ``.jsonl``, or the file exists or cannot be written.
    """
    if path.suffix not in {".csv", ".jsonl"}:
        msg = f"{path} must end in .csv or .jsonl"
        raise InputError(msg)
    rows = [_row(one) for one in held if one.status is Status.APPROVED]
    try:
        with open(path, "x", encoding="utf-8", newline="", opener=_private) as file:
            if path.suffix == ".csv":
                table = csv.writer(file)
                table.writerow(COLUMNS)
                table.writerows([[_plain(value) for value in row.values()] for row in rows])
            else:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        msg = f"{path} exists already; name another file"
        raise InputError(msg) from None
    except OSError:
        msg = f"{path} cannot be written; check that its folder exists and the disk has room"
        raise InputError(msg) from None
    return len(rows)


def yuan(fen: int) -> str:
    """An amount as a bill writes it: two decimals."""
    return f"{Decimal(fen).scaleb(-2):.2f}"


def _row(held: Held) -> dict[str, str]:
    draft = held.draft
    amounts = (draft.total_fen, draft.fund_fen, draft.person_fen, draft.hospital_fen, draft.rounding_fen)
    said = (draft.draft_id, draft.claim_key, draft.decision_id, *map(yuan, amounts), *held.approved_by)
    return dict(zip(COLUMNS, said, strict=True))


def _plain(value: str) -> str:
    """A spreadsheet would compute a key that looks like a formula; amounts below zero are no formulas."""
    looks = value.startswith(_FORMULA) and not value[1:].replace(".", "").isdecimal()
    return "'" + value if looks else value


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE)
