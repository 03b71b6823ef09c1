"""Published models that come to a station: checked, kept for the router, refused with a code."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from client.deployment.arrivals import KEPT, Arrivals
from client.ledger.durable import PRIVATE_DIRECTORY
from client.station import Station
from common.consortium.identity import Identity
from common.consortium.publishing import (
    NONE_BEFORE,
    ForkedPublicationError,
    MalformedPublicationError,
    OldPublicationError,
    OtherModelError,
    Publication,
    PublicationTimeError,
    SignedPublication,
    UnsignedPublicationError,
    sign_publication,
)
from common.errors import EngineError
from common.messages import Published, Received, Refusal, RefusalCode
from common.wire import decode, encode
from tests.common.consortium.rosters import DAY, NOON, STRANGER, identity, roster
from tests.common.test_model import MODEL
from tests.parties import OPEN, SESSION, bureau_rows, store_of

HELD = MODEL.to_json()


def publication(version: int = 1, previous: str = NONE_BEFORE, **changes: Any) -> Publication:
    fields = {
        "version": version,
        "previous": previous,
        "model_sha256": hashlib.sha256(HELD).hexdigest(),
        "plan_fingerprint": MODEL.plan_fingerprint,
        "features_sha256": MODEL.plan.features.fingerprint,
        "session": SESSION.hex(),
        "issued": NOON,
        "expires": NOON + DAY,
    }
    return Publication.model_validate(fields | changes)


def published(found: Publication, signer: Identity | None = None, model: bytes = HELD) -> Published:
    signed = sign_publication(found, "coordinator", signer or identity(1))
    return Published(session=SESSION, fingerprint=MODEL.plan_fingerprint, publication=signed.to_json(), model=model)


def arrivals(directory: Path, now: int = NOON + 1) -> Arrivals:
    return Arrivals(directory / "models", roster(), lambda: now)


def kept(directory: Path) -> list[str]:
    return sorted(path.name for path in (directory / "models").glob("*"))


def test_a_signed_model_is_kept_with_its_publication_for_its_owner_alone(tmp_path: Path) -> None:
    arrivals(tmp_path).keep(published(publication()))
    (folder,) = (tmp_path / "models").iterdir()
    assert folder.name == f"1-{publication().digest[:16]}"
    assert (folder / "model.json").read_bytes() == HELD
    assert SignedPublication.from_json((folder / "publication.json").read_bytes()).publication == publication()
    assert folder.stat().st_mode & 0o777 == PRIVATE_DIRECTORY
    assert arrivals(tmp_path).newest() == publication()


def test_the_same_again_changes_nothing(tmp_path: Path) -> None:
    for _ in range(3):
        arrivals(tmp_path).keep(published(publication()))
    assert len(kept(tmp_path)) == 1


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        (UnsignedPublicationError, published(publication(), STRANGER)),
        (OtherModelError, published(publication(), model=HELD + b"\n")),
        (OtherModelError, published(publication(features_sha256="e" * 64))),
        (PublicationTimeError, published(publication(issued=NOON - 2 * DAY, expires=NOON - DAY))),
        (MalformedPublicationError, published(publication()).model_copy(update={"publication": b"{}"})),
        (MalformedPublicationError, published(publication()).model_copy(update={"model": b"{}"})),
    ],
)
def test_what_may_not_be_used_is_not_kept(tmp_path: Path, refused: type[Exception], message: Published) -> None:
    with pytest.raises(refused):
        arrivals(tmp_path).keep(message)
    assert kept(tmp_path) == []


def test_versions_go_on_and_never_back(tmp_path: Path) -> None:
    first = publication()
    second = publication(2, first.digest)
    for one in (first, second):
        arrivals(tmp_path).keep(published(one))
    with pytest.raises(OldPublicationError):
        arrivals(tmp_path).keep(published(first))
    with pytest.raises(ForkedPublicationError):
        arrivals(tmp_path).keep(published(publication(3, "d" * 64)))
    assert arrivals(tmp_path).newest() == second


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff", b'{"publication": 1}', None])
def test_a_damaged_newest_model_is_set_aside_and_keeps_no_later_one_out(
    tmp_path: Path, damage: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    first = publication()
    second = publication(2, first.digest)
    for one in (first, second):
        arrivals(tmp_path).keep(published(one))
    (folder,) = (tmp_path / "models").glob("2-*")
    if damage is None:
        (folder / "publication.json").unlink()
    else:
        (folder / "publication.json").write_bytes(damage)
    third = publication(3, second.digest)
    arrivals(tmp_path).keep(published(third))
    assert arrivals(tmp_path).newest() == third
    assert kept(tmp_path) == sorted([f"1-{first.digest[:16]}", f"3-{third.digest[:16]}", f"damaged-{folder.name}"])
    assert "set aside" in caplog.text


def test_a_version_that_was_damaged_is_taken_again_and_none_before_it(tmp_path: Path) -> None:
    first = publication()
    second = publication(2, first.digest)
    for one in (first, second):
        arrivals(tmp_path).keep(published(one))
    for _ in range(2):
        (folder,) = (tmp_path / "models").glob("2-*")
        (folder / "publication.json").write_bytes(b"{")
        with pytest.raises(ForkedPublicationError):
            arrivals(tmp_path).keep(published(publication(2, "d" * 64)))
        arrivals(tmp_path).keep(published(second))
    assert arrivals(tmp_path).newest() == second


def test_ten_follows_nine_and_old_versions_make_room(tmp_path: Path) -> None:
    before = None
    for version in range(1, KEPT + 4):
        before = publication(version, before.digest if before else NONE_BEFORE)
        arrivals(tmp_path).keep(published(before))
    assert len(kept(tmp_path)) == KEPT
    newest = arrivals(tmp_path).newest()
    assert newest is not None
    assert newest.version == KEPT + 3


def test_a_crash_while_writing_leaves_no_half_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError

    with monkeypatch.context() as broken:
        broken.setattr("client.deployment.arrivals.write_new", fails)
        with pytest.raises(EngineError, match="free some space"):
            arrivals(tmp_path).keep(published(publication()))
    assert arrivals(tmp_path).newest() is None
    arrivals(tmp_path).keep(published(publication()))
    assert len(kept(tmp_path)) == 1


def station(directory: Path | None) -> Station:
    store = store_of(bureau_rows(1))
    return Station("north", OPEN, lambda _: store, shelve=arrivals(directory).keep if directory else None)


def test_a_station_confirms_what_it_keeps(tmp_path: Path) -> None:
    reply = decode(station(tmp_path).answer(encode(published(publication()))))
    assert reply == Received(session=SESSION, fingerprint=MODEL.plan_fingerprint, bureau="north")
    assert len(kept(tmp_path)) == 1


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (RefusalCode.SIGNATURE, published(publication(), STRANGER)),
        (RefusalCode.WRONG_MODEL, published(publication(features_sha256="e" * 64))),
        (RefusalCode.EXPIRED, published(publication(issued=NOON - 2 * DAY, expires=NOON - DAY))),
    ],
)
def test_a_station_refuses_the_rest_with_a_code(tmp_path: Path, code: RefusalCode, message: Published) -> None:
    reply = decode(station(tmp_path).answer(encode(message)))
    assert reply == Refusal(session=SESSION, bureau="north", code=code)


def test_a_station_without_a_roster_keeps_no_models() -> None:
    reply = decode(station(None).answer(encode(published(publication()))))
    assert reply == Refusal(session=SESSION, bureau="north", code=RefusalCode.POLICY)
