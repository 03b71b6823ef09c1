"""Masks cancel exactly, whatever the words."""

from __future__ import annotations

import numpy as np
import pytest

from common.masking.masks import add_pair, as_signed, mask, masked, remove_pair
from tests.common.masking.bureaus import bureaus, context_of, remembered, sum_of, words_of

KEY, OTHER_KEY = bytes(32), bytes(31) + b"\1"
LOWEST, HIGHEST = -(2**63), 2**63 - 1


def test_a_mask_is_the_key_stream_of_aes_in_little_endian_words() -> None:
    blocks = bytes.fromhex("dc95c078a2408989ad48a21492842087")  # NIST AESAVS, zero key, zero block
    assert mask(KEY, 2).tolist() == [int.from_bytes(blocks[:8], "little"), int.from_bytes(blocks[8:], "little")]
    assert mask(KEY, 2).dtype == np.uint64


def test_a_shorter_mask_is_the_beginning_of_a_longer_one() -> None:
    assert mask(KEY, 100)[:7].tolist() == mask(KEY, 7).tolist()


def test_masks_of_different_keys_differ_in_every_word() -> None:
    assert not (mask(KEY, 64) == mask(OTHER_KEY, 64)).any()


def test_the_lesser_name_adds_and_the_greater_subtracts() -> None:
    total = np.zeros(3, np.uint64)
    add_pair(total, "a", "b", KEY)
    assert total.tolist() == mask(KEY, 3).tolist()
    add_pair(total, "b", "a", KEY)
    assert total.tolist() == [0, 0, 0]


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_what_was_put_on_is_taken_off(names: tuple[str, str]) -> None:
    total = np.arange(5, dtype=np.uint64)
    add_pair(total, *names, KEY)
    assert total.tolist() != [0, 1, 2, 3, 4]
    remove_pair(total, *names, KEY)
    assert total.tolist() == [0, 1, 2, 3, 4]


def test_by_hand_masked_words_are_words_and_own_mask_and_pair_masks() -> None:
    words = np.array([5, -7], np.int64)
    expected = [
        (word + own + after - before) % 2**64
        for word, own, after, before in zip(
            [5, -7], mask(b"o" * 32, 2).tolist(), mask(b"c" * 32, 2).tolist(), mask(b"a" * 32, 2).tolist(), strict=True
        )
    ]
    assert masked(words, "b", b"o" * 32, {"c": b"c" * 32, "a": b"a" * 32}).tolist() == expected
    assert words.tolist() == [5, -7]


@pytest.mark.parametrize("word", [LOWEST, -1, 0, 1, HIGHEST])
def test_every_signed_word_stands_for_its_residue(word: int) -> None:
    residue = np.array([word % 2**64], np.uint64)
    assert as_signed(residue).tolist() == [word]
    assert as_signed(masked(np.array([word], np.int64), "a", KEY, {}) - mask(KEY, 1)).tolist() == [word]


@pytest.mark.parametrize(
    ("words", "total"),
    [
        ((-1, -2, -3), -6),
        ((LOWEST, HIGHEST, 0), -1),
        ((HIGHEST, HIGHEST, HIGHEST), 3 * HIGHEST - 2**64),
        ((HIGHEST, 1, 0), LOWEST),
        ((LOWEST, LOWEST, LOWEST), LOWEST),
    ],
)
def test_sums_are_modulo_two_to_the_64(words: tuple[int, ...], total: int) -> None:
    with remembered():
        machines = bureaus(3)
        given = {name: np.array([word, 0], np.int64) for name, word in zip(machines, words, strict=True)}
        assert sum_of(machines, context_of(machines), given, list(machines)).tolist() == [total, 0]


def test_masked_words_say_nothing_to_the_eye() -> None:
    machines = bureaus(3)
    words = {name: np.zeros(4_000, np.int64) for name in machines}
    given = machines["b000"].contribute(context_of(machines), words["b000"])
    ones = np.unpackbits(np.frombuffer(given.words, np.uint8)).sum()
    assert abs(int(ones) - 128_000) < 5 * 253  # five standard deviations of 256,000 fair bits


def test_words_of_other_bureaus_have_masks_of_their_own() -> None:
    machines = bureaus(3)
    given = {name: machines[name].contribute(context_of(machines), words_of(machines)["b000"]) for name in machines}
    assert len({each.words for each in given.values()}) == 3
