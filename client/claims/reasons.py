"""Why a row was refused: the closed list of reasons, and the verdict over a batch of rows."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
"""One truth value a row."""


class Reason(StrEnum):
    """Why a row did not become a claim. A row with several faults is counted under the first one of this list."""

    MISSING_KEY = "missing_key"
    """The claim key or the person key is empty."""
    ILL_FORMED_KEY = "ill_formed_key"
    """A key is longer than 128 characters."""
    MISSING_AMOUNT = "missing_amount"
    """The total amount is empty."""
    ILL_FORMED_NUMBER = "ill_formed_number"
    """A number is not plain decimal digits, is NaN or infinite, or has a fraction where none may be."""
    NUMBER_OUT_OF_RANGE = "number_out_of_range"
    """An amount beyond 1e12, a stay beyond ten years, an age beyond 130 years, or a negative one of these two."""
    ILL_FORMED_DATE = "ill_formed_date"
    """A date is in no accepted form, or not in the calendar."""
    DATE_OUT_OF_RANGE = "date_out_of_range"
    """A date lies before 1990 or after 2100."""
    ILL_FORMED_CODE = "ill_formed_code"
    """A code has characters no code has, or more than 32 of them."""
    UNKNOWN_VALUE = "unknown_value"
    """A value is not among those the field may have, and the mapping does not translate it."""
    TOO_MANY_CODES = "too_many_codes"
    """More than 64 diagnoses or operations."""
    TEXT_TOO_LONG = "text_too_long"
    """Free text of more than 4096 characters."""
    MAIN_DIAGNOSIS = "main_diagnosis"
    """No diagnosis, or several of which none is the main one."""
    NEGATIVE_AMOUNT = "negative_amount"
    """A negative total on a row that is not flagged as a refund."""
    FEES_DO_NOT_ADD_UP = "fees_do_not_add_up"
    """The fee categories and the total differ by more than rounding."""
    PAYMENT_DOES_NOT_ADD_UP = "payment_does_not_add_up"
    """The fund's, the person's and the hospital's parts and the total differ by more than rounding."""
    DATES_DISORDERED = "dates_disordered"
    """Discharged before admitted."""
    STAY_CONTRADICTS_DATES = "stay_contradicts_dates"
    """The stated stay and the dates differ by more than a day."""
    DUPLICATE_CLAIM_KEY = "duplicate_claim_key"
    """An earlier row has the same claim key."""
    REFUND_WITHOUT_CLAIM = "refund_without_claim"
    """A refund whose claim is not in the file."""
    REFUND_EXCEEDS_CLAIM = "refund_exceeds_claim"
    """A claim from which more was refunded than was charged."""


REASONS: tuple[Reason, ...] = tuple(Reason)
_RANKS = {reason: rank for rank, reason in enumerate(REASONS)}
_NONE = len(REASONS)


class Verdicts:
    """The first reason against each of ``n_rows`` rows.

    Guarantees:
        * The order in which faults are reported does not matter: the first one of ``Reason`` stands.
    """

    def __init__(self, n_rows: int) -> None:
        """Nothing is held against any row yet."""
        self._ranks = np.full(n_rows, _NONE, np.uint8)

    def blame(self, reason: Reason, rows: Mask) -> None:
        """Report a fault in some rows."""
        np.minimum(self._ranks, np.where(rows, np.uint8(_RANKS[reason]), np.uint8(_NONE)), out=self._ranks)

    @property
    def accepted(self) -> Mask:
        """The rows without a fault."""
        return np.equal(self._ranks, _NONE)

    def counts(self) -> dict[Reason, int]:
        """How many rows were refused for which reason."""
        found = np.bincount(self._ranks, minlength=_NONE + 1)
        return {reason: int(found[rank]) for reason, rank in _RANKS.items() if found[rank]}

    def reason(self, row: int) -> Reason | None:
        """The reason against one row, None if it stands accepted."""
        rank = int(self._ranks[row])
        return None if rank == _NONE else REASONS[rank]
