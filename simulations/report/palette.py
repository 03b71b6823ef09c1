"""Which colour a fee category has: five families of hues that colour-blind readers tell apart, shades within.

The colours themselves stand in the style sheet, under ``fee-NN`` and ``family-NAME``.

References:
    Okabe and Ito, "Color Universal Design", 2008.
"""

from __future__ import annotations

from collections.abc import Sequence

from common.claim import FEE_CATEGORIES
from simulations.report.texts import Text

FAMILIES: dict[str, tuple[str, ...]] = {
    "drugs": ("09", "11", "10"),
    "diagnostics": ("04", "03"),
    "procedures": ("05", "06"),
    "materials": ("08",),
    "care": ("01", "07", "02", "12", "13"),
    "other": ("14",),
}
"""Fee categories by family, in the order in which bars stack them."""

NO_FEES = "unknown"
"""The family of a cluster whose claims say nothing of their fees."""

STACK: tuple[str, ...] = tuple(code for codes in FAMILIES.values() for code in codes)

_PLACES = {code: place for place, code in enumerate(FEE_CATEGORIES)}


def category_name(code: str) -> Text:
    """A fee category in words."""
    chinese, english = FEE_CATEGORIES[code]
    return Text(en=english, zh=chinese)


def share_of(code: str, fee_shares: Sequence[float]) -> float:
    """The share of one category, out of shares in the order of ``FEE_CATEGORIES``."""
    return fee_shares[_PLACES[code]]


def family_shares(fee_shares: Sequence[float]) -> dict[str, float]:
    """Shares added up by family."""
    return {family: sum(share_of(code, fee_shares) for code in codes) for family, codes in FAMILIES.items()}


def leading_family(fee_shares: Sequence[float]) -> str:
    """The family that most of the money goes to."""
    shares = family_shares(fee_shares)
    return max(shares, key=shares.__getitem__) if any(share > 0 for share in shares.values()) else NO_FEES
