"""Habits: what is usual at this bureau, from its own earlier claims. Local, like everything a claim is compared with.

A claim's peers are the claims with the same main operation, or with the same main diagnosis where there was none; where
those are too few, with the same group of operations or the same diagnosis chapter, then of the same cluster, then all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from client.router.deciding.kinship import Kin
from common.claim import FEE_CATEGORIES
from common.codes import CODE_SYSTEMS, CodeSystem, Level
from common.columns import MISSING, CodeColumn
from common.errors import InputError

HABITS_FORMAT: Literal["fedclaims/habits/1"] = "fedclaims/habits/1"
FEWEST_PEERS = 20
ABSENT = -1
STATS = 5 + len(FEE_CATEGORIES)
"""Of a group: median and spread of log cost in fen, of log stay, median fee distance, mean roots of fee shares."""

EVERYONE = "all"
"""The group of all claims."""

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """What the habits say of the kinds of ``n`` claims; int64 ``(n,)`` each.

    Attributes:
        peers: Group that a claim is held against; ``ABSENT`` without any.
        pair: Earlier claims with its diagnosis category and its operation (or likewise none).
        diagnosis: With its diagnosis category.
        operation: With its operation.
    """

    peers: Integers
    pair: Integers
    diagnosis: Integers
    operation: Integers


class Group(BaseModel):
    """Peers.

    Attributes:
        n: How many.
        stats: ``STATS`` numbers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    n: Count
    stats: Annotated[tuple[float, ...], Field(strict=False, min_length=STATS, max_length=STATS)]


