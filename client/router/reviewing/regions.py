"""Where claims of each region went, month by month: counts that may be shown to others, and no smaller ones.

Guarantees:
    * A count of 1 to ``FLOOR - 1`` is not shown, and none that one could be reckoned from with the sums that are shown:
      where it would be the only one missing in a line or a column, the next smallest is withheld beside it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from client.router.store.decisions import LANES
from client.router.store.store import Store

FLOOR = 11
"""The smallest count that is shown, but for none at all."""

SMALL, WITHHELD = f"<{FLOOR}", "*"

Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionMonth:
    """Decisions of one month about claims of one region.

    Attributes:
        region: As the claims name it; None where they do not.
        month: Of the decisions, UTC, such as ``2026-03``.
        claims: How many; or why that is not said. So are ``lanes``.
        lanes: In the order of ``LANES``.
    """

    region: str | None
    month: str
    claims: int | str
    lanes: tuple[int | str, ...]

    def shares(self) -> tuple[float | None, ...]:
        """Of each lane; None where one of the two counts is not said."""
        whole = self.claims
        return tuple(
            lane / whole if isinstance(lane, int) and isinstance(whole, int) and whole else None for lane in self.lanes
        )


def regional(store: Store) -> tuple[RegionMonth, ...]:
    """All regions and months with decisions, in their order; what names no region comes last."""
    counts = Counter((*_place(record), kept.lane) for kept, record in store.decisions.everything())
    return region_months(counts)


def region_months(counts: Counter[tuple[str | None, str, str]]) -> tuple[RegionMonth, ...]:
    """From counts by region, month and lane."""
    places = sorted({one[:2] for one in counts}, key=lambda one: (one[0] is None, one))
    table = np.array([[counts[*place, lane] for lane in LANES] for place in places], np.int64).reshape(-1, len(LANES))
    held = np.column_stack((table, table.sum(axis=1)))
    hidden = withheld(held)
    return tuple(
        RegionMonth(region=region, month=month, claims=cells[-1], lanes=tuple(cells[:-1]))
        for (region, month), cells in zip(places, map(_cells, held, hidden), strict=True)
    )


def withheld(held: Counts) -> Flags:
    """Which counts are not shown.

    Args:
        held: ``(n, lanes + 1)``, the last column the sum of the others; the sums of the columns are known.
    """
    hidden: Flags = (held > 0) & (held < FLOOR)
    before = -1
    while before != (before := int(hidden.sum())):
        _hide_a_second(held.T, hidden.T)  # first among the sums: what is withheld there often is enough
        _hide_a_second(held, hidden)
    return hidden


def _hide_a_second(held: Counts, hidden: Flags) -> None:
    """Where one count is missing in a line, withhold the smallest that is left there."""
    for line in np.flatnonzero(hidden.sum(axis=1) == 1):
        left = np.flatnonzero(~hidden[line] & (held[line] > 0))
        if len(left):
            hidden[line, left[np.argmin(held[line, left])]] = True


def _cells(counts: Counts, hidden: Flags) -> list[int | str]:
    shown: Iterable[tuple[int, bool]] = zip(counts.tolist(), hidden.tolist(), strict=True)
    return [count if not hides else SMALL if count < FLOOR else WITHHELD for count, hides in shown]


def _place(record: bytes) -> tuple[str | None, str]:
    """Region and month of a decision."""
    held = json.loads(record)
    return held.get("region"), datetime.fromtimestamp(held["decided_at"], UTC).strftime("%Y-%m")
