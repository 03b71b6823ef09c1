"""Commitments: what a bureau has masked with, said before anything is opened, so that a cheat is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from common.consortium.encoding import hashed

COMMITMENT_BYTES = 32


def own_commitment(key: bytes) -> bytes:
    """To the key of an own mask."""
    return hashed("commit-self", key)


def pair_commitment(key: bytes) -> bytes:
    """To the key of a pair's mask: both ends must say the same."""
    return hashed("commit-pair", key)


def pair_commitments(keys: Mapping[str, bytes]) -> bytes:
    """To the keys of all pairs of a bureau, in the order of the peers' names."""
    return b"".join(pair_commitment(keys[peer]) for peer in sorted(keys))


def commitment_to(held: bytes, peers: Sequence[str], peer: str) -> bytes:
    """The commitment to the pair with ``peer`` among those to all ``peers`` (sorted)."""
    place = COMMITMENT_BYTES * sorted(peers).index(peer)
    return held[place : place + COMMITMENT_BYTES]


def disagreeing(held: Mapping[str, bytes], cohort: Sequence[str]) -> frozenset[str]:
    """Bureaus whose commitments to a pair are not their peer's: one of the two has not masked as agreed.

    Args:
        held: The pair commitments of each bureau that has answered, by name.
        cohort: Of the attempt.

    Returns:
        Whoever disagrees with most others; at a tie all of them.
    """
    place = {name: at for at, name in enumerate(sorted(cohort))}

    def said(name: str, peer: str) -> bytes:
        start = COMMITMENT_BYTES * (place[peer] - (place[peer] > place[name]))
        return held[name][start : start + COMMITMENT_BYTES]

    apart = {name: sum(said(name, peer) != said(peer, name) for peer in held if peer != name) for name in held}
    worst = max(apart.values(), default=0)
    return frozenset(name for name, count in apart.items() if worst and count == worst)
