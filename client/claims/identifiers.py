"""Direct identifiers at the door: by the name of a column, and by the shape of a value."""

from __future__ import annotations

import re
from collections.abc import Iterable

from common.claim import DIRECT_IDENTIFIERS
from common.errors import IdentifierError

_MOBILE = re.compile(r"(?<![0-9])1[3-9][0-9]{9}(?![0-9])")
_NATIONAL = re.compile(
    r"(?<![0-9])[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx](?![0-9])"
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_DIGITS = "10X98765432"


def named_identifiers(columns: Iterable[str], ignored: Iterable[str] = ()) -> tuple[str, ...]:
    """The columns whose name says that they identify a person, apart from those ignored on purpose."""
    dropped = {name.strip().casefold() for name in ignored}
    return tuple(
        name for name in columns if (low := name.strip().casefold()) in DIRECT_IDENTIFIERS and low not in dropped
    )


def refuse_named_identifiers(columns: Iterable[str], ignored: Iterable[str] = ()) -> None:
    """Let no column pass that identifies a person by its name.

    Raises:
        IdentifierError: With the names of the columns and what to do about them.
    """
    found = named_identifiers(columns, ignored)
    if found:
        msg = (
            f"the file has columns that identify persons directly: {', '.join(found)}. Remove them from the file, "
            "or list them under ignored_identifiers in the mapping; they are then never read"
        )
        raise IdentifierError(msg)


def looks_like_identifier(text: str) -> bool:
    """Whether a text holds a national identity number (with a valid check digit) or a mobile number."""
    if len(text) < 11:  # noqa: PLR2004 - a mobile number has 11 digits, nothing shorter is looked for
        return False
    return _MOBILE.search(text) is not None or any(_is_valid(found) for found in _NATIONAL.findall(text))


def _is_valid(number: str) -> bool:
    """Whether the check digit of an 18-character identity number is right (ISO 7064 MOD 11-2)."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number[:17], strict=True))
    return _CHECK_DIGITS[total % 11] == number[17].upper()
