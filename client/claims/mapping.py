"""A mapping says how a table becomes claims: which column is which field, in which units and codes.

Fields are named as in the national settlement interface, or by their English alias. What a mapping does
not name is never read.
"""

from __future__ import annotations

import tomllib
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from client.claims.identifiers import refuse_named_identifiers
from common.claim import ALIASES, Claim
from common.columns import ATTRIBUTES
from common.errors import IdentifierError, InputError

DATES: tuple[str, ...] = ("adm_time", "dscg_time", "setl_time")
PAYMENTS: tuple[str, ...] = (
    "hifp_pay", "fund_pay_sumamt", "psn_part_amt", "acct_pay", "psn_cash_pay", "hosp_part_amt",
)  # fmt: skip
REFERRALS: tuple[str, ...] = ("refl_old_mdtrt_id", "reflin_medins_no")
SCALARS: frozenset[str] = frozenset(Claim.model_fields) - {
    "claim_key", "psn_key", "diseinfo", "oprninfo", "iteminfo", "refd_setl_flag",
}  # fmt: skip
"""Claim fields that a single column fills."""

_MOST_BYTES = 1 << 20
_TOTAL = "medfee_sumamt"

Column = Annotated[str, Field(min_length=1, max_length=256)]
Columns = Annotated[tuple[Column, ...], Field(min_length=1)]
FeeCategory = Literal["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class CodeColumns(_Part):
    """Where diagnoses, or operations, stand.

    Attributes:
        system: Name of the code system, as the features know it: ``icd10``, ``icd9cm``, ``icd9cm3``, ``sigtap``.
        main: Column of the main code. Without one, the first code of ``list`` is the main one.
        others: Further columns of one code each.
        list: A column of lists of codes.
    """

    system: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,32}$")]
    main: Column | None = None
    others: tuple[Column, ...] = ()
    list: Column | None = None

    @model_validator(mode="after")
    def _has_a_main_code(self) -> Self:
        if self.main is None and self.list is None:
            msg = "name the main column, or a list column whose first code is the main one"
            raise ValueError(msg)
        if self.main is None and self.others:
            msg = "others needs main: it is not known which of several columns holds the main code"
            raise ValueError(msg)
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns named here; the main one first."""
        return tuple(name for name in (self.main, *self.others, self.list) if name is not None)


class Fees(_Part):
    """Which columns make up which fee category.

    Attributes:
        parts: Fee category to the columns that add up to it.
        remainder: The category that takes the total minus all parts; None if the parts add up to the total.
    """

    parts: dict[FeeCategory, Columns] = Field(default_factory=dict)
    remainder: FeeCategory | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.parts and self.remainder is None:
            msg = "name parts, or a remainder"
            raise ValueError(msg)
        if self.remainder in self.parts:
            msg = "the remainder cannot be one of the parts"
            raise ValueError(msg)
        return self


class Refund(_Part):
    """How a refund is recognised: its flag is set and its total is negative.

    Attributes:
        column: Column of the flag.
        set: Values that mean "yes".
        unset: Values that mean "no"; an empty cell means "no" as well.
        original: Columns that hold the claim key of the refunded claim; None if a refund repeats its claim's key.
    """

    column: Column
    set: Annotated[tuple[str, ...], Field(min_length=1)] = ("1", "true")
    unset: tuple[str, ...] = ("0", "false")
    original: Columns | None = None


class ClaimMapping(_Part):
    """How one table becomes claims.

    Attributes:
        name: A short name, for reports.
        claim_key: The columns that together name a claim.
        person_key: The columns that name the insured person, or ``each_claim`` where the table has none: every
            claim then counts as its own person, which protects persons with several claims less.
        fields: Claim field (national name or English alias) to the column that fills it.
        values: Claim field to the translation of its values.
        age_unit: Whether ages are in years (fractions of the first year allowed) or in days.
        diagnoses: Where the diagnoses stand.
        operations: Where the operations stand, if anywhere.
        fees: The fee categories, if the table has any.
        refund: How refunds are recognised, if the table has any.
        missing_columns: Whether a file without one of the columns is refused, or read without the field.
            Keys, the main diagnosis and the total are needed in any case.
        ignored_identifiers: Columns that identify persons, are in the file, and are never read.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]
    claim_key: Columns
    person_key: Literal["each_claim"] | Columns
    fields: dict[str, Column]
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    age_unit: Literal["years", "days"] = "years"
    diagnoses: CodeColumns
    operations: CodeColumns | None = None
    fees: Fees | None = None
    refund: Refund | None = None
    missing_columns: Literal["refuse", "allow"] = "refuse"
    ignored_identifiers: tuple[Column, ...] = ()

    @field_validator("fields", "values", mode="after")
    @classmethod
    def _use_national_names(cls, given: dict[str, object]) -> dict[str, object]:
        national = {ALIASES.get(name, name): held for name, held in given.items()}
        if len(national) != len(given):
            msg = "a field is given twice, by its national name and by its English alias"
            raise ValueError(msg)
        if unknown := sorted(set(national) - SCALARS):
            msg = f"no such claim field: {', '.join(unknown)}"
            raise ValueError(msg)
        return national

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if _TOTAL not in self.fields:
            msg = "fields must name the column of medfee_sumamt (total_amount)"
            raise ValueError(msg)
        if unused := sorted(set(self.values) - (set(self.fields) & set(ATTRIBUTES))):
            msg = f"values translates fields that are not codes or have no column: {', '.join(unused)}"
            raise ValueError(msg)
        if read := sorted(set(self.ignored_identifiers) & set(self.columns)):
            msg = f"columns are ignored and used at once: {', '.join(read)}"
            raise ValueError(msg)
        return self

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Every column the mapping names, each once."""
        named = [*self.required_columns, *self.fields.values(), *self.diagnoses.columns]
        named += self.operations.columns if self.operations else ()
        named += [column for part in self.fees.parts.values() for column in part] if self.fees else ()
        named += [self.refund.column, *(self.refund.original or ())] if self.refund else ()
        return tuple(dict.fromkeys(named))

    @property
    def required_columns(self) -> tuple[str, ...]:
        """The columns without which no claim can be made."""
        person = () if self.person_key == "each_claim" else self.person_key
        main = self.diagnoses.columns[0]
        return tuple(dict.fromkeys((*self.claim_key, *person, main, self.fields[_TOTAL])))


def ready_made() -> tuple[str, ...]:
    """The names of the mappings that are shipped."""
    folder = resources.files("client.claims").joinpath("mappings")
    return tuple(sorted(found.name.removesuffix(".toml") for found in folder.iterdir() if found.name.endswith(".toml")))


def load_mapping(name_or_path: str | Path) -> ClaimMapping:
    """A ready-made mapping by its name, or one from a TOML file.

    Raises:
        InputError: If there is no such mapping, or it contradicts itself; the text names the entry.
        IdentifierError: If it names a column that identifies persons directly.
    """
    return parse_mapping(_text(name_or_path), str(name_or_path))


def parse_mapping(text: str, name: str) -> ClaimMapping:
    """A mapping from TOML text; ``name`` is what errors call it.

    Raises:
        InputError: If the text is no valid mapping.
        IdentifierError: If it names a column that identifies persons directly.
    """
    try:
        mapping = ClaimMapping.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        msg = f"mapping {name} is not valid TOML: {error}"
        raise InputError(msg) from None
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'mapping'}: {one['msg']}" for one in error.errors())
        msg = f"mapping {name} needs mending: {faults}"
        raise InputError(msg) from None
    _refuse_identifiers(mapping)
    return mapping


def _refuse_identifiers(mapping: ClaimMapping) -> None:
    try:
        refuse_named_identifiers(mapping.columns)
    except IdentifierError:
        msg = f"mapping {mapping.name} reads columns that identify persons directly; take them out of it"
        raise IdentifierError(msg) from None


def _text(name_or_path: str | Path) -> str:
    if isinstance(name_or_path, str) and name_or_path in ready_made():
        return resources.files("client.claims").joinpath("mappings", f"{name_or_path}.toml").read_text("utf-8")
    path = Path(name_or_path)
    if not path.is_file():
        msg = f"there is no mapping {path}: give a TOML file, or one of {', '.join(ready_made())}"
        raise InputError(msg)
    if path.stat().st_size > _MOST_BYTES:
        msg = f"mapping {path} is larger than {_MOST_BYTES} bytes; it cannot be one"
        raise InputError(msg)
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        msg = f"mapping {path} cannot be read as UTF-8 text"
        raise InputError(msg) from None
