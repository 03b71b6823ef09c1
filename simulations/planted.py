"""Anomalies planted into claims, so that it can be measured who finds them; what was planted is kept apart.

Four kinds, in equal numbers: a dearer procedure billed than was done, fees raised, a stay that does not fit what was
billed, and a claim handed in again with other dates. Everything else of a claim stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from client.claims.mapping import DATES, ClaimMapping
from simulations.sheet import Column, Places, Sheet

PERSON, ADMITTED = "planted_person", "planted_admitted"
"""Columns added where a table has no person or no admission: without them nothing could be seen to come twice."""

DEARER = (1.5, 5.0)
"""What the procedure billed instead costs, over the claim's own amount."""

RAISED = (1.5, 4.0)
LONGER, LONGER_DAYS, LONGEST_DAYS = (4.0, 10.0), 20, 300
LONG_DAYS = 5
"""A stay this long or longer may become one of no days."""

LATER_DAYS = (1, 10)
ALMOST = 0.05

HALF = 0.5
"""Of the upcoded claims, to which the request was changed as well; of the inflated ones, with one fee raised alone."""

_DRAWS = 60


class Kind(StrEnum):
    """What was planted."""

    UPCODED = "upcoded"
    INFLATED = "inflated"
    STAY = "stay"
    AGAIN = "again"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Planted:
    """Claims with anomalies.

    Guarantees:
        * Equal arguments give equal claims.
        * No column of ``claims`` says what was planted.
        * A claim without a kind stands as it was, and strict ingest takes planted claims as it took them before.

    Attributes:
        claims: Those handed in again come last.
        kinds: What was planted, row by row; empty for a claim as it was.
        mapping: The mapping given, with a person and an admission if it named none.
    """

    claims: pa.Table
    kinds: npt.NDArray[np.str_]
    mapping: ClaimMapping


def plant(
    claims: pa.Table,
    mapping: ClaimMapping,
    *,
    share: float = 0.01,
    seed: int = 0,
    later_days: tuple[int, int] = LATER_DAYS,
    almost: float = ALMOST,
) -> Planted:
    """Plant anomalies of every ``Kind`` into a share of the claims.

    Args:
        claims: As a file holds them.
        mapping: What the columns mean. It must name a main operation, a stay and a discharge.
        share: Of the claims, all kinds together.
        seed: Of what is drawn.
        later_days: By how many days at least and at most a claim handed in again is later.
        almost: By how much, as a share, its amount differs at most.

    Raises:
        ValueError: If the share is not between 0 and 1, or the mapping names too little.
    """
    if not 0 < share < 1:
        msg = f"share must be between 0 and 1, is {share}"
        raise ValueError(msg)
    claims, mapping = _completed(claims, mapping)
    rng = np.random.default_rng([seed, len(claims)])
    sheet = Sheet(claims=claims, mapping=mapping)
    kinds = np.full(len(claims), "", "U16")
    each = round(len(claims) * share / len(Kind))
    for kind, change in _CHANGES.items():
        candidates = np.flatnonzero((kinds == "") & _might_be(sheet, kind))
        kinds[change(sheet, rng.permutation(candidates), each, rng)] = kind
    copied = np.sort(rng.permutation(np.flatnonzero((kinds == "") & _might_be(sheet, Kind.AGAIN)))[:each])
    again = Sheet(claims=sheet.table().take(copied), mapping=mapping)
    _rename(again, sheet[mapping.claim_key[0]])
    _hand_in_again(again, later_days, almost, rng)
    return Planted(
        claims=pa.concat_tables([sheet.table(), again.table()]),
        kinds=np.concatenate([kinds, np.full(len(copied), Kind.AGAIN, "U16")]),
        mapping=mapping,
    )


def _completed(claims: pa.Table, mapping: ClaimMapping) -> tuple[pa.Table, ClaimMapping]:
    """With a person and an admission, if there were none."""
    fields = dict(mapping.fields)
    if (
        mapping.operations is None
        or mapping.operations.main is None
        or not {"act_ipt_days", "dscg_time"} <= set(fields)
    ):
        msg = "the mapping must name a main operation, a stay and a discharge"
        raise ValueError(msg)
    changes: dict[str, object] = {"fields": fields}
    if mapping.person_key == "each_claim":
        claims = claims.append_column(PERSON, pa.array(np.arange(len(claims))))
        changes["person_key"] = (PERSON,)
    if "adm_time" not in fields:
        discharged = claims[fields["dscg_time"]].to_numpy().astype("datetime64[s]")
        stays = claims[fields["act_ipt_days"]].to_numpy().astype("timedelta64[D]")
        claims = claims.append_column(ADMITTED, pa.array(discharged - stays))
        fields["adm_time"] = ADMITTED
    return claims, ClaimMapping.model_validate(mapping.model_dump() | changes)