class Habits(BaseModel):
    """A bureau's habits under one model.

    Attributes:
        model_sha256: Of the model whose clusters are among the groups; of a stream ``RoutingModel.family``.
        fitted_at: Unix seconds.
        diagnosis_system: Of the diagnosis codes.
        operation_system: Of the operation codes.
        n_claims: Earlier claims behind them.
        groups: Peers by name, those with at least ``FEWEST_PEERS``.
        diagnoses: Claims by diagnosis category.
        operations: Claims by operation; the empty name stands for none.
        pairs: Claims by both, as category, bar and operation.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, hide_input_in_errors=True)

    format: Literal["fedclaims/habits/1"] = HABITS_FORMAT
    model_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    fitted_at: Count
    diagnosis_system: str
    operation_system: str
    n_claims: Count
    groups: dict[str, Group]
    diagnoses: dict[str, Count]
    operations: dict[str, Count]
    pairs: dict[str, Count]

    @field_validator("diagnosis_system", "operation_system")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in CODE_SYSTEMS:
            msg = f"unknown code system; known: {', '.join(CODE_SYSTEMS)}"
            raise ValueError(msg)
        return value

    def to_json(self) -> bytes:
        """Their one spelling."""
        held = self.model_dump(mode="json")
        return json.dumps(held, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()

    @classmethod
    def from_json(cls, held: bytes) -> Habits:
        """The habits in some bytes.

        Raises:
            InputError: If they are none.
        """
        try:
            return cls.model_validate_json(held)
        except ValidationError:
            msg = "these are no habits; fit them again from the bureau's own claims"
            raise InputError(msg) from None

    @property
    def sha256(self) -> str:
        """Of their one spelling, hexadecimal."""
        return hashlib.sha256(self.to_json()).hexdigest()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the groups, in the order of ``stats``."""
        return tuple(sorted(self.groups))

    @cached_property
    def sizes(self) -> Integers:
        """How many claims each group has."""
        return np.array([self.groups[name].n for name in self.names], np.int64)

    @cached_property
    def stats(self) -> Floats:
        """Of all groups, float64 ``(G, STATS)``."""
        return np.array([self.groups[name].stats for name in self.names], np.float64).reshape(-1, STATS)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.names)}

    def kinds(self, diagnoses: CodeColumn, operations: CodeColumn, nearest: Integers, kin: Sequence[Kin]) -> Kinds:
        """What these habits say of some claims.

        Args:
            diagnoses: Main ones.
            operations: Likewise.
            nearest: Their clusters.
            kin: What each cluster of the model is known by.
        """
        diagnosed = _Known.of([self._about_diagnosis(code) for code in diagnoses.values], diagnoses.indices)
        operated = _Known.of([self._about_operation(code) for code in operations.values], operations.indices)
        has_operation = operations.indices != MISSING
        chosen = np.where(has_operation, operated.group, diagnosed.group)
        clusters = np.array([self._of_cluster(one) for one in kin], np.int64)
        chosen = np.where(chosen == ABSENT, clusters[nearest], chosen)
        return Kinds(
            peers=np.where(chosen == ABSENT, self._places.get(EVERYONE, ABSENT), chosen),
            pair=self._pairs(diagnoses, operations),
            diagnosis=diagnosed.count,
            operation=np.where(has_operation, operated.count, self.operations.get("", 0)),
        )

    def _about_diagnosis(self, code: str) -> tuple[int, int]:
        names = diagnosis_groups(CODE_SYSTEMS[self.diagnosis_system], code)
        return self._first_of(names), self.diagnoses.get(category_of(CODE_SYSTEMS[self.diagnosis_system], code), 0)

    def _about_operation(self, code: str) -> tuple[int, int]:
        names = operation_groups(CODE_SYSTEMS[self.operation_system], code)
        return self._first_of(names), self.operations.get(code, 0)

    def _of_cluster(self, kin: Kin) -> int:
        """The group of a cluster; until there is one, that of the cluster it was split from."""
        return self._first_of(tuple(cluster_group(ids[0]) for ids in kin.generations()))

    def _first_of(self, names: tuple[str, ...]) -> int:
        return next((self._places[name] for name in names if name in self._places), ABSENT)

    def _pairs(self, diagnoses: CodeColumn, operations: CodeColumn) -> Integers:
        """Claims with the same diagnosis category and operation; each distinct pair is looked up once."""
        width = len(operations.values) + 1
        both = diagnoses.indices.astype(np.int64) * width + (operations.indices.astype(np.int64) + 1)
        distinct, places = np.unique(both, return_inverse=True)
        system = CODE_SYSTEMS[self.diagnosis_system]
        categories = [category_of(system, code) for code in diagnoses.values]
        codes = ["", *operations.values]
        found = [
            self.pairs.get(pair_name(categories[one // width], codes[one % width]), 0) if one >= 0 else 0
            for one in distinct.tolist()
        ]
        return np.array(found, np.int64)[places]


def no_habits(model_sha256: str) -> Habits:
    """Of a bureau that has not observed any yet: no claim has peers, and none is called strange beside them."""
    return Habits(
        model_sha256=model_sha256,
        fitted_at=0,
        diagnosis_system="icd10",
        operation_system="icd9cm3",
        n_claims=0,
        groups={},
        diagnoses={},
        operations={},
        pairs={},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Group and count of each claim's code."""

    group: Integers
    count: Integers

    @classmethod
    def of(cls, found: list[tuple[int, int]], indices: npt.NDArray[np.int32]) -> _Known:
        table = np.array([*found, (ABSENT, 0)], np.int64)
        return cls(group=table[indices, 0], count=table[indices, 1])


def diagnosis_groups(system: CodeSystem, code: str) -> tuple[str, ...]:
    """Groups that a claim without operation may belong to, the narrowest first."""
    return f"diagnosis {category_of(system, code)}", f"chapter {system.chapter(code)}"


def operation_groups(system: CodeSystem, code: str) -> tuple[str, ...]:
    """Groups that a claim with an operation may belong to, the narrowest first."""
    category, block = (system.prefix(code, level) for level in (Level.CATEGORY, Level.BLOCK))
    return f"operation {code}", f"operations {category}", f"operation block {block}"


def cluster_group(cluster: int) -> str:
    """The group of a cluster, by its number; in a stream by its identity."""
    return f"cluster {cluster}"


def category_of(system: CodeSystem, code: str) -> str:
    """The category of a diagnosis code."""
    return system.prefix(code, Level.CATEGORY)


def pair_name(category: str, operation: str) -> str:
    """What a pair of diagnosis category and operation is called; no operation is one, too."""
    return f"{category}|{operation}"
