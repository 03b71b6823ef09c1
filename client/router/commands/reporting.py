"""``fedclaims-bureau router report``: lanes against verdicts, and lanes by region and month.

Exit codes: 0 done; 2 wrong options; 3 a file needs mending; 7 the store failed.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from client.router.clocks import behind_text
from client.router.commands.deciding import as_json, command, console, say
from client.router.deciding.wording import Words
from client.router.desk import Desk
from client.router.registers import UNHEARD
from client.router.reviewing.page import report_page
from client.router.reviewing.regions import RegionMonth, regional
from client.router.reviewing.report import LaneReport, lane_reports
from client.router.reviewing.telling import Told, lanes_told, regions_told
from client.router.router import now
from client.router.store.decisions import LANES
from client.router.store.wrong_clocks import declared, declared_text
from client.router.whole import whole_file

NOT_HEARD = Words("尚未指定拒绝自动化的登记册，因此参保人的拒绝无从得知。", UNHEARD)


def add_report(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``report`` to the commands below ``router``."""
    report = command(commands, "report", "how often lanes were right, and where claims of each region went", _report)
    report.add_argument("--html", type=Path, metavar="FILE", help="write a page to a new file, its owner's alone")
    report.add_argument("--language", choices=("zh", "en"), default="en", help="of tables and page (default: en)")
    report.add_argument("--json", action="store_true", help="print JSON")


def _report(arguments: argparse.Namespace) -> None:
    with Desk.open(arguments.dir) as desk:
        lanes, regions = lane_reports(desk.store), regional(desk.store)
        unheard = desk.configuration.registers.opted_out is None
        behind = behind_text(now(), desk.store.decisions.latest())
        told = declared(desk.store.engine)
    tables = lanes_told(lanes, arguments.language), regions_told(regions, arguments.language)
    notes = [*([NOT_HEARD.of(arguments.language)] if unheard else []), *([behind] if behind else [])]
    notes += map(declared_text, told)
    if arguments.html is not None:
        with whole_file(arguments.html) as file:
            file.write(report_page(tables, notes, arguments.language).encode())
    if arguments.json:
        clock = {"behind": behind or None, "declared": [dataclasses.asdict(one) for one in told]}
        held = {"lanes": [_lane(one) for one in lanes], "regions": [_region(one) for one in regions], "clock": clock}
        say(as_json(held))
    else:
        _show(tables, notes)


def _show(tables: Sequence[Told], notes: Sequence[str]) -> None:
    for told in tables:
        table = Table(*told.head, title=told.title)
        for row in told.rows:
            table.add_row(*row)
        console().print(table)
        say(told.note)
    for note in notes:
        say(note)


def _lane(one: LaneReport) -> dict[str, object]:
    verdicts = {verdict.value: count for verdict, count in one.verdicts.items()}
    shares = {"share_routine": one.share_routine, "share_wrong": one.share_wrong}
    return {"lane": one.lane, "decided": one.decided, "verdicts": verdicts} | shares


def _region(one: RegionMonth) -> dict[str, object]:
    lanes, shares = dict(zip(LANES, one.lanes, strict=True)), dict(zip(LANES, one.shares(), strict=True))
    return {"region": one.region, "month": one.month, "claims": one.claims, "lanes": lanes, "shares": shares}
