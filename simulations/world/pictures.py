"""Clinical pictures: diagnoses and operations that stand on one claim together.

For every group a region has ``PICTURES`` of them, drawn once from what the group declares; a claim then takes one.
So no claim has a code twice, operations fit the main diagnosis, and a claim costs one lookup for all its codes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulations.world.groups import Group
from simulations.world.regions import vary

PICTURES = 1024
MAX_DIAGNOSES = 8
MAX_OPERATIONS = 4
WIDTH = MAX_DIAGNOSES + MAX_OPERATIONS + 1
"""Columns of a picture: diagnoses, main one first; operations, main one first; diagnosis of Chinese medicine."""

NONE = -1
NOISE = 0.02
"""Share of pictures whose main diagnosis is any code of any group: a slip in coding."""

CODING_SPREAD = 0.5
"""Relative standard deviation of a main diagnosis' weight between regions: habits of coding."""

Places = npt.NDArray[np.int16]
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """All codes of a world, each kind in one order; a place in it stands for the code."""

    diagnoses: tuple[str, ...]
    operations: tuple[str, ...]
    tcm: tuple[str, ...]


def vocabulary(groups: Sequence[Group]) -> Vocabulary:
    """The codes that some groups use."""
    diagnoses = {code for group in groups for code in (*group.main, *group.further_diagnoses)}
    operations = {
        code
        for group in groups
        for code in (*group.operations, *group.operation_for.values(), *group.further_operations)
    }
    tcm = {code for group in groups for code in group.tcm_for.values()}
    return Vocabulary(diagnoses=tuple(sorted(diagnoses)), operations=tuple(sorted(operations)), tcm=tuple(sorted(tcm)))


def draw_pictures(
    groups: Sequence[Group], words: Vocabulary, *, heterogeneity: float, shared: np.random.Generator,
    own: np.random.Generator,
) -> Places:  # fmt: skip
    """The pictures of all groups in one region.

    Args:
        groups: What to draw.
        words: Where each code stands.
        heterogeneity: How much the region's habits of coding differ from the declared weights.
        shared: The same for all regions; regions without habits of their own then have the same pictures.
        own: The region's.

    Returns:
        ``(WIDTH, n_groups * PICTURES)``, places in the vocabulary, ``NONE`` where a claim has no more codes.
    """
    main_codes = np.array(_places({code: 1.0 for group in groups for code in group.main}, words.diagnoses))
    drawn = [_draw(group, words, CODING_SPREAD * heterogeneity, shared, own) for group in groups]
    pictures = np.concatenate(drawn, axis=1)
    slips = np.flatnonzero(shared.random(pictures.shape[1]) < NOISE)
    anything = main_codes[shared.integers(0, len(main_codes), len(slips))]
    repeated = (pictures[:MAX_DIAGNOSES, slips] == anything).any(axis=0)
    pictures[0, slips] = np.where(repeated, pictures[0, slips], anything)
    return pictures


def _draw(
    group: Group, words: Vocabulary, spread: float, shared: np.random.Generator, own: np.random.Generator
) -> Places:
    """One group's pictures, ``(WIDTH, PICTURES)``."""
    habits = vary(own, spread, len(group.main))
    weights = np.array(list(group.main.values())) * habits
    main = _pick(weights, shared)
    diagnoses = np.array(_places(group.main, words.diagnoses), np.int16)[main]
    further = _some(group.further_diagnoses, words.diagnoses, MAX_DIAGNOSES - 1, shared, besides=diagnoses)
    tcm = _called_for(group.main, group.tcm_for, words.tcm)[main]
    return np.concatenate([diagnoses[np.newaxis], further, _operations(group, main, words, shared), tcm[np.newaxis]])


def _operations(group: Group, main: npt.NDArray[np.intp], words: Vocabulary, shared: np.random.Generator) -> Places:
    """``(MAX_OPERATIONS, PICTURES)``: the one that the main diagnosis calls for or one by weight, and others."""
    if not group.operations:
        return np.full((MAX_OPERATIONS, PICTURES), NONE, np.int16)
    drawn = np.array(_places(group.operations, words.operations), np.int16)[
        _pick(np.array(list(group.operations.values())), shared)
    ]
    called_for = _called_for(group.main, group.operation_for, words.operations)[main]
    first = np.where(called_for == NONE, drawn, called_for)
    further = _some(group.further_operations, words.operations, MAX_OPERATIONS - 1, shared, besides=first)
    operations = np.concatenate([first[np.newaxis], further])
    operations[:, shared.random(PICTURES) >= group.operated] = NONE
    return operations


def _pick(weights: npt.NDArray[np.float64], rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """``PICTURES`` places by weight, in the proportions that the weights say, in random order."""
    points = (rng.permutation(PICTURES) + 0.5) / PICTURES
    return np.searchsorted(np.cumsum(weights)[:-1] / weights.sum(), points, side="right")


def _some(
    shares: Mapping[str, float], words: Sequence[str], at_most: int, rng: np.random.Generator, *, besides: Places
) -> Places:
    """``(at_most, PICTURES)``: each code present by its share, in random order, none of them in ``besides``."""
    codes = np.array(_places(shares, words), np.int16)
    lots = rng.random((len(codes), PICTURES))
    chance = np.array(list(shares.values()))[:, np.newaxis]
    present = (lots < chance) & (codes[:, np.newaxis] != besides)
    order = np.argsort(np.where(present, lots / chance, np.inf), axis=0, kind="stable")[:at_most]
    chosen = np.where(np.take_along_axis(present, order, axis=0), codes[order], NONE)
    padding = np.full((at_most - len(chosen), PICTURES), NONE)
    return np.concatenate([chosen, padding]).astype(np.int16)


def _called_for(main: Collection[str], calls: Mapping[str, str], words: Sequence[str]) -> Places:
    """For each main diagnosis the place of the code it calls for, ``NONE`` if it calls for none."""
    return np.array([words.index(calls[code]) if code in calls else NONE for code in main], np.int16)


def _places(codes: Collection[str], words: Sequence[str]) -> list[int]:
    return [words.index(code) for code in codes]
