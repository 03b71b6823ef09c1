"""Digests of claims: the same for the same claim, others for any other, and none without the key."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from client.windows.digests import ClaimDigester
from common.columns import ClaimTable, CodeColumn, encode_codes

KEY = bytes(range(32))
DIGESTER = ClaimDigester(KEY)


def table(n: int = 3) -> ClaimTable:
    return ClaimTable(
        diagnoses=(encode_codes(["I10", "J18", "A00"][:n]), encode_codes([None, "E11", None][:n])),
        operations=(encode_codes([None, "47.0", None][:n]),),
        attributes={"gend": encode_codes(["1", "2", "1"][:n])},
        fees=np.arange(14 * n, dtype=np.int64).reshape(n, 14),
        total=np.array([100, 200, 300][:n], np.int64),
        stay_days=np.array([1, -1, 3][:n], np.int32),
        age_days=np.array([400, 500, -1][:n], np.int32),
        person_id=np.array([7, 8, 7][:n], np.uint64),
    )


def coded(column: CodeColumn, row: int, code: str) -> CodeColumn:
    """A column with another code in one row."""
    indices = column.indices.copy()
    indices[row] = len(column.values)
    return CodeColumn(indices=indices, values=(*column.values, code))


def changed(name: str) -> ClaimTable:
    whole = table()
    values = getattr(whole, name).copy()
    values[1] += 1
    return replace(whole, **{name: values})


CHANGES = {
    **{name: changed(name) for name in ("fees", "total", "stay_days", "age_days", "person_id")},
    "diagnosis": replace(table(), diagnoses=(table().diagnoses[0], coded(table().diagnoses[1], 1, "E10"))),
    "operation": replace(table(), operations=(coded(table().operations[0], 1, "47.1"),)),
    "operation gone": replace(table(), operations=()),
    "attribute": replace(table(), attributes={"gend": coded(table().attributes["gend"], 1, "9")}),
    "text": replace(table(), text=coded(encode_codes([None, None, None]), 1, "SEEN AGAIN")),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_claim_that_was_changed_anywhere_has_another_digest_and_no_other_claim_has(name: str) -> None:
    before, after = DIGESTER.contents(table()), DIGESTER.contents(CHANGES[name])
    assert (before != after).tolist() == [False, True, False]


def test_a_claim_has_the_same_digest_in_whatever_batch_it_comes() -> None:
    whole = DIGESTER.contents(table())
    for row in range(3):
        alone = table().select(np.array([row]))
        narrow = replace(alone, diagnoses=tuple(one for one in alone.diagnoses if one.indices[0] >= 0))
        assert DIGESTER.contents(alone) == DIGESTER.contents(narrow) == whole[row]


def test_a_code_is_not_mistaken_for_the_same_code_in_another_place() -> None:
    one = replace(table(1), operations=(), diagnoses=(encode_codes(["X"]), encode_codes(["Y"])))
    other = replace(one, diagnoses=(encode_codes(["Y"]), encode_codes(["X"])))
    moved = replace(one, diagnoses=(encode_codes(["X"]),), operations=(encode_codes(["Y"]),))
    assert len({int(DIGESTER.contents(each)[0]) for each in (one, other, moved)}) == 3


def test_without_the_key_no_digest_can_be_confirmed() -> None:
    other = ClaimDigester(bytes(32))
    assert not np.any(other.contents(table()) == DIGESTER.contents(table()))
    assert not np.any(other.keys(["a", "b"]) == DIGESTER.keys(["a", "b"]))
    assert DIGESTER.keys(["a", "b", "a"]).tolist() == [*DIGESTER.keys(["a", "b"]).tolist(), *DIGESTER.keys(["a"])]


def test_a_claim_key_and_a_person_of_the_same_name_have_nothing_in_common() -> None:
    from client.claims.pseudonym import Pseudonymiser  # noqa: PLC0415  only to compare

    assert DIGESTER.keys(["a"]) != Pseudonymiser(KEY).person_ids([b"a"])
