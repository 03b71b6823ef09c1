"""Propose a mapping for an unknown file, from the names of its columns and the shapes of their values."""

from __future__ import annotations

from dataclasses import dataclass, field

from client.profiling.columns import ColumnProfile, FileProfile
from client.profiling.names import names_of, numbered_siblings, simplified
from client.profiling.shapes import Shape
from common.columns import ATTRIBUTES

_CODE_LIKE = frozenset({Shape.CODE, Shape.ICD10, Shape.ICD9, Shape.WHOLE, Shape.SEX, Shape.FLAG})
_NUMBERS = frozenset({Shape.AMOUNT, Shape.WHOLE})
_SHAPES: dict[str, frozenset[Shape]] = {
    "fixmedins_code": _CODE_LIKE | {Shape.TEXT},
    "insu_admdvs": _CODE_LIKE | {Shape.TEXT},
    "gend": frozenset({Shape.SEX, Shape.WHOLE, Shape.CODE}),
    "adm_time": frozenset({Shape.DATE}),
    "dscg_time": frozenset({Shape.DATE}),
    "setl_time": frozenset({Shape.DATE}),
    "act_ipt_days": frozenset({Shape.WHOLE}),
    "age": _NUMBERS,
    "nwb_age": frozenset({Shape.WHOLE}),
    "hifp_pay": _NUMBERS, "fund_pay_sumamt": _NUMBERS, "psn_part_amt": _NUMBERS, "acct_pay": _NUMBERS,
    "psn_cash_pay": _NUMBERS, "hosp_part_amt": _NUMBERS,
    **{name: _CODE_LIKE for name in ATTRIBUTES if name not in {"fixmedins_code", "insu_admdvs", "gend", "outcome"}},
}  # fmt: skip
_DIAGNOSES = frozenset({Shape.ICD10, Shape.ICD9, Shape.CODE, Shape.CODES})
_SYSTEMS = {Shape.ICD10: "icd10", Shape.ICD9: "icd9cm"}
_SEX = {
    "M": "1",
    "m": "1",
    "Male": "1",
    "male": "1",
    "男": "1",
    "F": "2",
    "f": "2",
    "Female": "2",
    "female": "2",
    "女": "2",
}
_OLDEST_IN_YEARS = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesProposal:
    """Proposed ``diagnoses`` or ``operations``."""

    system: str
    main: str | None = None
    others: tuple[str, ...] = ()
    list: str | None = None


