"""The book of drafts: kept once, four eyes, nothing handed out before."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError

from client.router.drafts.book import DraftBook, add_drafts, person_name
from client.router.drafts.draft import PaymentDraft, Status
from client.router.drafts.exporting import COLUMNS, export, yuan
from client.router.drafts.tables import APPROVALS, DRAFTS
from client.router.store.opening import StoreError, open_engine
from common.errors import InputError, RefusedError
from tests.client.router.drafts.passing import let_pass
from tests.client.router.drafts.test_drawing import drawn, paid

NOW = 1_700_000_000
ONE, TWO, THREE = drawn(*(paid(key) for key in "ABC")).drafts


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_engine(URL.create("sqlite", database=str(tmp_path / "store.sqlite")))
    yield opened
    opened.dispose()


@pytest.fixture
def book(engine: Engine) -> DraftBook:
    made = DraftBook(engine)
    let_pass(engine, ONE, TWO, THREE)
    made.add([ONE, TWO, THREE], NOW)
    return made


def approve(book: DraftBook, draft: PaymentDraft, *people: str) -> None:
    for person in people:
        book.approve(draft.draft_id, person, NOW)


def test_drafts_are_kept_once_however_often_they_come(engine: Engine, book: DraftBook) -> None:
    assert book.add([ONE, TWO, ONE], NOW + 9) == 0
    assert {held.draft.claim_key for held in DraftBook(engine).all()} == {"A", "B", "C"}
    assert {held.status for held in book.all()} == {Status.DRAFT}


def test_a_claim_key_has_one_draft_even_under_another_decision(book: DraftBook) -> None:
    again = ONE.model_copy(update={"draft_id": "0" * 32, "decision_id": "later"})
    assert book.add([again], NOW) == 0
    assert [held.draft for held in book.all() if held.draft.claim_key == "A"] == [ONE]


def test_drafts_are_kept_with_the_transaction_they_came_in_or_not_at_all(engine: Engine) -> None:
    book = DraftBook(engine)
    with engine.connect() as connection:
        assert add_drafts(connection, [ONE], NOW) == 1
        connection.rollback()
    assert list(book.all()) == []


def test_two_different_people_approve_a_draft(engine: Engine, book: DraftBook) -> None:
    assert book.approve(ONE.draft_id, "Li Wei", NOW).status is Status.APPROVED_ONCE
    assert book.approve(ONE.draft_id, "王芳", NOW + 1).status is Status.APPROVED
    held = DraftBook(engine).get(ONE.draft_id)
    assert (held.status, held.approved_by) == (Status.APPROVED, ("li wei", "王芳"))
    assert book.get(TWO.draft_id).status is Status.DRAFT


@pytest.mark.parametrize("same", ["Li Wei", "li  wei ", "LI WEI", "Ｌｉ Ｗｅｉ"])
def test_the_same_person_does_not_approve_twice_however_the_name_is_written(book: DraftBook, same: str) -> None:
    approve(book, ONE, "Li Wei")
    with pytest.raises(RefusedError, match="same person"):
        approve(book, ONE, same)
    assert book.get(ONE.draft_id).status is Status.APPROVED_ONCE


def test_nobody_approves_an_approved_draft(book: DraftBook) -> None:
    approve(book, ONE, "a", "b")
    with pytest.raises(RefusedError, match="needs nobody else"):
        approve(book, ONE, "c")


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "a\nb;", "<b>"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="name"):
        person_name(name)


def test_an_unknown_draft_cannot_be_approved(book: DraftBook) -> None:
    with pytest.raises(InputError, match="no draft of this identity"):
        book.approve("f" * 32, "a", NOW)


def test_a_draft_that_was_changed_after_somebody_saw_it_is_refused(engine: Engine, book: DraftBook) -> None:
    approve(book, ONE, "a")
    changed = ONE.model_copy(update={"fund_fen": ONE.fund_fen + 1, "person_fen": ONE.person_fen - 1})
    with engine.begin() as connection:
        held = changed.model_dump_json().encode()
        connection.execute(update(DRAFTS).where(DRAFTS.c.draft_id == ONE.draft_id).values(held=held))
    with pytest.raises(RefusedError, match="was changed"):
        approve(book, ONE, "b")
    with pytest.raises(RefusedError, match="was changed"):
        list(book.all())


@pytest.mark.parametrize("held", [b"", b"{}", TWO.model_dump_json().encode()])
def test_what_is_no_draft_or_another_ones_is_refused(engine: Engine, book: DraftBook, held: bytes) -> None:
    with engine.begin() as connection:
        connection.execute(update(DRAFTS).where(DRAFTS.c.draft_id == ONE.draft_id).values(held=held))
    with pytest.raises(RefusedError, match="was changed"):
        book.get(ONE.draft_id)


def test_a_third_name_slipped_into_the_store_is_noticed(engine: Engine, book: DraftBook) -> None:
    approve(book, ONE, "a", "b")
    with engine.begin() as connection:
        (sha256,) = set(connection.execute(select(APPROVALS.c.sha256)).scalars())
        third = {"draft_id": ONE.draft_id, "eye": 2, "person": "c", "sha256": sha256, "approved_at": NOW}
        connection.execute(APPROVALS.insert().values(third))
    with pytest.raises(RefusedError, match="was changed"):
        book.get(ONE.draft_id)


def test_two_who_approve_at_the_same_moment_do_not_both_become_the_second(engine: Engine, book: DraftBook) -> None:
    approve(book, ONE, "a", "b")
    held = {"draft_id": ONE.draft_id, "sha256": bytes(32), "approved_at": NOW}
    for again in ({"eye": 1, "person": "c"}, {"eye": 2, "person": "a"}):
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(APPROVALS.insert().values(held | again))


def test_many_drafts_come_back_all_and_by_status(engine: Engine) -> None:
    book = DraftBook(engine)
    drafts = drawn(*(paid(f"K{number}") for number in range(1_100))).drafts
    assert book.add(drafts, NOW) == 1_100
    let_pass(engine, drafts[7], drafts[8])
    approve(book, drafts[7], "a", "b")
    assert len(list(book.all())) == 1_100
    assert [held.draft for held in book.all(Status.APPROVED)] == [drafts[7]]
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(DRAFTS)).scalar() == 1_100


def test_a_broken_database_says_what_to_mend_and_no_value(engine: Engine, book: DraftBook) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE draft_approvals")
    with pytest.raises(StoreError, match="mend the disk or the database") as raised:
        book.get(ONE.draft_id)
    assert ONE.claim_key not in str(raised.value).split()


def test_only_approved_drafts_are_handed_out(book: DraftBook, tmp_path: Path) -> None:
    approve(book, ONE, "a", "b")
    approve(book, TWO, "a")
    for name in ("paid.csv", "paid.jsonl"):
        assert export(book.all(), tmp_path / name) == 1
    with (tmp_path / "paid.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row == json.loads((tmp_path / "paid.jsonl").read_text(encoding="utf-8"))
    assert tuple(row) == COLUMNS
    assert (row["claim_key"], row["medfee_sumamt"], row["fund_pay_sumamt"]) == ("A", "5000.00", "3000.00")
    assert stat.S_IMODE((tmp_path / "paid.csv").stat().st_mode) == 0o600


def test_handing_out_replaces_no_file_and_takes_no_other_kind(book: DraftBook, tmp_path: Path) -> None:
    (tmp_path / "there.csv").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="exists already"):
        export(book.all(), tmp_path / "there.csv")
    with pytest.raises(InputError, match=r"must end in \.csv or \.jsonl"):
        export(book.all(), tmp_path / "there.xlsx")
    with pytest.raises(InputError, match="cannot be written"):
        export(book.all(), tmp_path / "nowhere" / "there.csv")


def test_a_claim_key_that_a_spreadsheet_would_compute_is_written_as_text(engine: Engine, tmp_path: Path) -> None:
    book = DraftBook(engine)
    (draft,) = drawn(paid("=1+1", person="1500.03")).drafts
    let_pass(engine, draft)
    book.add([draft], NOW)
    approve(book, draft, "a", "b")
    export(book.all(), tmp_path / "paid.csv")
    text = (tmp_path / "paid.csv").read_text(encoding="utf-8")
    assert "'=1+1," in text
    assert ",-0.03," in text


@pytest.mark.parametrize(
    ("fen", "said"), [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (123_456, "1234.56"), (10**14, "1000000000000.00")]
)
def test_amounts_are_written_in_yuan_with_two_decimals(fen: int, said: str) -> None:
    assert yuan(fen) == said
