"""The groups of claims a generated world knows, read from ``groups.toml``, and the names of all codes."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from common.claim import MAX_AGE_YEARS, Code
from common.columns import normalise_code

INPATIENT: frozenset[str] = frozenset({"21", "52"})
"""The values of ``med_type`` that have a stay: ordinary inpatient care and delivery."""

MAX_GROUPS = 90
"""A person's number keeps two decimal digits for the group."""

GroupId = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9_]{1,32}$")]
Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
FeeCategory = Literal["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14"]


class Name(NamedTuple):
    """A name in both languages of the product."""

    zh: str
    en: str


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LogNormal(_Entry):
    """A log-normal amount or length: its median and the standard deviation of its logarithm."""

    median: Weight
    spread: Annotated[float, Field(ge=0, le=2)]


class Ages(_Entry):
    """Ages in completed years: a normal distribution cut off at both ends."""

    mean: Annotated[float, Field(ge=0, le=MAX_AGE_YEARS)]
    sd: Weight
    low: Annotated[int, Field(ge=0)]
    high: Annotated[int, Field(le=MAX_AGE_YEARS)]

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if not self.low <= self.mean <= self.high:
            msg = "ages: low <= mean <= high must hold"
            raise ValueError(msg)
        return self


class Group(_Entry):
    """One kind of claim: what is treated, how, in whom, at what cost. The head of ``groups.toml`` explains each key.

    Guarantees:
        * A group has a stay exactly if its ``med_type`` is an inpatient one; only then can it be urgent or fatal.
        * ``operation_for`` and ``tcm_for`` speak of main diagnoses of this group, and only groups with
          ``operations`` have operations at all.
    """

    id: GroupId
    zh: str
    en: str
    weight: Weight
    offered_by: Annotated[float, Field(gt=0, le=1)] = 1.0
    med_type: Literal["11", "14", "21", "52"]
    main: Annotated[dict[Code, Weight], Field(min_length=1)]
    further_diagnoses: dict[Code, Share] = {}
    operations: dict[Code, Weight] = {}
    operated: Share = 1.0
    operation_for: dict[Code, Code] = {}
    further_operations: dict[Code, Share] = {}
    tcm_for: dict[Code, Code] = {}
    fees: Annotated[dict[FeeCategory, Weight], Field(min_length=1)]
    fee_concentration: Weight = 40.0
    cost: LogNormal
    stay: LogNormal | None = None
    levels: tuple[Share, Share, Share]
    urgent: Share = 0.0
    deaths: Share = 0.0
    age: Ages
    newborn: bool = False
    male: Share
    claims_per_person: Annotated[float, Field(ge=1)]
    comes_from: dict[GroupId, Share] = {}

    @property
    def name(self) -> Name:
        """The group's name in both languages."""
        return Name(self.zh, self.en)

    @property
    def inpatient(self) -> bool:
        """Whether its claims have a stay."""
        return self.med_type in INPATIENT

    @model_validator(mode="after")
    def _stays_if_inpatient(self) -> Self:
        if self.inpatient != (self.stay is not None) or (not self.inpatient and (self.urgent or self.deaths)):
            msg = "stay, urgent and deaths belong to inpatient groups, and a stay to every one of them"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _refers_to_its_own_codes(self) -> Self:
        if not (self.operation_for.keys() | self.tcm_for.keys()) <= self.main.keys():
            msg = "operation_for and tcm_for may only name main diagnoses of the group"
            raise ValueError(msg)
        if (self.operation_for or self.further_operations) and not self.operations:
            msg = "operation_for and further_operations need operations"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _has_shares(self) -> Self:
        if not any(self.levels) or sum(self.comes_from.values()) > 1:
            msg = "levels must not all be zero, and comes_from may not add up to more than 1"
            raise ValueError(msg)
        return self


def load_groups(path: Path | None = None) -> tuple[Group, ...]:
    """Read and check a table of groups.

    Args:
        path: A file laid out as ``groups.toml``; the product's own if None.

    Raises:
        pydantic.ValidationError: If a key is unknown or a value is out of range.
        ValueError: If groups contradict each other, see ``check_groups``.
    """
    text = path.read_text("utf-8") if path else resources.files(__package__).joinpath("groups.toml").read_text("utf-8")
    groups = tuple(Group.model_validate(entry) for entry in tomllib.loads(text)["group"])
    check_groups(groups)
    return groups


def check_groups(groups: Iterable[Group]) -> None:
    """Refuse groups that cannot make a world together.

    Raises:
        ValueError: If there are none or too many, if an id is used twice, or if ``comes_from`` names no group.
    """
    listed = list(groups)
    known = {group.id for group in listed}
    if not 1 <= len(listed) <= MAX_GROUPS:
        msg = f"a world has 1 to {MAX_GROUPS} groups, not {len(listed)}"
        raise ValueError(msg)
    if len(known) != len(listed):
        msg = "two groups have the same id"
        raise ValueError(msg)
    if any(not group.comes_from.keys() <= known for group in listed):
        msg = "comes_from names a group that does not exist"
        raise ValueError(msg)


def group_names(groups: Iterable[Group]) -> dict[str, Name]:
    """Group id, as it stands in ``drg_code``, to name."""
    return {group.id: group.name for group in groups}


def code_names() -> dict[str, Name]:
    """Every code of the product's own groups to its name; found as written and as features compare it."""
    text = resources.files(__package__).joinpath("codes.toml").read_text("utf-8")
    written = {code: Name(*names) for section in tomllib.loads(text).values() for code, names in section.items()}
    return written | {normalise_code(code): name for code, name in written.items()}
