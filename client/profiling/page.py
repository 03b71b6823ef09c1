"""What ``profile`` prints: tables on a terminal, the same as plain text elsewhere, or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from client.claims.ingest import IngestReport
from client.profiling.columns import ColumnProfile, FileProfile

_FEW = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything ``profile`` found out.

    Attributes:
        file: The columns.
        mapping_name: Which mapping the outcome belongs to.
        mapping_toml: The proposed mapping; None if one was given.
        outcome: What that mapping makes of all rows; None if it does not fit.
        problem: Why it does not fit.
        unmapped: Columns that the mapping does not read.
        fitting: Ready-made mappings whose columns the file has.
    """

    file: FileProfile
    mapping_name: str
    mapping_toml: str | None
    outcome: IngestReport | None
    problem: str | None
    unmapped: tuple[str, ...]
    fitting: tuple[str, ...]


def as_json(page: Page) -> str:
    """The page as one JSON object."""
    return json.dumps(asdict(page), ensure_ascii=False, indent=2)


def show(page: Page, console: Console) -> None:
    """Print the page."""
    rows = f"{page.file.rows:,} rows" if page.file.whole else f"the first {page.file.rows:,} rows"
    console.print(_columns_table(page.file.columns, f"Columns ({rows})"))
    console.print("Quantiles are rounded; only values that at least 11 rows share are shown.", style="dim")
    if page.file.identifiers:
        names = escape(", ".join(page.file.identifiers))
        console.print(f"Columns that identify persons, not read: {names}", style="bold red")
    _show_ill_formed(page.file.columns, console)
    for name in page.fitting:
        console.print(f"The ready-made mapping {name} fits this file: try --mapping {name}", style="bold green")
    if page.mapping_toml is not None:
        console.rule("Proposed mapping")
        console.print(page.mapping_toml, markup=False, highlight=False, soft_wrap=True)
    console.rule(f"What mapping {escape(page.mapping_name)} makes of the file")
    if page.problem is not None:
        console.print(escape(page.problem), style="bold red", soft_wrap=True)
    if page.outcome is not None:
        console.print(_outcome_table(page.outcome))
    if page.unmapped:
        console.print(f"Columns it does not read: {escape(', '.join(page.unmapped))}", soft_wrap=True)


def _columns_table(columns: tuple[ColumnProfile, ...], title: str) -> Table:
    table = Table(title=title, title_justify="left")
    for name in ("column", "type", "looks like"):
        table.add_column(name, overflow="fold")
    table.add_column("missing", justify="right")
    table.add_column("distinct", justify="right")
    table.add_column("5 / 50 / 95 %, or common values", overflow="fold")
    for column in columns:
        counts = (f"{column.missing:.1%}", f"{column.distinct:,}")
        table.add_row(*map(escape, (column.name, column.kind, str(column.shape), *counts, _detail(column))))
    return table


def _detail(column: ColumnProfile) -> str:
    if column.quantiles is not None and not (column.top and column.distinct <= _FEW):
        return " / ".join(f"{quantile:g}" for quantile in column.quantiles)
    return _listed(column.top or column.patterns)


def _listed(counts: tuple[tuple[str, int], ...]) -> str:
    return ", ".join(f"{value} ({count:,})" for value, count in counts)


def _show_ill_formed(columns: tuple[ColumnProfile, ...], console: Console) -> None:
    found = [column for column in columns if column.ill_formed]
    if not found:
        return
    table = Table(
        title="Codes in no accepted form, by pattern (9 a digit, A and a letters, ? other)", title_justify="left"
    )
    table.add_column("column")
    table.add_column("patterns", overflow="fold")
    for column in found:
        table.add_row(escape(column.name), escape(_listed(column.ill_formed)))
    console.print(table)


def _outcome_table(outcome: IngestReport) -> Table:
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    rejected: Mapping[str, int] = {f"refused: {reason}": count for reason, count in sorted(outcome.rejected.items())}
    counts = {"rows": outcome.seen, "claims": outcome.accepted, **rejected, "netted by refunds": outcome.netted}
    for label, count in counts.items():
        table.add_row(label, f"{count:,}")
    return table
