"""The same question is recognised wherever it comes from, and another question is never taken for it."""

from __future__ import annotations

from dataclasses import fields as fields_of
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from client.claims.ingest import Ingest
from client.claims.sources.opening import open_source
from client.router.claims import RoutedClaims, routed_claims
from client.router.files import routed
from client.router.registers import Registers
from client.router.store.asking import asked_ids, key_prefix
from tests.client.oracle import claim_of
from tests.client.router.routed import batch, claim
from tests.client.tables import KEY, WIDE, wide_row, write_csv


def asked(**changes: Any) -> bytes:
    return asked_ids(routed_claims([claim(3, **changes)], [7]))[0]


def test_a_claim_alone_asks_what_it_asks_in_any_batch() -> None:
    claims = batch(range(40))
    together = asked_ids(claims)
    assert together == [asked_ids(claims.select(np.array([row])))[0] for row in range(40)]
    backwards = np.arange(40)[::-1]
    assert asked_ids(claims.select(backwards)) == together[::-1]


def test_a_neighbour_with_many_codes_changes_nothing() -> None:
    many = [{"diag_code": f"J{number:02}", "maindiag_flag": number == 0} for number in range(20)]
    alone = asked_ids(routed_claims([claim(1)], [5]))[0]
    wide = routed_claims([claim(1), claim(2, diseinfo=many, dscr_text="fever")], [5, 6])
    assert asked_ids(wide)[0] == alone


def test_a_file_and_a_single_claim_ask_the_same(tmp_path: Path) -> None:
    rows = [
        wide_row(number, diag_code_2="E11", setl_time="2024-03-05 11:00:00", fund_pay_sumamt="60", psn_part_amt="40",
                 oprn_oprt_code="47.01" if number % 2 else None, age="40", gend="2", med_type="21")
        for number in range(6)
    ]  # fmt: skip
    source = open_source(write_csv(tmp_path / "claims.csv", rows))
    [found] = list(Ingest(source, WIDE, pseudonym_key=KEY, particulars=True))
    from_file = routed(found, Registers())
    claims: list[Any] = [claim_of({name: str(held) for name, held in row.items() if held}, WIDE) for row in rows]
    alone = routed_claims(claims, [int(one) for one in found.table.person_id])
    assert asked_ids(from_file) == asked_ids(alone)


@pytest.mark.parametrize(
    "changes",
    [
        {"claim_key": "S4"},
        {"medfee_sumamt": "1003.01"},
        {"age": 24},
        {"gend": "2"},
        {"med_type": "11"},
        {"fixmedins_code": "H9"},
        {"fixmedins_code": None},
        {"adm_time": "2024-03-01T08:00:01"},
        {"fund_pay_sumamt": "700.01"},
        {"fund_pay_sumamt": None},
        {"diseinfo": [{"diag_code": "E11"}, {"diag_code": "I10", "maindiag_flag": True}]},
        {"diseinfo": [{"diag_code": "E110"}]},
        {"oprninfo": [{"oprn_oprt_code": "47.01"}]},
        {"iteminfo": [{"med_chrgitm_type": "01", "amt": "1003"}]},
        {"dscr_text": "fever"},
        {"refl_old_mdtrt_id": "X"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_content_is_another_question(changes: dict[str, Any]) -> None:
    assert asked(**changes) != asked()


def test_a_code_never_passes_from_the_diagnoses_to_the_operations() -> None:
    first = asked(diseinfo=[{"diag_code": "I10", "maindiag_flag": True}, {"diag_code": "I11"}], oprninfo=[])
    second = asked(diseinfo=[{"diag_code": "I10"}], oprninfo=[{"oprn_oprt_code": "I11"}])
    assert first != second


def test_every_column_of_a_routed_claim_counts() -> None:
    claims = batch([1])
    before = asked_ids(claims)
    for field in fields_of(RoutedClaims):
        held = getattr(claims, field.name)
        if isinstance(held, np.ndarray):
            changed = ~held if held.dtype == np.bool_ else held + 1
            assert asked_ids(replace(claims, **{field.name: changed})) != before, field.name


def test_all_questions_about_a_claim_begin_alike() -> None:
    assert asked()[:8] == asked(age=50)[:8] == key_prefix("S3")
