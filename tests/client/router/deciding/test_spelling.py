"""Compiled spelling: byte for byte what Python's own writes, number by number and record by record."""

from __future__ import annotations

import json

import numpy as np
import pytest

from client.router.deciding.deciding import decide
from client.router.deciding.line import Line, Texts
from client.router.deciding.record import DecisionRecord
from client.router.deciding.rowtext import row_texts
from client.router.deciding.scoring import MILLION
from client.router.deciding.spelling import Kind
from client.router.records import Records
from client.router.registers import Registers
from client.router.rules.evaluate import evaluate
from client.router.rules.history import History
from client.router.rules.table import default_rules
from tests.client.router.deciding.worlds import NOW, artefacts, routed, rows

NO_ROWS = np.zeros((1, 0), np.float32)


def written(line: Line, n_records: int, held: np.ndarray = NO_ROWS) -> list[str]:
    given = np.repeat(held, n_records, axis=0) if len(held) != n_records else held
    return [bytes(view).decode() for view in line.write(given).views()]


def line_of(numbers: list[int], kind: Kind) -> list[str]:
    line = Line(len(numbers), Texts.of([]))
    line.numbers(np.array(numbers, np.int64), kind)
    return written(line, len(numbers))


def test_every_millionth_is_spelled_as_the_float_it_is() -> None:
    numbers = [*range(MILLION + 1)]
    assert line_of(numbers, Kind.MILLIONTHS) == [repr(number / MILLION) for number in numbers]


def test_whole_numbers_of_any_size_and_sign_are_spelled_in_full() -> None:
    powers = [sign * (10**power + more) for power in range(19) for sign in (-1, 1) for more in (-1, 0, 1)]
    numbers = [*powers, np.iinfo(np.int64).min, np.iinfo(np.int64).max]
    assert line_of(numbers, Kind.NUMBER) == [str(number) for number in numbers]
    assert line_of([-1, 0, 10], Kind.OPTIONAL) == ["null", "0", "10"]


def test_a_row_is_spelled_as_its_text() -> None:
    held = np.vstack((rows()[:300], np.zeros((1, rows().shape[1]), np.float32)))
    held[1, [0, -1]] = (1.0, -1.0)
    line = Line(len(held), Texts.of([]))
    line.row()
    assert written(line, len(held), held) == row_texts(held)


def test_a_line_says_what_was_said_in_its_order() -> None:
    line = Line(2, Texts.of(["x", "", "yy"]))
    line.say('{"a":')
    line.lists(np.array([[1, -2], [30, 4]]))
    line.say(',"b":')
    line.texts(["first", "second"])
    line.known(np.array([2, 1]))
    line.identity()
    line.texts(["one", "other"], np.array([True, False]))
    line.say("}")
    unsealed = line.write(np.repeat(NO_ROWS, 2, axis=0))
    assert list(unsealed.sealed(b"<1><2>")) == [b'{"a":[1,-2],"b":firstyy<1>other}', b'{"a":[30,4],"b":second<2>one}']
    assert next(map(bytes, unsealed.views())) == b'{"a":[1,-2],"b":firstyyother}'


def test_records_that_lie_together_are_a_sequence_like_any_other() -> None:
    plain = [b"a", b"", b"ccc", b"dd"]
    lying = Records.of(plain)
    assert (lying, lying[-1], lying[2], lying[1:3]) == (plain, b"dd", b"ccc", plain[1:3])
    assert (lying[3:1], lying[::-1], lying[1:][1:]) == ([], plain[::-1], plain[2:])
    assert lying != plain[:-1]
    assert Records.of(lying) is lying
    with pytest.raises(IndexError):
        lying[4]


@pytest.mark.slow
def test_tens_of_thousands_of_records_have_the_one_spelling() -> None:
    n = 20_000
    found = evaluate(default_rules(), routed(n, 5), History(days=400), Registers())
    held = decide(routed(n, 5), rows(n, 5), found, artefacts(), NOW).records()
    assert len({one.decision_id for one in held}) == n
    for one in held:
        record = DecisionRecord.from_json(one.record)
        assert (record.to_json(), record.decision_id) == (one.record, one.decision_id)
        assert json.loads(one.record)["claim_key"] == record.claim_key