def _might_be(sheet: Sheet, kind: Kind) -> npt.NDArray[np.bool_]:
    """Where a kind makes sense."""
    found = sheet.total > 1
    if kind is Kind.UPCODED:
        found &= np.array([code is not None for code in sheet.operation])
    return np.asarray(found, np.bool_)


def _upcode(sheet: Sheet, order: Places, n: int, rng: np.random.Generator) -> Places:
    """Bill a procedure that others with a diagnosis of the same chapter had, at its price."""
    rows, donors = _with_dearer(sheet, order, n, rng)
    operations, fees, totals = sheet.operation[donors], sheet.fees(donors), sheet.total[donors]
    both = rng.random(len(rows)) < HALF
    for name in _asked_for(sheet):
        sheet[name][rows[both]] = operations[both]
    sheet.operation[rows] = operations
    sheet.charge(rows, fees, totals)
    return rows


def _with_dearer(sheet: Sheet, order: Places, n: int, rng: np.random.Generator) -> tuple[Places, Places]:
    """Claims, in this order, and for each another one to take the procedure from; at most ``n``."""
    totals, chapters = sheet.total, np.array([str(code)[:1] for code in sheet[sheet.mapping.diagnoses.columns[0]]])
    pools = {chapter: np.sort(order[chapters[order] == chapter]) for chapter in np.unique(chapters[order])}
    found: list[tuple[int, int]] = []
    for row in order:
        if len(found) == n:
            break
        drawn = rng.choice(pools[chapters[row]], _DRAWS)
        ratio = totals[drawn] / totals[row]
        fits = (ratio >= DEARER[0]) & (ratio <= DEARER[1]) & (sheet.operation[drawn] != sheet.operation[row])
        if fits.any():
            found.append((int(row), int(drawn[np.argmax(fits)])))
    rows, donors = np.array(found, np.intp).reshape(-1, 2).T
    return rows, donors


def _asked_for(sheet: Sheet) -> tuple[str, ...]:
    """The column of the procedure that was asked for, where the first other operation is that."""
    operations = sheet.mapping.operations
    return operations.others[:1] if operations is not None and operations.system == "sigtap" else ()


def _inflate(sheet: Sheet, order: Places, n: int, rng: np.random.Generator) -> Places:
    """Raise all fees of a claim, or its largest one only."""
    rows = order[:n]
    totals, fees = sheet.total[rows], sheet.fees(rows)
    factors = np.exp(rng.uniform(np.log(RAISED[0]), np.log(RAISED[1]), len(rows)))
    single = (rng.random(len(rows)) < HALF) & (len(fees) > 0)
    raised = fees * np.where(single, 1.0, factors)
    if len(fees):
        raised[fees.argmax(axis=0), np.arange(len(rows))] += np.where(single, totals * (factors - 1), 0.0)
    sheet.charge(rows, raised, totals * factors)
    return rows


def _misstay(sheet: Sheet, order: Places, n: int, rng: np.random.Generator) -> Places:
    """Lengthen a stay many times, or let nothing be left of a long one; the bill stays."""
    stays = sheet.named("act_ipt_days").astype(np.float64)
    rows = np.concatenate([order[stays[order] >= LONG_DAYS][: n // 2], order[stays[order] < LONG_DAYS][: n - n // 2]])
    longer = np.maximum(stays[rows] * rng.uniform(*LONGER, len(rows)), stays[rows] + LONGER_DAYS)
    days = np.where(stays[rows] >= LONG_DAYS, 0, np.minimum(np.round(longer), LONGEST_DAYS))
    sheet.named("act_ipt_days")[rows] = days
    discharged = sheet.named("dscg_time")[rows]
    sheet.named("adm_time")[rows] = discharged - days.astype("timedelta64[D]").astype("timedelta64[s]")
    return rows


_CHANGES: Mapping[Kind, Callable[[Sheet, Places, int, np.random.Generator], Places]] = {
    Kind.UPCODED: _upcode,
    Kind.INFLATED: _inflate,
    Kind.STAY: _misstay,
}


def _rename(sheet: Sheet, taken: Column) -> None:
    """Give claims keys that none has: further numbers, or names with a letter more."""
    key = sheet[sheet.mapping.claim_key[0]]
    if np.issubdtype(key.dtype, np.integer):
        key[:] = taken.max() + 1 + np.arange(len(key))
    else:
        key[:] = [f"{one}R" for one in key]


def _hand_in_again(sheet: Sheet, later_days: tuple[int, int], almost: float, rng: np.random.Generator) -> None:
    """Dates some days later, almost the same amount; the rest stays, the person above all."""
    n = len(sheet.claims)
    later = rng.integers(later_days[0], later_days[1] + 1, n).astype("timedelta64[D]").astype("timedelta64[s]")
    for name in {sheet.mapping.fields[one] for one in DATES if one in sheet.mapping.fields}:
        sheet[name][:] = sheet[name] + later
    factors, rows = rng.uniform(1 - almost, 1 + almost, n), np.arange(n)
    sheet.charge(rows, sheet.fees(rows) * factors, sheet.total * factors)