@dataclass(slots=True, kw_only=True)
class Proposal:
    """A mapping in the making; what could not be found is empty.

    Attributes:
        notes: What the proposal is unsure of, by the entry it concerns.
    """

    claim_key: tuple[str, ...] = ()
    person_key: tuple[str, ...] = ()
    fields: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    age_unit: str = "years"
    diagnoses: CodesProposal | None = None
    operations: CodesProposal | None = None
    fees: dict[str, tuple[str, ...]] = field(default_factory=dict)
    refund: str | None = None
    ignored: tuple[str, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def used(self) -> set[str]:
        """The columns that are spoken for."""
        lists = [one for one in (self.diagnoses, self.operations) if one is not None]
        named = {name for one in lists for name in (one.main, *one.others, one.list) if name is not None}
        return named | {
            *self.claim_key,
            *self.person_key,
            *self.fields.values(),
            *([self.refund] if self.refund else []),
        }


def propose(profile: FileProfile) -> Proposal:
    """The mapping that fits best, with notes where it is a guess."""
    columns = {column.name: column for column in profile.columns}
    proposal = Proposal(ignored=profile.identifiers)
    _propose_keys(proposal, columns)
    _propose_codes(proposal, columns)
    _propose_total(proposal, columns)
    for name, shapes in _SHAPES.items():
        if (column := _named(name, columns, shapes, proposal.used)) is not None:
            proposal.fields[name] = column.name
            if column.name.casefold() not in names_of(name)[:2]:
                proposal.notes[name] = "by its name"
    _propose_details(proposal, columns)
    return proposal


def _named(
    wanted: str, columns: dict[str, ColumnProfile], shapes: frozenset[Shape], used: set[str]
) -> ColumnProfile | None:
    """The column that is known under the best name of a field and looks like it."""
    by_name = {simplified(name): column for name, column in columns.items() if name not in used}
    found = (by_name.get(simplified(name)) for name in names_of(wanted))
    return next((column for column in found if column is not None and column.shape in shapes), None)


def _propose_keys(proposal: Proposal, columns: dict[str, ColumnProfile]) -> None:
    anything = frozenset(Shape) - {Shape.EMPTY, Shape.UNREADABLE, Shape.CODES}
    claim = _named("claim_key", columns, anything, set())
    if claim is None:
        claim = next(
            (column for column in columns.values() if column.unique and column.shape is not Shape.AMOUNT), None
        )
        proposal.notes["claim_key"] = (
            "no known name; this column has no value twice"
            if claim
            else "not found: name the columns that together name a claim"
        )
    elif not claim.unique:
        proposal.notes["claim_key"] = "has values that repeat; add a second column, or later rows are refused"
    proposal.claim_key = (claim.name,) if claim else ()
    person = _named("psn_key", columns, anything, set(proposal.claim_key))
    proposal.person_key = (person.name,) if person else ()


def _propose_codes(proposal: Proposal, columns: dict[str, ColumnProfile]) -> None:
    main = _named("main_diagnosis", columns, _DIAGNOSES, proposal.used)
    if main is None:
        icd = [column for column in columns.values() if column.shape in _SYSTEMS and column.name not in proposal.used]
        main = min(icd, key=lambda column: column.missing, default=None)
        proposal.notes["diagnoses"] = "no known name; these look like diagnoses" if main else "not found"
    if main is not None:
        looks_like = main.element or main.shape
        system = _SYSTEMS.get(looks_like, "icd10")
        proposal.diagnoses = _code_columns(main, columns, system, ("other_diagnosis", "more_diagnoses"))
        if looks_like not in _SYSTEMS:
            proposal.notes.setdefault("diagnoses", "the code system is not recognised; check it")
    operation = _named("main_operation", columns, _DIAGNOSES | {Shape.AMOUNT, Shape.WHOLE}, proposal.used)
    if operation is not None:
        proposal.operations = _code_columns(operation, columns, "icd9cm3", ("other_operation",))
        proposal.notes["operations"] = "the code system is a guess; check it"


def _code_columns(
    main: ColumnProfile, columns: dict[str, ColumnProfile], system: str, further: tuple[str, ...]
) -> CodesProposal:
    """A main column with its numbered siblings, and columns known to hold further codes."""
    if main.shape is Shape.CODES:
        return CodesProposal(system=system, list=main.name)
    known = [_named(name, columns, frozenset(Shape) - {Shape.UNREADABLE}, {main.name}) for name in further]
    lists = [column.name for column in known if column is not None and column.shape is Shape.CODES]
    single = [column.name for column in known if column is not None and column.shape is not Shape.CODES]
    readable = tuple(name for name, column in columns.items() if column.shape not in {Shape.CODES, Shape.UNREADABLE})
    others = tuple(dict.fromkeys((*single, *numbered_siblings(main.name, readable))))
    return CodesProposal(system=system, main=main.name, others=others, list=lists[0] if lists else None)


def _propose_total(proposal: Proposal, columns: dict[str, ColumnProfile]) -> None:
    total = _named("medfee_sumamt", columns, _NUMBERS, proposal.used)
    if total is None:
        amounts = [column for column in columns.values() if column.shape is Shape.AMOUNT and column.quantiles]
        total = max(amounts, key=lambda column: column.quantiles[2] if column.quantiles else 0.0, default=None)
        proposal.notes["medfee_sumamt"] = "no known name; the largest amounts" if total else "not found"
    if total is not None:
        proposal.fields["medfee_sumamt"] = total.name


def _propose_details(proposal: Proposal, columns: dict[str, ColumnProfile]) -> None:
    """Fees, refunds, and units and translations of what was found."""
    for place in range(1, 15):
        if (column := columns.get(f"amt_{place:02d}")) is not None and column.shape in _NUMBERS | {Shape.EMPTY}:
            proposal.fees[f"{place:02d}"] = (column.name,)
    if "refd_setl_flag" in columns:
        proposal.refund = "refd_setl_flag"
    age = columns.get(proposal.fields.get("age", ""))
    if age is not None and age.quantiles is not None and age.quantiles[2] > _OLDEST_IN_YEARS:
        proposal.age_unit = "days"
        proposal.notes["age_unit"] = "ages above 130 are common"
    sex = columns.get(proposal.fields.get("gend", ""))
    if sex is not None and (translated := {value: _SEX[value] for value, _ in sex.top if value in _SEX}):
        proposal.values["gend"] = translated
