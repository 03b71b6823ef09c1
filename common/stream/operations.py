"""Categories of operations, which are watched for surges of what is too rare to be a cluster.

A category is the first two digits of the main operation's code (ICD-9-CM-3), as published: 37 is operations on the
heart. Which categories there are is public; no code beyond it is ever counted.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from common.columns import MISSING, ClaimTable

N_CATEGORIES = 100
NONE = -1

Categories = npt.NDArray[np.int16]


def categories_of(table: ClaimTable) -> Categories:
    """The category of each claim's main operation, int16 ``(n,)``; -1 without an operation, or of no category."""
    if not table.operations:
        return np.full(len(table), NONE, np.int16)
    main = table.operations[0]
    known = np.array([_category(code) for code in main.values] or [NONE], np.int16)
    return np.where(main.indices == MISSING, np.int16(NONE), known[np.maximum(main.indices, 0)])


def _category(code: str) -> int:
    return int(code[:2]) if len(code) >= 2 and code[:2].isascii() and code[:2].isdigit() else NONE  # noqa: PLR2004
