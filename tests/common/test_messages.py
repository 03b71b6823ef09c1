"""What messages can hold: bounded fields, codes and numbers, and no free text."""

from enum import StrEnum
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from common.errors import MessageError
from common.messages import Join, Message, Refusal, RefusalCode, bytes_to_words, words_to_bytes
from tests.common.talk import FINGERPRINT, JOIN, ONE_OF_EACH, REPLY, REQUEST, SESSION

KINDS = get_args(Message)


def changed(message: Message, **changes: object) -> Message:
    """The message made anew with other fields."""
    return type(message)(**(message.model_dump() | changes))


def test_the_examples_cover_every_kind_once() -> None:
    assert [type(message) for message in ONE_OF_EACH] == list(KINDS)
    assert len({message.kind for message in ONE_OF_EACH}) == len(KINDS)


@pytest.mark.parametrize("message", ONE_OF_EACH, ids=lambda message: message.kind)
def test_a_message_is_a_value_that_cannot_change(message: Message) -> None:
    assert changed(message) == message
    with pytest.raises(ValidationError, match="frozen"):
        message.session = bytes(16)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_message_has_a_field_for_free_text(kind: type[Any]) -> None:
    """Texts are names, digests and members of closed lists."""
    texts = {name for name, field in kind.model_fields.items() if field.annotation is str}
    assert texts <= {"bureau", "fingerprint", "request", "head"}
    assert not any(field.annotation is float for field in kind.model_fields.values())


def test_a_refusal_holds_a_code_and_nothing_else() -> None:
    assert set(Refusal.model_fields) == {"version", "kind", "session", "bureau", "code"}
    assert issubclass(RefusalCode, StrEnum)
    with pytest.raises(ValidationError, match="code"):
        Refusal(session=SESSION, bureau="north", code="patient Jane Doe has no claims")


@pytest.mark.parametrize("name", ["n", "北京市医保局", "Île-de-France 75", "x" * 64, "局" * 64])
def test_a_bureau_may_be_called_anything_readable(name: str) -> None:
    assert Join(session=SESSION, fingerprint=FINGERPRINT, bureau=name).bureau == name


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb", "ends with a line\n", "\x00", "tab\t", "\x7f", 7, None, b"n"])
def test_a_name_that_could_forge_a_line_of_a_log_is_refused(name: object) -> None:
    for message in (JOIN, REPLY):
        with pytest.raises(ValidationError, match="bureau"):
            changed(message, bureau=name)
    with pytest.raises(ValidationError, match="cohort"):
        changed(REQUEST, cohort=("north", name))


@pytest.mark.parametrize("fingerprint", ["", FINGERPRINT[:-1], FINGERPRINT + "0", FINGERPRINT.upper(), "g" * 64])
def test_a_fingerprint_is_64_lower_case_hexadecimal_digits(fingerprint: str) -> None:
    with pytest.raises(ValidationError, match="fingerprint"):
        changed(JOIN, fingerprint=fingerprint)
    with pytest.raises(ValidationError, match="fingerprint"):
        changed(JOIN, fingerprint=FINGERPRINT + "\n")


@pytest.mark.parametrize("field", ["number", "attempt"])
def test_rounds_and_attempts_count_from_one_to_a_million(field: str) -> None:
    for fine in (1, 1_000_000):
        assert getattr(changed(REQUEST, **{field: fine}), field) == fine
    for wrong in (0, -1, 1_000_001, True, 1.0):
        with pytest.raises(ValidationError, match=field):
            changed(REQUEST, **{field: wrong})


def test_a_cohort_has_at_least_one_bureau_and_at_most_ten_thousand() -> None:
    for wrong in ((), ("x",) * 10_001):
        with pytest.raises(ValidationError, match="cohort"):
            changed(REQUEST, cohort=wrong)


def test_what_is_refused_is_not_shown() -> None:
    with pytest.raises(ValidationError) as caught:
        changed(JOIN, bureau="Jane\nDoe")
    assert "Jane" not in str(caught.value)


@given(st.integers(0, 5), st.integers(1, 5), st.integers(0, 2**32 - 1))
@settings(derandomize=True, deadline=None)
def test_words_survive_the_way_to_bytes_and_back(n_rows: int, n_columns: int, seed: int) -> None:
    words = np.random.default_rng(seed).integers(-(2**63), 2**63 - 1, (n_rows, n_columns))
    found = bytes_to_words(words_to_bytes(words), (n_rows, n_columns))
    assert found.dtype == np.int64
    assert np.array_equal(found, words)


def test_words_are_little_endian_and_row_by_row() -> None:
    held = words_to_bytes(np.asfortranarray([[1, -1], [256, 0]]))
    assert held.hex() == "0100000000000000ffffffffffffffff00010000000000000000000000000000"


@pytest.mark.parametrize("length", [0, 7, 9, 15, 17, 24])
def test_bytes_of_another_length_are_no_words(length: int) -> None:
    with pytest.raises(MessageError, match=f"{length} bytes are not 1 x 2 words of 8"):
        bytes_to_words(bytes(length), (1, 2))


def test_words_can_be_changed_without_changing_the_message() -> None:
    held = bytes(8)
    bytes_to_words(held, (1,))[0] = 7
    assert held == bytes(8)
