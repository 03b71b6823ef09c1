"""Models that the station has got: taken once they pass the router's own checks, the rest told with a reason."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from client.deployment.arrivals import Arrivals
from client.router.models.arriving import take_arrivals
from client.router.models.shelf import ModelShelf, Trust
from client.router.models.standing import Stance
from client.router.router import now
from common.consortium.publishing import SignedPublication, sign_publication
from common.consortium.roster import Role, Roster
from common.errors import InputError
from common.messages import Published
from tests.client.router.homes import AUDITED, LASTS_S, chain, model_bytes
from tests.common.consortium.rosters import DAY, STRANGER, roster

NOBODY = 65_534


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


@contextmanager
def forbidden(path: Path) -> Iterator[None]:
    """Nobody may look there, and this process is not above rights."""
    mode, user = path.stat().st_mode, os.geteuid()
    path.chmod(0)
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
        path.chmod(mode)


@pytest.fixture
def in_the_open() -> Iterator[Path]:
    """A folder that everybody may look into; those of pytest are their owner's alone."""
    with TemporaryDirectory() as held:
        found = Path(held)
        found.chmod(0o755)
        (found / "shelf").mkdir(0o755)
        yield found


def test_a_directory_that_may_not_be_looked_into_is_not_taken_for_an_empty_one(in_the_open: Path) -> None:
    arrive(in_the_open / "models", chain(1)[0])
    with forbidden(in_the_open / "models"), pytest.raises(InputError, match="run the router as the station's user"):
        take(ModelShelf(in_the_open / "shelf"), in_the_open / "models")


def test_a_model_that_may_not_be_read_is_told_with_what_to_do(in_the_open: Path) -> None:
    arrive(in_the_open / "models", chain(1)[0])
    (in_the_open / "models").chmod(0o755)
    (folder,) = (in_the_open / "models").iterdir()
    with forbidden(folder):
        found = take(ModelShelf(in_the_open / "shelf"), in_the_open / "models")
    assert found.received == []
    assert "run the router as the station's user" in found.refused[folder.name]


def test_a_publication_that_is_missing_is_told_with_what_to_do(shelf: ModelShelf, tmp_path: Path) -> None:
    arrive(tmp_path / "models", chain(1)[0])
    (folder,) = (tmp_path / "models").iterdir()
    (folder / "publication.json").unlink()
    assert "model import" in take(shelf, tmp_path / "models").refused[folder.name]
