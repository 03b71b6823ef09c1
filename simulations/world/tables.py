"""Lookup tables compiled from the groups: what a block of claims draws from, by plain indexing.

A choice between few things is made by a table of ``SLOTS`` entries per group, in which each thing fills its
share of the slots: a uniform number of ``SLOT_BITS`` bits then picks one, without a search or a branch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from common.claim import FEE_CATEGORIES
from simulations.world.groups import Group, LogNormal
from simulations.world.regions import Region

SLOT_BITS = 10
SLOTS = 1 << SLOT_BITS
AGE_SLOTS = 256
ONCE = 1.0
"""Value of ``claims_per_person`` for what happens to a person once."""

ADMISSION_WAYS = ("1", "2", "3")
"""Emergency room, outpatient department, from another institution."""

DISCHARGE_WAYS = ("1", "2", "4", "5")
"""On medical advice, to another hospital, against advice, died."""

LEVELS = ("3", "2", "1")
"""Tertiary, secondary, primary hospital."""

_GRID = 500
_TRANSFERS = 0.03
_SENT_ON, _AGAINST_ADVICE = 0.015, 0.025

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tables:
    """What the groups say, as arrays. ``(n_groups, SLOTS)`` tables are flattened.

    Attributes:
        home: Which group the person of a claim belongs to, per group of the claim.
        age: Years, ``AGE_SLOTS`` per group of the person.
        male: Share of men per group of the person.
        newborn: Whether a person of age 0 is a newborn, per group of the person.
        once: Whether each claim has a person of its own, per group of the person.
        admission: Place in ``ADMISSION_WAYS``.
        discharge: Place in ``DISCHARGE_WAYS``.
        inpatient: Whether a group has stays.
        stay: Logarithm of the median, and spread; two rows.
        cost: Logarithm of the median in fen, and spread; two rows.
    """

    home: Places
    age: Places
    male: Floats
    newborn: npt.NDArray[np.bool_]
    once: npt.NDArray[np.bool_]
    admission: Places
    discharge: Places
    inpatient: npt.NDArray[np.bool_]
    stay: Floats
    cost: Floats


def compile_groups(groups: Sequence[Group]) -> Tables:
    """The tables of some groups."""
    return Tables(
        home=choices(_homes(groups)),
        age=np.concatenate([_age_quantiles(group) for group in groups]),
        male=np.array([group.male for group in groups], np.float32),
        newborn=np.array([group.newborn for group in groups]),
        once=np.array([group.claims_per_person == ONCE for group in groups]),
        admission=choices(np.array([_admissions(group) for group in groups])),
        discharge=choices(np.array([_discharges(group) for group in groups])),
        inpatient=np.array([group.inpatient for group in groups]),
        stay=_logarithms([group.stay or LogNormal(median=1, spread=0) for group in groups], 1),
        cost=_logarithms([group.cost for group in groups], 100),
    )


def choices(weights: npt.NDArray[np.float64], slots: int = SLOTS) -> Places:
    """Fill ``slots`` slots a row with places in that row, in proportion to the weights.

    Args:
        weights: ``(n_rows, n_places)``, not negative, none of the rows all zero.
        slots: How many equal slots a row has; a weight below half a slot may get none.

    Returns:
        The rows, one after another.
    """
    bounds = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    points = (np.arange(slots) + 0.5) / slots
    return np.concatenate([np.searchsorted(row[:-1], points, side="right") for row in bounds]).astype(np.int16)


def fee_shape(groups: Sequence[Group], region: Region) -> tuple[Floats, Floats]:
    """How fee shares vary: a share is proportional to ``max(0, p + q * z) ** 3`` with normal ``z``.

    This is a Dirichlet distribution, whose gamma variables are taken by the cube of Wilson and Hilferty. What a
    group has a small share of is then missing from most of its bills.

    Returns:
        p and q, each ``(14, n_groups)``; zero where a group never has that fee.
    """
    shares = np.array([[group.fees.get(category, 0.0) for group in groups] for category in FEE_CATEGORIES])  # type: ignore[call-overload]
    shares *= region.fee_habits[:, np.newaxis]
    alpha = shares / shares.sum(axis=0) * [group.fee_concentration for group in groups]
    present = np.where(alpha > 0, alpha, 1.0)
    scale = np.where(alpha > 0, np.cbrt(present), 0.0)
    return (scale * (1 - 1 / (9 * present))).astype(np.float32), (scale / (3 * np.sqrt(present))).astype(np.float32)


def person_counts(groups: Sequence[Group], regions: Sequence[Region]) -> npt.NDArray[np.float64]:
    """How many persons of each group live in each region: ``(n_regions, n_groups)``, at least one."""
    claims = np.stack([region.n_claims * (region.mix @ _homes(groups)) for region in regions])
    loads, loads_of_those_seen = _loads()
    load = np.interp([group.claims_per_person for group in groups], loads_of_those_seen, loads)
    persons: npt.NDArray[np.float64] = np.maximum(1.0, np.rint(claims / load))
    return persons


@cache
def _loads() -> npt.NDArray[np.float64]:
    """Claims per living person, and per person who has any, when ranks are squares of uniform numbers.

    The person at position y has Poisson many claims, on average load / (2y), if y is the root of the rank's place;
    integrating over 2y dy counts those who have one.
    """
    root = (np.arange(_GRID) + 0.5) / _GRID
    loads = np.geomspace(1e-3, 1e3, _GRID)
    seen = np.array([np.mean(-np.expm1(-load / (2 * root)) * 2 * root) for load in loads])
    return np.stack([loads, loads / seen])


def _homes(groups: Sequence[Group]) -> npt.NDArray[np.float64]:
    """``(n_groups, n_groups)``: share of a group's claims that persons of each group bring."""
    places = {group.id: place for place, group in enumerate(groups)}
    homes = np.zeros((len(groups), len(groups)))
    for place, group in enumerate(groups):
        homes[place, place] = 1 - sum(group.comes_from.values())
        for origin, share in group.comes_from.items():
            homes[place, places[origin]] += share
    return homes


def _age_quantiles(group: Group) -> Places:
    """Equally likely ages, by quantiles of the normal distribution between its cuts."""
    ages = NormalDist(group.age.mean, group.age.sd)
    low, high = ages.cdf(group.age.low - 0.5), ages.cdf(group.age.high + 0.5)
    points = low + (np.arange(AGE_SLOTS) + 0.5) / AGE_SLOTS * (high - low)
    return np.rint([ages.inv_cdf(point) for point in points]).clip(group.age.low, group.age.high).astype(np.int16)


def _admissions(group: Group) -> list[float]:
    return [group.urgent, (1 - group.urgent) * (1 - _TRANSFERS), (1 - group.urgent) * _TRANSFERS]


def _discharges(group: Group) -> list[float]:
    return [1 - group.deaths - _SENT_ON - _AGAINST_ADVICE, _SENT_ON, _AGAINST_ADVICE, group.deaths]


def _logarithms(amounts: Sequence[LogNormal], unit: int) -> Floats:
    medians = np.array([amount.median for amount in amounts])
    return np.stack([np.log(medians * unit), [amount.spread for amount in amounts]]).astype(np.float32)
