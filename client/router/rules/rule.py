"""What a rule is: parameters from the bureau's policy, and a search over a whole batch of claims at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from pydantic import Field as Limit

from client.router.claims import RoutedClaims
from client.router.registers import Registers
from client.router.rules.digest import NOTHING, reference
from client.router.rules.event import NO_DAY, Events, Field, one_of
from client.router.rules.finding import RuleText
from client.router.rules.history import Others, Rows

INPATIENT: tuple[str, ...] = ("21", "22", "23", "24", "52")
"""Kinds of visit with a stay: ordinary, injury, transferred, from emergency, childbirth. Provinces add more."""

MOST_REFERENCES = 5
"""Other claims that one finding names."""

Mask = npt.NDArray[np.bool_]
Kinds = Annotated[tuple[str, ...], Limit(min_length=1, max_length=64, strict=False)]
Register = Literal["deaths", "requested_operations", "drug_items"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """To which cluster claims belong, and what is usual there, from the accepted model.

    Attributes:
        cluster: int32 ``(n,)``; ``MISSING`` for a claim without one.
        usual: float64 ``(K, 14)``; usual share of every fee category, see ``client.router.rules.usual``.
    """

    cluster: npt.NDArray[np.int32]
    usual: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything a rule sees of a batch.

    Attributes:
        claims: The batch.
        events: Of its claims, one a row.
        others: What they must be compared with: earlier claims, and those of the same batch.
        registers: What else the bureau knows.
        assigned: Their clusters, where an accepted model is at hand.
    """

    claims: RoutedClaims
    events: Events
    others: Others
    registers: Registers
    assigned: Assigned | None = None

    def inpatient(self, kinds: tuple[str, ...]) -> Mask:
        """Which claims are for a stay: by their kind of visit, or where none is given by a stay of days."""
        unsaid = self.events[:, Field.VISIT] == NOTHING
        stays: Mask = one_of(self.events[:, Field.VISIT], kinds) | (unsaid & (self.claims.table.stay_days > 0))
        return stays


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """What a rule found: at most one finding a claim.

    Attributes:
        rows: intp ``(m,)``, ascending; the claims.
        amounts: int64 ``(m,)``, fen; what is concerned of each.
        evidence: Of each, ``name=value`` with semicolons between.
    """

    rows: Rows
    amounts: npt.NDArray[np.int64]
    evidence: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse what cannot be laid next to other rules' hits."""
        if not (len(self.rows) == len(self.amounts) == len(self.evidence)) or (np.diff(self.rows) <= 0).any():
            msg = "hits need one amount and one evidence each, and rows in ascending order, none twice"
            raise ValueError(msg)


NO_HITS = Hits(rows=np.empty(0, np.intp), amounts=np.empty(0, np.int64), evidence=())


class Rule(BaseModel, ABC):
    """One rule with its parameters. A bureau's own rule derives from this and is registered in ``table``.

    Guarantees (that every rule must keep):
        * A claim's finding depends on that claim, the other claims of that person and the registers: not on the
          order of the batch.

    Attributes:
        kind: Its name in the policy.
        enabled: Whether it runs.
        hard: Whether a hit holds the claim before payment (lane HOLD); else it is reviewed. Nothing is rejected.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    text: ClassVar[RuleText]
    needs: ClassVar[Register | None] = None

    kind: str
    enabled: bool = True
    hard: bool = False

    @abstractmethod
    def find(self, seen: Seen) -> Hits:
        """The claims against which something is found."""


def is_stay(events: Events, kinds: tuple[str, ...]) -> Mask:
    """Claims with both days of a stay, of one of these kinds of visit, or of none and over night."""
    admitted, discharged = events[:, Field.ADMITTED], events[:, Field.DISCHARGED]
    over_night = (events[:, Field.VISIT] == NOTHING) & (discharged > admitted)
    stays: Mask = (one_of(events[:, Field.VISIT], kinds) | over_night) & (admitted != NO_DAY) & (discharged != NO_DAY)
    return stays


def hits_where(seen: Seen, found: Mask, evidence: Iterable[str]) -> Hits:
    """Hits on some claims, with their whole amounts; ``evidence`` comes in the order of the rows."""
    rows = np.flatnonzero(found)
    return Hits(rows=rows, amounts=whole_amounts(seen, rows), evidence=tuple(evidence))


def hits_of_pairs(seen: Seen, found: Mask) -> Hits:
    """Hits on the claims of some pairs, with their whole amounts; the evidence names the other claims."""
    pairs = np.flatnonzero(found)
    named: dict[int, set[int]] = {}
    rows_of, claims_of = seen.others.rows[pairs].tolist(), seen.others.events[pairs, Field.CLAIM].tolist()
    for row, claim in zip(rows_of, claims_of, strict=True):
        named.setdefault(row, set()).add(claim)
    rows = np.array(sorted(named), np.intp)
    evidence = tuple(_references(sorted(map(reference, named[row]))) for row in rows.tolist())
    return Hits(rows=rows, amounts=whole_amounts(seen, rows), evidence=evidence)


def whole_amounts(seen: Seen, rows: Rows) -> npt.NDArray[np.int64]:
    """The total amounts of some claims; 0 for a refund."""
    return np.maximum(seen.claims.table.total[rows], 0)


def _references(names: Sequence[str]) -> str:
    more = len(names) - MOST_REFERENCES
    return f"claims={','.join(names[:MOST_REFERENCES])}" + (f";more={more}" if more > 0 else "")
