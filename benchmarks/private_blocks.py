"""Rows of public hospital data, block by block: a share per mille of the unit ball, and columns no longer than 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float64]
Block = tuple[int, Floats]
"""Share per mille and columns: one for a number, more for a one-hot."""


def diabetes130_blocks(table: pa.Table) -> list[Block]:
    """Numbers between the limits of the code book, and one-hots."""
    return [
        (100, _number([int(text[1:].partition("-")[0]) for text in table["age"].to_pylist()], 0, 90)),
        (100, _number(table["time_in_hospital"], 1, 14, is_log=True)),
        (80, _number(table["num_lab_procedures"], 1, 132)),
        (60, _number(table["num_procedures"], 0, 6)),
        (100, _number(table["num_medications"], 1, 81)),
        (30, _number(table["number_outpatient"], 0, 42, is_log=True)),
        (30, _number(table["number_emergency"], 0, 76, is_log=True)),
        (60, _number(table["number_inpatient"], 0, 21, is_log=True)),
        (60, _number(table["number_diagnoses"], 1, 16)),
        (30, _one_hot(table["gender"], ("Female", "Male"))),
        (80, _one_hot(table["admission_type_id"], ("1", "2", "3"))),
        (40, _one_hot(table["admission_source_id"], ("1", "7"))),
        (150, _one_hot(pa.array(map(_organ_system, table["diag_1"].to_pylist())), tuple(ORGAN_SYSTEMS))),
        (40, _one_hot(table["A1Cresult"], (">8", ">7", "Norm"))),
        (40, _one_hot(table["insulin"], ("No", "Steady", "Down", "Up"))),
    ]


ORGAN_SYSTEMS: Mapping[str, Sequence[range]] = {
    "circulatory": (range(390, 460), range(785, 786)),
    "respiratory": (range(460, 520), range(786, 787)),
    "digestive": (range(520, 580), range(787, 788)),
    "diabetes": (range(250, 251),),
    "injury": (range(800, 1000),),
    "musculoskeletal": (range(710, 740),),
    "genitourinary": (range(580, 630), range(788, 789)),
    "neoplasms": (range(140, 240),),
}
"""Groups of ICD-9 codes; Strack et al., "Impact of HbA1c Measurement on Hospital Readmission Rates", 2014, table 2."""


def _organ_system(code: str | None) -> str | None:
    number = (code or "").partition(".")[0]
    fits = (name for name, ranges in ORGAN_SYSTEMS.items() if any(int(number) in one for one in ranges))
    return next(fits, None) if number.isdecimal() else None


def randhie_blocks(table: pa.Table) -> list[Block]:
    """Numbers between round limits that hold what was observed."""
    return [
        (150, _number(table["xage"], 0, 65)),
        (100, _number(table["female"], 0, 1)),
        (100, _number(table["educdec"], 0, 25)),
        (100, _number(table["income"], 0, 30_000, is_log=True)),
        (100, _number(table["disea"], 0, 60)),
        (50, _number(table["physlm"], 0, 1)),
        (150, _number(table["mdvis"], 0, 80, is_log=True)),
        (150, _number(table["meddol"], 0, 40_000, is_log=True)),
        (100, _number(table["drugdol"], 0, 2_000, is_log=True)),
    ]


def _number(values: Sequence[int] | pa.ChunkedArray, low: float, high: float, *, is_log: bool = False) -> Floats:
    """-1 at ``low`` and 1 at ``high``, on a logarithmic scale from 1 if wanted; the middle where missing."""
    found = np.array(values, np.float64)
    bottom, top = (np.log1p(low), np.log1p(high)) if is_log else (low, high)
    scaled = np.clip((np.log1p(found) if is_log else found) - bottom, 0, top - bottom) / (top - bottom) * 2 - 1
    column: Floats = np.nan_to_num(scaled, nan=0.0)[:, np.newaxis]
    return column


def _one_hot(values: pa.Array | pa.ChunkedArray, listed: tuple[str, ...]) -> Floats:
    """A column of 0 and 1 for each listed value; anything else is zero everywhere."""
    texts = np.array(pc.fill_null(values.cast(pa.string()), "").to_pylist())
    found: Floats = (texts[:, np.newaxis] == np.array(listed)).astype(np.float64)
    return found
