"""Records: nothing in one can be changed unnoticed, and rows in them are exact."""

import json

import numpy as np
import pytest

from client.router.deciding.record import MOST_BYTES, DecisionRecord, identity_of, sealed, spelling
from client.router.deciding.rowtext import row_of, row_texts
from common.errors import InputError
from tests.client.router.deciding.worlds import decisions, rows

FIELDS = decisions().record(0).model_dump(mode="json")


def other(value: object) -> object:
    """Something else of the same kind."""
    if isinstance(value, list):
        return [*value[:-1], other(value[-1])] if value else ["x"]
    if isinstance(value, dict):
        return {**value, next(iter(value)): other(value[next(iter(value))])}
    if isinstance(value, str):
        return ("1" if value[:1] != "1" else "2") + value[1:]
    return value / 2 if isinstance(value, float) else 7 if value is None else value + 1  # type: ignore[operator]


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_a_record_with_any_field_changed_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="no decision record"):
        DecisionRecord.from_json(json.dumps(FIELDS | {name: other(FIELDS[name])}).encode())


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_a_record_without_a_field_or_with_one_more_is_refused(name: str) -> None:
    without = {key: value for key, value in FIELDS.items() if key != name}
    if name != "format":
        with pytest.raises(InputError):
            DecisionRecord.from_json(spelling(without))
    with pytest.raises(InputError):
        DecisionRecord.from_json(spelling(FIELDS | {f"{name}_too": 1}))


def test_a_record_whose_contributions_do_not_add_up_or_whose_lane_is_another_cannot_be_sealed() -> None:
    for change in ({"square_distance": FIELDS["square_distance"] + 1}, {"lane": "FAST"}):
        with pytest.raises(ValueError, match="contradicts itself"):
            sealed({**FIELDS, **change})


def test_sealing_gives_the_record_again() -> None:
    assert sealed(FIELDS).to_json() == spelling(FIELDS)
    assert identity_of(FIELDS) == FIELDS["decision_id"]


def test_an_error_about_a_record_shows_nothing_of_it() -> None:
    with pytest.raises(InputError) as caught:
        DecisionRecord.from_json(spelling(FIELDS | {"claim_key": "SECRET" * 40}))
    assert "SECRET" not in str(caught.value)


def test_bytes_that_are_no_record_are_refused() -> None:
    for wrong in (b"", b"{}", b"[]", b"\xff", b"null", b"[" * 5000, b" " * (MOST_BYTES + 1)):
        with pytest.raises(InputError):
            DecisionRecord.from_json(wrong)


def test_a_row_in_a_text_is_the_row() -> None:
    held = np.vstack((rows()[:200], np.zeros((1, rows().shape[1]), np.float32)))
    held[0] = 0.0
    held[1, [0, -1]] = (1.0, -1.0)
    for row, text in zip(held, row_texts(held), strict=True):
        assert (row_of(text, held.shape[1])[0] == row).all()


def test_a_text_that_is_no_row_of_this_length_is_refused() -> None:
    text = row_texts(rows()[:1])[0]
    for wrong, length in ((text, 10), ("?", 94), (text[:-4], 94), ("AAAA", 94)):
        with pytest.raises(InputError, match="does not fit the model"):
            row_of(wrong, length)
