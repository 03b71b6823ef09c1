"""``fedclaims-bureau drafts``: look at payment drafts, approve them, hand out the approved ones. Nothing is executed.

Exit codes: 0 all is well; 3 there is no such draft or file; 5 two different people must approve; 7 the store failed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import chain, islice
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from client.router.drafts.book import DraftBook, Held
from client.router.drafts.draft import Status
from client.router.drafts.exporting import export, yuan
from client.router.drafts.withholding import Without

MOST_SHOWN = 1_000

WITHHELD = "withheld"
"""Stands for the status of a FAST claim that has no draft."""

_AMOUNTS = ("total yuan", "fund", "person", "hospital", "rounding")

Opening = Callable[[Path], Engine]
"""From a router's directory to its database."""


def add_drafts_command(commands: argparse._SubParsersAction[argparse.ArgumentParser], opening: Opening) -> None:
    """Add ``drafts`` with ``list``, ``approve`` and ``export`` to the commands; ``run`` is what to call."""
    drafts = commands.add_parser("drafts", help="payment drafts of FAST claims", description=__doc__)
    below = drafts.add_subparsers(dest="drafts_command", required=True)
    shown = below.add_parser("list", help="show drafts and who approved them")
    shown.add_argument("--status", choices=[*(one.value for one in Status), WITHHELD], help="only these")
    shown.add_argument("--json", action="store_true", help="print JSON lines, all of them")
    shown.set_defaults(run=_with_book(opening, _list))
    approve = below.add_parser("approve", help="put a name under drafts; two different people must")
    approve.add_argument("draft", nargs="+", help="identities, as `drafts list` shows them")
    approve.add_argument("--by", required=True, metavar="NAME", help="who approves")
    approve.set_defaults(run=_with_book(opening, _approve))
    exported = below.add_parser("export", help="write the approved drafts to a new file")
    exported.add_argument("file", type=Path, help="ends in .csv or .jsonl")
    exported.set_defaults(run=_with_book(opening, _export))
    for parser in (approve, exported):
        parser.add_argument("--json", action="store_true", help="print JSON")
    for parser in (shown, approve, exported):
        parser.add_argument("--dir", type=Path, default=Path("router"), help="the router's directory (default: router)")


def _with_book(
    opening: Opening, run: Callable[[DraftBook, argparse.Namespace], None]
) -> Callable[[argparse.Namespace], None]:
    def started(arguments: argparse.Namespace) -> None:
        with _book(opening, arguments.dir) as book:
            run(book, arguments)

    return started


@contextmanager
def _book(opening: Opening, directory: Path) -> Iterator[DraftBook]:
    engine = opening(directory)
    try:
        yield DraftBook(engine)
    finally:
        engine.dispose()


def _list(book: DraftBook, arguments: argparse.Namespace) -> None:
    held = _wanted(book, arguments.status)
    withheld = book.withheld() if arguments.status in {None, WITHHELD} else []
    if arguments.json:
        for said in chain(map(_as_dict, held), map(_as_withheld, withheld)):
            print(json.dumps(said, ensure_ascii=False))  # noqa: T201 - this is what a command is for
        return
    console = Console()
    _show(held, withheld, console if console.is_terminal else Console(width=160, no_color=True))


def _wanted(book: DraftBook, status: str | None) -> Iterator[Held]:
    return iter(()) if status == WITHHELD else book.all(Status(status) if status else None)


def _show(held: Iterator[Held], withheld: Sequence[Without], console: Console) -> None:
    table = Table("draft", "claim", *_AMOUNTS, "status", "approved by")
    counts: Counter[str] = Counter()
    for one in islice(held, MOST_SHOWN):
        draft = one.draft
        amounts = (draft.total_fen, draft.fund_fen, draft.person_fen, draft.hospital_fen, draft.rounding_fen)
        table.add_row(draft.draft_id, draft.claim_key, *map(yuan, amounts), _told(one), ", ".join(one.approved_by))
        counts[one.status] += 1
    more = sum(1 for _ in held)
    for without in withheld[:MOST_SHOWN]:
        table.add_row("-", without.claim_key, *[""] * len(_AMOUNTS), f"{WITHHELD}: {without.reason}", "")
    if withheld:
        counts[WITHHELD] = len(withheld)
    console.print(table)
    told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "no drafts"
    console.print(f"{told}." + (f" {more} more; --json shows all." if more else ""))


def _approve(book: DraftBook, arguments: argparse.Namespace) -> None:
    found = {one: book.approve(one, arguments.by, int(time.time())).status.value for one in arguments.draft}
    said = "\n".join(f"{draft_id} {status}" for draft_id, status in found.items())
    print(json.dumps(found) if arguments.json else said)  # noqa: T201


def _export(book: DraftBook, arguments: argparse.Namespace) -> None:
    written = export(book.all(Status.APPROVED), arguments.file)
    said = f"{written} approved drafts are in {arguments.file}. Nothing was paid."
    print(json.dumps({"drafts": written, "out": str(arguments.file)}) if arguments.json else said)  # noqa: T201


def _told(held: Held) -> str:
    return held.status if held.withdrawn is None else f"{held.status}: {held.withdrawn}"


def _as_dict(held: Held) -> dict[str, object]:
    said = {"status": held.status.value, "reason": held.withdrawn, "approved_by": held.approved_by}
    return {**held.draft.model_dump(), **said}


def _as_withheld(one: Without) -> dict[str, object]:
    return {**asdict(one), "status": WITHHELD}
