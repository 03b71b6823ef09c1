"""A deployed station in a stream: claims as its source has them, what its people are shown, and the evidence."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from client.deployment.serving import Serving
from client.ledger.ledger import inspect
from client.windows.tables import BOOK_FILE
from common.grid import GRID_UNITS
from common.messages import Join, Offer, RoundReply, RoundRequest, words_to_bytes
from common.plan import Phase, Plan, Protection
from common.stream.window import Window
from common.wire import AnyMessage, decode, encode
from tests.client.deployment.stations import CANARY, Home, plan_of
from tests.client.deployment.test_serving import Clock, serving_of
from tests.client.windows.streaming import QUARTER, STREAM
from tests.deployment.commands import typed

COST = 2_000_000


def plan_until(closes: int, number: int) -> Plan:
    window = Window(stream=STREAM, number=number, closes=closes)
    plan = plan_of(Protection.NOISE)
    assert plan.privacy is not None
    privacy = plan.privacy.model_copy(update={"epsilon_thousandths": 1000})
    return plan.model_copy(update={"window": window, "privacy": privacy})


def tick(serving: Serving, plan: Plan, session: int) -> AnyMessage:
    name = session.to_bytes(16, "big")
    joined = decode(serving.answer(encode(Offer(session=name, plan=plan.canonical()))))
    assert isinstance(joined, Join), joined
    request = RoundRequest(
        session=name,
        fingerprint=plan.fingerprint,
        number=1,
        attempt=1,
        phase=Phase.SEEDING,
        cohort=("east", "north", "south"),
        n_centroids=1,
        centroids=words_to_bytes(np.zeros((1, plan.features.n_features), np.int64)),
        radii=words_to_bytes(np.array([GRID_UNITS])),
        cost=COST,
    )
    return decode(serving.answer(encode(request)))


def rewrite(path: Path, *, new: int, edited: int) -> None:
    """Some claims more, and some with another amount."""
    table = pq.read_table(path)
    rows = table.slice(0, new + edited).to_pylist()
    for place, row in enumerate(rows[:new]):
        row["setl_id"] = f"{CANARY}-new-{place}"
    for row in rows[new:]:
        row["age"] = row["age"] + 1
    kept = table.take(pa.array([*range(new), *range(new + edited, len(table))]))
    pq.write_table(pa.concat_tables([kept, pa.Table.from_pylist(rows, table.schema)]), path)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "north").begin(plan_of(Protection.NOISE))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def streamed(home: Home, clock: Clock) -> Iterator[Serving]:
    """A station that has answered a window; claims came and were changed since, and it has looked."""
    with serving_of(home, clock) as serving:
        assert isinstance(tick(serving, plan_until(clock() - QUARTER, 1), 1), RoundReply)
        rewrite(home.root / "claims.parquet", new=5, edited=3)
        serving.look()
        clock.late_s += QUARTER
        yield serving


def test_what_was_there_before_is_backlog_and_what_comes_is_for_the_next_window(
    streamed: Serving, clock: Clock
) -> None:
    assert isinstance(tick(streamed, plan_until(clock() - QUARTER // 2, 2), 2), RoundReply)
    first, second = streamed._own.book.windows
    assert first.claims > 200
    assert (first.left_out.late, second.claims, second.left_out.edited) == (0, 5, 3)


def test_what_has_arrived_after_a_window_closed_waits_for_the_next_one(streamed: Serving, clock: Clock) -> None:
    assert isinstance(tick(streamed, plan_until(clock() - 2 * QUARTER, 2), 2), RoundReply)
    assert isinstance(tick(streamed, plan_until(clock(), 3), 3), RoundReply)
    assert [one.claims for one in streamed._own.book.windows][1:] == [0, 5]
    assert [one.left_out.late for one in streamed._own.book.windows] == [0, 5, 0]


def test_a_station_looks_again_only_once_a_stream_has_begun_and_files_have_changed(home: Home, clock: Clock) -> None:
    with serving_of(home, clock) as serving:
        serving.look()
        assert serving._own.claims._looked is None
        tick(serving, plan_until(clock(), 1), 1)
        serving.look()
        assert serving._own.claims.look() is None
        (home.root / "claims.parquet").unlink()
        serving.look()


def test_no_key_name_or_code_of_a_claim_is_in_the_book(streamed: Serving, home: Home, clock: Clock) -> None:
    tick(streamed, plan_until(clock(), 2), 2)
    held = b"".join(path.read_bytes() for path in (home.root / "ledger").glob(f"{BOOK_FILE}*"))
    table = pq.read_table(home.root / "claims.parquet", columns=["setl_id", "psn_no"])
    for name in {str(one) for column in table.columns for one in column.to_pylist()[:50] if one} | {CANARY}:
        assert name.encode() not in held


def test_people_are_shown_what_windows_came_to(
    streamed: Serving, home: Home, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    tick(streamed, plan_until(clock(), 2), 2)
    told = json.loads(typed(capsys, "fedclaims-bureau", "status", "--dir", home.root, "--json").out)["windows"]
    assert (told["windows"], told["answered"], told["left_out"]["edited"]) == (2, 2, 3)
    assert {one["unit"] for one in told["spent"]} == {"person", "claim"}
    ledger = ("ledger", "--dir", home.root / "ledger", "--policy", home.root / "policy.toml")
    again = json.loads(typed(capsys, "fedclaims-bureau", *ledger, "--json").out)
    assert again["windows"] == told
    for words in (ledger, ("status", "--dir", home.root)):
        said = typed(capsys, "fedclaims-bureau", *words).out
        assert "Windows of streams: 2, 2 of them answered" in said
        assert "3 claims changed after they had entered" in said


def test_evidence_shows_windows_and_whatever_was_changed_in_the_book_is_noticed(
    streamed: Serving, home: Home, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    tick(streamed, plan_until(clock(), 2), 2)
    sound, bad = home.root.parent / "sound.tar", home.root.parent / "bad.tar"
    assert typed(capsys, "fedclaims-bureau", "export-audit", "--dir", home.root, "--out", sound).code == 0
    said = typed(capsys, "fedclaims-bureau", "export-audit", "--verify", sound)
    assert said.code == 0
    assert "2 windows of streams is borne out" in said.out
    book = sqlite3.connect(home.root / "ledger" / BOOK_FILE)
    book.execute(
        "DELETE FROM entries WHERE window = 2 AND claim IN (SELECT claim FROM entries WHERE window = 2 LIMIT 1)"
    )
    book.commit()
    book.close()
    wrong = next(one for one in inspect(home.root / "ledger").book.marks if one.endswith(":2"))
    said = typed(capsys, "fedclaims-bureau", "export-audit", "--dir", home.root, "--out", bad)
    assert said.code == 1
    assert wrong in said.err
    assert typed(capsys, "fedclaims-bureau", "export-audit", "--verify", bad).code == 1
    found = json.loads(typed(capsys, "fedclaims-bureau", "doctor", "--dir", home.root, "--json").out)
    assert [one["level"] for one in found if one["check"] == "claim book"] == ["fault"]


def test_the_clock_of_the_first_sight_is_the_stations(streamed: Serving) -> None:
    digests = streamed._own.claims.look()
    assert digests is None
    book = streamed._own.book
    seen = book.first_seen(book.entered.keys, int(time.time()))
    assert set(seen.tolist()) == {0}
