"""After an hour: every claim decided once and as its caller was told, every record replayed, every draft drawn once."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

from client.router.bench import draft_key_of
from client.router.deciding.deciding import replay
from client.router.deciding.record import DecisionRecord
from client.router.desk import Desk
from client.router.drafts.book import DraftBook
from client.router.due import draw_due
from client.router.explaining import artefacts_of
from client.router.memories import Piece
from client.router.router import now
from client.router.serving import schema
from tests.client.router.homes import Home
from tests.client.router.serving.hour import Hour
from tests.client.router.serving.town import key_of

MOST_BYTES_A_CLAIM = 2_048
"""That a process may grow by for a claim that it decided: what rules remember of it for a year or more."""

ALWAYS_GROWS = 32 << 20
"""What a process may take besides, whatever it did: caches fill, and the allocator keeps what it once had."""


def draw(root: Path) -> int:
    with Desk.open(root) as desk:
        return draw_due(desk.store, draft_key_of(desk.key), now())


def checked(hour: Hour) -> dict[str, object]:
    """All that must be true afterwards; gives what there is to tell."""
    assert hour.wrong == []
    keys = [key_of(held) for held in hour.claims]
    assert len(set(keys)) == len(keys) == len(hour.answers)
    lanes, versions, fast = decided(hour, dict(zip(keys, range(len(keys)), strict=True)))
    assert list(versions) == [1, 2]
    assert sum(lanes.values()) == len(keys)
    drafted(hour.home, fast)
    log = hour.log.read_text()
    assert not any(key in log for key in keys)
    for one in hour.grown:
        assert one.grown_bytes < ALWAYS_GROWS + MOST_BYTES_A_CLAIM * one.answers
    return {
        "lanes": dict(lanes), "versions": dict(versions), "drafts": len(fast), "asked again": hour.asked_again,
        "calls made again": hour.lost_calls, "memory": [str(one) for one in hour.grown],
    }  # fmt: skip


def decided(hour: Hour, numbers: dict[str, int]) -> tuple[Counter[str], Counter[int], set[str]]:
    """Every claim has the one decision that its caller was told, and every record follows from its inputs."""
    lanes, versions, seen = Counter[str](), Counter[int](), set[str]()
    with Desk.open(hour.home.root) as desk:
        made_with = cache(lambda *_: artefacts_of(desk, record))
        for kept, held in desk.store.decisions.everything():
            record = DecisionRecord.from_json(held)
            told = hour.answers[numbers[record.claim_key]]
            assert record.claim_key not in seen
            assert (told.decision_id, told.lane) == (kept.decision_id, schema.LANE_NUMBERS[kept.lane])
            assert replay(record, made_with(*digests(record))).to_json() == held
            assert not versions or record.model_version >= max(versions)
            seen.add(record.claim_key)
            lanes[kept.lane] += 1
            versions[record.model_version] += 1
        assert seen == set(numbers)
        remembered = sum(len(Piece.from_bytes(held).events) for held in desk.store.decisions.memories(0))
        assert remembered == len(numbers)
        fast = {key for key, number in numbers.items() if hour.answers[number].lane == schema.LANE_NUMBERS["FAST"]}
    return lanes, versions, fast


def digests(record: DecisionRecord) -> tuple[str | None, ...]:
    return (record.model_sha256, record.policy_sha256, record.cards_sha256, record.habits_sha256,
            record.calibration_sha256)  # fmt: skip


def drafted(home: Home, fast: set[str]) -> None:
    """One draft for every claim that passed, and none for another."""
    draw(home.root)
    assert draw(home.root) == 0
    with Desk.open(home.root) as desk:
        drafts = [held.draft.claim_key for held in DraftBook(desk.store.engine).all()]
    assert len(drafts) == len(set(drafts))
    assert set(drafts) == fast
    assert fast
