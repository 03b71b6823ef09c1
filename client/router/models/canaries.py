"""Canaries: claims that are decided under the old and the new model, to see how far lanes would move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.errors import RefusedError


class CanaryError(RefusedError):
    """The new model moves more canary claims than the bureau allows; try it as a shadow, or look at what moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """How lanes move between two models.

    Attributes:
        n_claims: How many claims were decided under both.
        pairs: How many went from one lane to another, or stayed; by old and new lane.
    """

    n_claims: int
    pairs: Mapping[tuple[str, str], int]

    @property
    def n_moved(self) -> int:
        """Claims whose lane changes."""
        return sum(count for (before, after), count in self.pairs.items() if before != after)

    @property
    def share_moved(self) -> float:
        """Of all claims; 0 without claims."""
        return self.n_moved / self.n_claims if self.n_claims else 0.0


def moves(before: Sequence[str], after: Sequence[str]) -> Moves:
    """Compare the lanes of the same claims, in the same order, under two models."""
    return Moves(n_claims=len(before), pairs=dict(Counter(zip(before, after, strict=True))))


def insist_steady(found: Moves, most_share: float) -> None:
    """Nothing, if no more lanes move than the bureau allows.

    Raises:
        CanaryError: If more do, or there is no canary to judge by although the limit would allow less than all to move.
    """
    if most_share >= 1:
        return
    if not found.n_claims:
        msg = "there are no canary claims to judge a new model by: name a file in service.toml (or allow every move)"
        raise CanaryError(msg)
    if found.share_moved > most_share:
        worst = ", ".join(
            f"{count} from {old} to {new}" for (old, new), count in sorted(found.pairs.items()) if old != new
        )
        msg = (
            f"{found.n_moved} of {found.n_claims} canary claims would change their lane ({worst}); "
            f"the policy allows a share of {most_share:g}: let the model run as a shadow first"
        )
        raise CanaryError(msg)
