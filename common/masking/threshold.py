"""How many bureaus must stand behind a sum."""

from __future__ import annotations


def threshold(n_members: int, honest_floor: int, colluding: int) -> int:
    """Survivors that every opened sum needs: more than two thirds, and enough for the honest floor.

    Guarantees:
        * Two sets of so many survivors share an honest bureau, as long as at most a third of the members collude.
        * Whatever ``colluding`` of them know, at least ``honest_floor`` honest summaries are in every opened sum.

    Args:
        n_members: Of the session.
        honest_floor: Bureaus whose noise is counted on.
        colluding: Bureaus that may side with the coordinator.

    >>> threshold(3, 2, 1), threshold(10, 2, 1), threshold(100, 2, 1), threshold(300, 2, 1)
    (3, 7, 67, 201)
    """
    return max(2 * n_members // 3 + 1, honest_floor + colluding)
