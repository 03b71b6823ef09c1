"""Models that the station has got: taken once they pass the router's own checks, the rest told with a reason."""

from pathlib import Path
from typing import Any

import pytest

from client.deployment.arrivals import Arrivals
from client.router.models.arriving import take_arrivals
from client.router.models.shelf import ModelShelf, Trust
from client.router.models.standing import Stance
from client.router.router import now
from common.consortium.publishing import SignedPublication, sign_publication
from common.consortium.roster import Role, Roster
from common.messages import Published
from tests.client.router.homes import AUDITED, LASTS_S, chain, model_bytes
from tests.common.consortium.rosters import DAY, STRANGER, roster


def current() -> Roster:
    return roster(valid_from=now() - DAY, valid_until=now() + LASTS_S, members=AUDITED)


TRUST = Trust(roster=current(), roles=frozenset({Role.COORDINATOR}))


def arrive(station: Path, signed: SignedPublication, model: bytes | None = None) -> None:
    """As a station keeps what the coordinator sends."""
    published = signed.publication
    message = Published(
        session=bytes.fromhex(published.session),
        fingerprint=published.plan_fingerprint,
        publication=signed.to_json(),
        model=model or model_bytes(published.version),
    )
    Arrivals(station, current(), now).keep(message)


@pytest.fixture
def shelf(tmp_path: Path) -> ModelShelf:
    (tmp_path / "shelf").mkdir()
    return ModelShelf(tmp_path / "shelf")


def take(shelf: ModelShelf, station: Path, trust: Trust = TRUST) -> Any:
    return take_arrivals(shelf, station, trust, now())


def test_what_a_station_keeps_waits_on_the_shelf_and_is_taken_once(shelf: ModelShelf, tmp_path: Path) -> None:
    for signed in chain(3):
        arrive(tmp_path / "models", signed)
    found = take(shelf, tmp_path / "models")
    assert (found.received, found.refused) == ([1, 2, 3], {})
    assert {one.stance for one in shelf.standing().entries} == {Stance.WAITING}
    assert shelf.standing().in_force is None
    again = take(shelf, tmp_path / "models")
    assert (again.received, again.refused) == ([], {})


def test_ten_comes_after_nine(shelf: ModelShelf, tmp_path: Path) -> None:
    for signed in chain(11):
        arrive(tmp_path / "models", signed)
    assert take(shelf, tmp_path / "models").received == list(range(1, 12))


def test_a_station_without_models_has_brought_nothing(shelf: ModelShelf, tmp_path: Path) -> None:
    assert take(shelf, tmp_path / "nothing").received == []


def test_a_station_is_not_believed_and_one_bad_model_keeps_no_other_out(shelf: ModelShelf, tmp_path: Path) -> None:
    first, second = chain(2)
    for signed in (first, second):
        arrive(tmp_path / "models", signed)
    forged = sign_publication(first.publication, "coordinator", STRANGER)
    (folder,) = (tmp_path / "models").glob("1-*")
    (folder / "publication.json").write_bytes(forged.to_json())
    found = take(shelf, tmp_path / "models")
    assert found.received == [2]
    assert list(found.refused) == [folder.name]
    assert "signature" in found.refused[folder.name]


def test_what_an_auditor_has_not_signed_is_not_taken_where_one_is_wanted(shelf: ModelShelf, tmp_path: Path) -> None:
    arrive(tmp_path / "models", chain(1)[0])
    both = Trust(roster=TRUST.roster, roles=frozenset({Role.COORDINATOR, Role.AUDITOR}))
    found = take(shelf, tmp_path / "models", both)
    assert found.received == []
    assert "auditor" in next(iter(found.refused.values()))
