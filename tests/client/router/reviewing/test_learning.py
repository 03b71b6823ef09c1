"""Learning from verdicts: what was decided under other features is left out, and counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from client.router.deciding.record import identity_of, spelling
from client.router.desk import Desk
from client.router.reviewing.learning import calibrate
from client.router.router import now
from client.router.store.decisions import Memory, New
from client.router.store.verdicts import Reviewed, Verdict
from tests.client.router.homes import Home, some_claims

OTHER = "e" * 64


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "router").begin().accept()


def reviewed(desk: Desk, decision_ids: list[str]) -> None:
    verdicts = [
        Reviewed(
            decision_id=name,
            verdict=Verdict.IMPROPER if place % 5 == 0 else Verdict.ROUTINE,
            reviewer="R",
            given_at=now(),
            stratum="north" if place % 2 else "south",
        )
        for place, name in enumerate(decision_ids)
    ]
    desk.store.verdicts.add(verdicts)


def under_other_features(record: bytes) -> tuple[str, bytes]:
    """The same decision as an earlier model of other features would have left it; its row has another length."""
    fields = json.loads(record) | {"features_sha256": OTHER, "row": "AAAA", "asked": "a" * 48}
    fields["claim_key"] += "-old"
    fields["decision_id"] = identity_of(fields)
    return fields["decision_id"], spelling(fields)


def keep_old(desk: Desk, records: list[bytes]) -> list[str]:
    old = [under_other_features(one) for one in records]
    new = New(
        asked=[bytes([place]) * 24 for place in range(len(old))],
        decision_ids=[name for name, _ in old],
        lanes=["HUMAN"] * len(old),
        records=[held for _, held in old],
        decided_at=now(),
    )
    desk.store.decisions.add(new, Memory(last_day=0, held=b""))
    return [name for name, _ in old]


def without_findings(records: list[bytes]) -> list[bytes]:
    return [one for one in records if b'"findings":[]' in one]


def test_verdicts_on_claims_that_were_decided_under_other_features_are_left_out_and_counted(home: Home) -> None:
    home.policy(min_reviewed=60)
    with home.open() as router:
        records = without_findings(list(router.decide(some_claims(400)).records))
        desk = router.desk
        ids = [json.loads(one)["decision_id"] for one in records]
        assert len(ids) > 100
        reviewed(desk, ids)
        expected = calibrate(desk, desk.bench(1, now()), now())
        reviewed(desk, keep_old(desk, records[:30]))
        found = calibrate(desk, desk.bench(1, now()), now())
    assert (expected.n_reviewed, expected.n_other_features) == (len(ids), 0)
    assert (found.n_reviewed, found.n_other_features) == (len(ids), 30)
    assert found.calibration is not None
    assert expected.calibration is not None
    assert found.calibration.steps == expected.calibration.steps
    assert found.table == expected.table


def test_where_all_verdicts_are_on_claims_of_other_features_there_is_no_calibration_and_no_error(home: Home) -> None:
    home.policy(min_reviewed=60)
    with home.open() as router:
        records = without_findings(list(router.decide(some_claims(100)).records))
        reviewed(router.desk, keep_old(router.desk, records))
        found = calibrate(router.desk, router.desk.bench(1, now()), now())
    assert (found.calibration, found.n_reviewed, found.n_other_features) == (None, 0, len(records))
