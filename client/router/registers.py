"""What a bureau may know besides claims: deaths, requested operations, dispensed drugs, refusals of automation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from client.router.rules.digest import digests
from common.columns import normalise_code

Integers = npt.NDArray[np.int64]
PersonIds = npt.NDArray[np.uint64]

UNHEARD = (
    "No register of refusals is named (opted_out in service.toml): nobody's refusal of automated decisions is heard."
)

MOST_BEFORE = 256
"""Items of one person and drug that are looked back at; more than two a day for the longest supply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deaths:
    """Who has died, and when.

    Attributes:
        person_id: uint64 ``(m,)``, ascending; pseudonyms as in ``ClaimTable.person_id``.
        day: int64 ``(m,)``, days since 1970.
    """

    person_id: PersonIds
    day: Integers

    def __post_init__(self) -> None:
        """Refuse what a search by halving would read wrongly."""
        if not _ascends(self.person_id) or len(self.person_id) != len(self.day):
            msg = "a register of deaths names each person once, in ascending order, with one day each"
            raise ValueError(msg)

    def day_of(self, persons: PersonIds) -> tuple[npt.NDArray[np.bool_], Integers]:
        """Which of some persons have died, and on which day (any number for the others)."""
        if not len(self.day):
            return np.zeros(len(persons), np.bool_), np.zeros(len(persons), np.int64)
        places = np.minimum(np.searchsorted(self.person_id, persons), len(self.day) - 1)
        return np.equal(self.person_id[places], persons), self.day[places]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrugItems:
    """Dispensed drugs, item by item, ordered by claim and days held. Make it with ``drug_items``.

    Attributes:
        claim: int64 ``(m,)``, ascending; digest of the key of the claim that bills the item.
        held_days: int64 ``(m,)``; days for which the person still had the same drug from another claim, 0 for none.
        drug: int64 ``(m,)``; which of ``codes``.
        codes: The distinct drug codes.
    """

    claim: Integers
    held_days: Integers
    drug: Integers
    codes: tuple[str, ...]

    def worst_of(self, claims: Integers) -> Integers:
        """For the digests of some claim keys: the place of the item with the most days held, -1 for none."""
        ends = np.searchsorted(self.claim, claims, side="right")
        return np.where(ends > np.searchsorted(self.claim, claims, side="left"), ends - 1, -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registers:
    """All registers of a bureau. What is None is not known, and the rules that need it do not run.

    Attributes:
        deaths: Who has died.
        requested_operations: Claim key to the operation codes that were requested or approved beforehand.
        drug_items: Drugs that were dispensed.
        opted_out: Insured persons who refused automated decisions; uint64, ascending pseudonyms.
    """

    deaths: Deaths | None = None
    requested_operations: Mapping[str, frozenset[str]] | None = None
    drug_items: DrugItems | None = None
    opted_out: PersonIds | None = None

    def __post_init__(self) -> None:
        """Refuse what a search by halving would read wrongly."""
        if self.opted_out is not None and not _ascends(self.opted_out):
            msg = "the register of refusals names each person once, in ascending order"
            raise ValueError(msg)

    def refused(self, persons: PersonIds) -> npt.NDArray[np.bool_]:
        """Which of some persons refused automated decisions, as far as the register knows."""
        if self.opted_out is None or not len(self.opted_out):
            return np.zeros(len(persons), np.bool_)
        places = np.minimum(np.searchsorted(self.opted_out, persons), len(self.opted_out) - 1)
        return np.equal(self.opted_out[places], persons)


def drug_items(
    *, person_ids: PersonIds, claim_keys: Sequence[str], codes: Sequence[str], days: Integers, days_supplied: Integers
) -> DrugItems:
    """The register of dispensed drugs, from items in any order.

    Guarantees:
        * It does not depend on the order of the items.
        * Items of one claim are never held against each other: only another claim's supply counts.

    Args:
        person_ids: uint64 ``(m,)``, whose.
        claim_keys: Of the claim that bills the item.
        codes: Drug codes; equal codes are the same drug.
        days: int64 ``(m,)``, when it was dispensed, days since 1970.
        days_supplied: int64 ``(m,)``, for how many days it lasts.
    """
    names = sorted({normalise_code(code) for code in codes})
    places = {name: place for place, name in enumerate(names)}
    drug = np.array([places[normalise_code(code)] for code in codes], np.int64)
    claim = digests(claim_keys)
    order = np.lexsort((claim, days, drug, person_ids))
    held = np.zeros(len(order), np.int64)
    held[order] = _held(person_ids[order], drug[order], claim[order], days[order], days[order] + days_supplied[order])
    by_claim = np.lexsort((drug, held, claim))
    return DrugItems(claim=claim[by_claim], held_days=held[by_claim], drug=drug[by_claim], codes=tuple(names))


@numba.njit(cache=True, nogil=True)
def _held(person: PersonIds, drug: Integers, claim: Integers, day: Integers, ends: Integers) -> Integers:
    """For items ordered by person, drug and day: the longest that another claim's supply lasts beyond the day."""
    held = np.zeros(len(day), np.int64)
    for item in range(len(day)):
        for step in (-1, 1):
            other = item + step
            while 0 <= other < len(day) and abs(other - item) <= MOST_BEFORE:
                same = person[other] == person[item] and drug[other] == drug[item]
                if not same or day[other] > day[item]:
                    break
                if claim[other] != claim[item]:
                    held[item] = max(held[item], ends[other] - day[item])
                other += step
    return held


def _ascends(numbers: PersonIds) -> bool:
    return bool((numbers[1:] > numbers[:-1]).all())
