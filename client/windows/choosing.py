"""Choosing: which claims of a bureau are in a window. Pure and vectorised; what is not chosen is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.policy import LateEdits
from client.rowstore import RowStore
from client.windows.digests import Digests
from client.windows.entered import Entered, Mask
from client.windows.filtering import Costs, admitted, charges_of
from common.accounting.guarantee import Unit
from common.privacy import Privacy

Seconds = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Claims that a window may be about, in the order of their rows.

    Attributes:
        keys: Digests of their keys ``(n,)``.
        contents: Digests of what stands in them ``(n,)``.
        persons: Pseudonyms of whose they are ``(n,)``.
        arrived: When the bureau received them ``(n,)``, seconds since 1970.
        store: Their rows; whoever asked for them closes it.
    """

    keys: Digests
    contents: Digests
    persons: npt.NDArray[np.uint64]
    arrived: Seconds
    store: RowStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What it costs to be in a window.

    Attributes:
        rho: Of the whole window, units of 1e-9.
        cap: The most that anybody may be charged for windows in 366 days.
        privacy: Of the plan.
        late_edits: Of the policy.
    """

    rho: int
    cap: int
    privacy: Privacy
    late_edits: LateEdits


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was charged in the last 366 days, units of 1e-9 rho.

    Attributes:
        persons: Of each of some persons.
        claims: Of each of some claims, by the digests of their keys.
    """

    persons: Callable[[npt.NDArray[np.uint64]], Costs]
    claims: Callable[[Digests], Costs]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a window is about.

    Attributes:
        places: Of the candidates that are in it, rising.
        persons: Who is charged; nobody where claims are protected.
        charges: What each of them is charged.
        edited: Claims left out because they were changed after they had entered.
        spent: Claims left out because the year of their person, or their own, has too little left.
        late: Claims left out because they arrived when the window had closed.
    """

    places: npt.NDArray[np.intp]
    persons: npt.NDArray[np.uint64]
    charges: Costs
    edited: int
    spent: int
    late: int


def choose(found: Candidates, closes: int, entered: Entered, price: Price, spent: Spent) -> Choice:
    """The claims of a window.

    Guarantees:
        * A claim that has entered a window is not chosen, unless it was changed since, the policy charges for that,
          and its own year allows it.
        * Nobody who is charged comes above the cap, and everybody of whom a claim is chosen is charged.
        * Whether a person's claims are chosen depends on that person's claims alone.

    Args:
        found: The candidates.
        closes: Of the window, seconds since 1970.
        entered: What has entered before.
        price: Of the window.
        spent: What was charged before.
    """
    rest = np.flatnonzero(~entered.has_as_is(found.keys, found.contents))
    keys, arrived = found.keys[rest], found.arrived[rest]
    in_time = _first_of_each(keys) & (arrived < closes)
    edited = in_time & entered.has(keys)
    again = _again(keys, edited, price, spent)
    eligible = (in_time & ~edited) | again
    persons, charges, barred = _charged(found.persons[rest], eligible, price, spent)
    charging = price.late_edits is LateEdits.CHARGE
    refused = int((edited & ~again).sum())
    return Choice(
        places=rest[eligible & ~barred],
        persons=persons,
        charges=charges,
        edited=0 if charging else refused,
        spent=int(barred.sum()) + (refused if charging else 0),
        late=int((arrived >= closes).sum()),
    )


def _first_of_each(keys: Digests) -> Mask:
    """One claim of each key; a source has no other, but nothing depends on that."""
    first = np.zeros(len(keys), np.bool_)
    first[np.unique(keys, return_index=True)[1]] = True
    return first


def _again(keys: Digests, edited: Mask, price: Price, spent: Spent) -> Mask:
    """The changed claims that enter once more."""
    again = np.zeros(len(edited), np.bool_)
    places = np.flatnonzero(edited)
    if price.late_edits is LateEdits.CHARGE and len(places):
        again[places] = admitted(spent.claims(keys[places]), np.full(len(places), price.rho, np.int64), price.cap)
    return again


def _charged(
    persons: npt.NDArray[np.uint64], eligible: Mask, price: Price, spent: Spent
) -> tuple[npt.NDArray[np.uint64], Costs, Mask]:
    """Who is charged what, and the claims of those who cannot be charged any more."""
    barred = np.zeros(len(eligible), np.bool_)
    if price.privacy.unit is Unit.CLAIM:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64), barred
    places = np.flatnonzero(eligible)
    who, whose, n_claims = np.unique(persons[places], return_inverse=True, return_counts=True)
    charges = charges_of(n_claims, price.rho, price.privacy)
    within = admitted(spent.persons(who), charges, price.cap)
    barred[places] = ~within[whose]
    return who[within], charges[within], barred
