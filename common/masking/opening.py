"""The coordinator's side, and any auditor's: check what bureaus sent, open the sum, name whoever cheated.

Nothing here needs a secret, so whoever has a session's signed messages can do it again, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from common.errors import MessageError, RoundLostError
from common.masking.commitments import commitment_to, own_commitment, pair_commitment
from common.masking.keys import KEY_BYTES
from common.masking.masks import as_signed, mask, remove_pair
from common.masking.participant import Contribution, Revealed

WORD_BYTES = 8


class CheatError(MessageError):
    """A bureau has sent what no honest bureau sends: exclude it from the next session.

    Attributes:
        bureau: Its name.
    """

    def __init__(self, bureau: str, what: str) -> None:
        """Name it, and say what it did."""
        super().__init__(f"bureau {bureau} {what}: leave it out of the next session")
        self.bureau = bureau


def check_contribution(name: str, given: Contribution, context: bytes, cohort: Sequence[str], n_words: int) -> None:
    """Nothing, if a contribution has the form that its context demands.

    Raises:
        CheatError: If not.
    """
    if given.context != context:
        raise CheatError(name, "answered in another context")
    if len(given.words) != WORD_BYTES * n_words or len(given.own_commitment) != 32:  # noqa: PLR2004  SHA-256
        raise CheatError(name, f"did not send {n_words} words and a commitment")
    if len(given.pair_commitments) != 32 * (len(cohort) - 1):
        raise CheatError(name, "did not commit to a key for each of its pairs")


def check_revealed(
    name: str, revealed: Revealed, given: Contribution, cohort: Sequence[str], survivors: Sequence[str]
) -> None:
    """Nothing, if revealed keys are those that were committed to, for exactly those who were lost.

    Raises:
        CheatError: If not.
    """
    if revealed.context != given.context or set(revealed.pair_keys) != set(cohort) - set(survivors):
        raise CheatError(name, "did not reveal the keys of those who were lost, or in another context")
    if any(len(key) != KEY_BYTES for key in (revealed.own_key, *revealed.pair_keys.values())):
        raise CheatError(name, "revealed a key that is none")
    if own_commitment(revealed.own_key) != given.own_commitment:
        raise CheatError(name, "revealed another key of its own mask than it committed to")
    peers = [peer for peer in cohort if peer != name]
    for peer, key in revealed.pair_keys.items():
        if pair_commitment(key) != commitment_to(given.pair_commitments, peers, peer):
            raise CheatError(name, f"revealed another key of its pair with {peer} than it committed to")


def open_sum(
    given: Mapping[str, Contribution], survivors: Sequence[str], revealed: Mapping[str, Revealed]
) -> npt.NDArray[np.int64]:
    """The sum of the survivors' noised words.

    Guarantees:
        * Exactly the integer sum, if all have masked as they committed; the order of bureaus does not matter.

    Args:
        given: Contributions by name; of the survivors, at least.
        survivors: Whose words are in the sum.
        revealed: The keys of each of them.

    Raises:
        RoundLostError: If keys of a survivor are missing.
    """
    missing = [name for name in survivors if name not in revealed or name not in given]
    if missing or not survivors:
        msg = f"{len(missing)} survivors have not revealed their keys: wait for them, or ask the round again"
        raise RoundLostError(msg)
    total = np.zeros(len(given[survivors[0]].words) // WORD_BYTES, np.uint64)
    for name in survivors:
        total += np.frombuffer(given[name].words, "<u8").astype(np.uint64, copy=False)
        total -= mask(revealed[name].own_key, len(total))
        for peer, key in revealed[name].pair_keys.items():
            remove_pair(total, name, peer, key)
    return as_signed(total)
