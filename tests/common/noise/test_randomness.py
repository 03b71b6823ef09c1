import os

import numpy as np
import pytest

from common.noise.randomness import AesStream, RandomBytes, random_words


def test_the_stream_is_aes_in_counter_mode() -> None:
    assert AesStream(bytes(32))(16).hex() == "dc95c078a2408989ad48a21492842087"  # NIST AESAVS, zero key, zero block


def test_only_the_number_of_bytes_matters_not_the_number_of_calls() -> None:
    whole, parts = AesStream(b"s" * 32), AesStream(b"s" * 32)
    assert whole(100) == parts(1) + parts(0) + parts(63) + parts(36)


def test_streams_of_different_seeds_differ() -> None:
    assert AesStream(b"a" * 32)(32) != AesStream(b"b" * 32)(32)


def test_words_are_little_endian_on_every_machine() -> None:
    words = random_words(lambda n_bytes: bytes(range(n_bytes)), 2)
    assert words.tolist() == [0x0706050403020100, 0x0F0E0D0C0B0A0908]
    assert words.dtype == np.uint64


def test_the_operating_system_is_a_source() -> None:
    source: RandomBytes = os.urandom
    assert len(random_words(source, 3)) == 3


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_seed_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        AesStream(bytes(size))


@pytest.mark.parametrize("given", [b"", b"1234567", b"123456789"])
def test_a_source_that_gives_too_few_or_too_many_bytes_is_refused(given: bytes) -> None:
    with pytest.raises(ValueError, match="instead of 8"):
        random_words(lambda _: given, 1)
