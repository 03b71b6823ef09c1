"""Claims as columns: what ingest hands to the features, whole batches at a time.

Codes are dictionary-encoded (an index per claim, each distinct code once), amounts are integers in fen
(hundredths of a yuan), stays and ages integers in days. A ``Claim`` becomes a table of one row, so that
the single-claim path and the batch path meet here and are one from here on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from common.claim import FEE_CATEGORIES, Claim, Diagnosis, Operation

MISSING = -1
"""Stands for "not given" in code, stay and age columns."""

ATTRIBUTES: tuple[str, ...] = (
    "med_type", "insutype", "hosp_lv", "adm_way", "dscg_way", "gend", "tcm_dise_code",
    "fixmedins_code", "insu_admdvs", "drg_code", "dip_code", "outcome",
)  # fmt: skip
"""Claim fields that hold one code each; a table carries those its source has."""

DAYS_A_YEAR = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeColumn:
    """Dictionary-encoded codes of ``n`` claims.

    Attributes:
        indices: int32 ``(n,)``; ``indices[i]`` points into ``values``, ``MISSING`` for none.
        values: The distinct codes, normalised (upper case, no dots or blanks around).
    """

    indices: npt.NDArray[np.int32]
    values: tuple[str, ...]

    def select(self, rows: npt.NDArray[np.intp]) -> CodeColumn:
        """Some of the claims; the distinct codes stay."""
        return CodeColumn(indices=self.indices[rows], values=self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimTable:
    """``n`` validated claims as columns. Every array has ``n`` rows, in the same order.

    Attributes:
        diagnoses: The main diagnosis first, then the other ones; at least one column.
        operations: The main operation first; may be empty.
        attributes: Those of ``ATTRIBUTES`` that the source has.
        fees: int64 ``(n, 14)``, fen per fee category, in the order of ``FEE_CATEGORIES``.
        total: int64 ``(n,)``, fen.
        stay_days: int32 ``(n,)``, ``MISSING`` where not given.
        age_days: int32 ``(n,)``, ``MISSING`` where not given.
        person_id: uint64 ``(n,)``, a keyed pseudonym of the insured person, truncated; the unit of privacy.
        text: The free text, or None where the source has none. It never leaves the bureau.
    """

    diagnoses: tuple[CodeColumn, ...]
    operations: tuple[CodeColumn, ...]
    attributes: Mapping[str, CodeColumn]
    fees: npt.NDArray[np.int64]
    total: npt.NDArray[np.int64]
    stay_days: npt.NDArray[np.int32]
    age_days: npt.NDArray[np.int32]
    person_id: npt.NDArray[np.uint64]
    text: CodeColumn | None = None

    def __len__(self) -> int:
        return len(self.total)

    def select(self, rows: npt.NDArray[np.intp]) -> ClaimTable:
        """Some of the claims, in the order given."""
        return ClaimTable(
            diagnoses=tuple(column.select(rows) for column in self.diagnoses),
            operations=tuple(column.select(rows) for column in self.operations),
            attributes={name: column.select(rows) for name, column in self.attributes.items()},
            fees=self.fees[rows],
            total=self.total[rows],
            stay_days=self.stay_days[rows],
            age_days=self.age_days[rows],
            person_id=self.person_id[rows],
            text=None if self.text is None else self.text.select(rows),
        )


def normalise_code(code: str) -> str:
    """The code as features compare it: upper case, without dots and blanks (``i10.X05`` and ``I10x05`` meet)."""
    return code.strip().replace(".", "").upper()


def encode_codes(codes: Sequence[str | None]) -> CodeColumn:
    """Dictionary-encode codes, in order of first appearance; None and empty codes are ``MISSING``."""
    values: dict[str, int] = {}
    indices = np.full(len(codes), MISSING, np.int32)
    for row, code in enumerate(codes):
        if code:
            indices[row] = values.setdefault(normalise_code(code), len(values))
    return CodeColumn(indices=indices, values=tuple(values))


def tabulate(claims: Sequence[Claim], person_ids: Sequence[int] | None = None) -> ClaimTable:
    """The columns of some claims; the way a single claim takes.

    Args:
        claims: At least one.
        person_ids: Pseudonyms of the insured persons, 64 bits each; zeros if None (features do not use them).
    """
    diagnoses = [main_first(claim.diseinfo) for claim in claims]
    operations = [main_operation_first(claim.oprninfo) for claim in claims]
    texts = [claim.dscr_text for claim in claims]
    return ClaimTable(
        diagnoses=_ragged(diagnoses, at_least=1),
        operations=_ragged(operations, at_least=0),
        attributes={name: encode_codes([getattr(claim, name) for claim in claims]) for name in ATTRIBUTES},
        fees=np.array([_fees_in_fen(claim) for claim in claims], np.int64).reshape(-1, len(FEE_CATEGORIES)),
        total=np.array([int(claim.medfee_sumamt * 100) for claim in claims], np.int64),
        stay_days=np.array([stay_days_of(claim) for claim in claims], np.int32),
        age_days=np.array([age_days_of(claim) for claim in claims], np.int32),
        person_id=np.array(person_ids if person_ids is not None else [0] * len(claims), np.uint64),
        text=encode_codes(texts) if any(texts) else None,
    )


def main_first(diagnoses: Sequence[Diagnosis]) -> list[str]:
    """Diagnosis codes, the main one first, the others in the order given."""
    if diagnoses[0].maindiag_flag or len(diagnoses) == 1:
        return [found.diag_code for found in diagnoses]
    return [found.diag_code for found in sorted(diagnoses, key=lambda one: not one.maindiag_flag)]


def main_operation_first(operations: Sequence[Operation]) -> list[str]:
    """Operation codes, the main one first, the others in the order given."""
    if len(operations) <= 1:
        return [found.oprn_oprt_code for found in operations]
    return [found.oprn_oprt_code for found in sorted(operations, key=lambda one: not one.main_oprn_flag)]


def _ragged(codes: Sequence[Sequence[str]], *, at_least: int) -> tuple[CodeColumn, ...]:
    width = max([at_least, *(len(row) for row in codes)])
    return tuple(encode_codes([row[place] if place < len(row) else None for row in codes]) for place in range(width))


def _fees_in_fen(claim: Claim) -> list[int]:
    fees = dict.fromkeys(FEE_CATEGORIES, 0)
    for item in claim.iteminfo:
        fees[item.med_chrgitm_type] += int(item.amt * 100)
    return list(fees.values())


def stay_days_of(claim: Claim) -> int:
    """The stated stay, else what the dates say."""
    if claim.act_ipt_days is not None:
        return claim.act_ipt_days
    if claim.adm_time is None or claim.dscg_time is None:
        return MISSING
    return (claim.dscg_time.date() - claim.adm_time.date()).days


def age_days_of(claim: Claim) -> int:
    """Age in days; a newborn's own age in days goes before completed years."""
    if claim.nwb_age is not None and not claim.age:
        return claim.nwb_age
    return MISSING if claim.age is None else claim.age * DAYS_A_YEAR
