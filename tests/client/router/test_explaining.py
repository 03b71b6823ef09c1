"""Decisions replay with the publication that they were made under, however often its model is published again."""

from __future__ import annotations

from pathlib import Path

from client.router.deciding.record import DecisionRecord
from client.router.desk import Desk
from client.router.explaining import artefacts_of, replayed
from client.router.router import now
from client.router.store.tables import ABOUT
from tests.client.router.homes import BEGUN, LASTS_S, Home, chain, model_bytes, publication, some_claims

AGAIN = publication(2, chain(1)[0].publication.digest, model=model_bytes(1), expires=BEGUN + 2 * LASTS_S)


def published_again(home: Home) -> None:
    """The same bytes as the next version, for longer."""
    with Desk.open(home.root) as desk:
        desk.shelf.receive(AGAIN.to_json(), model_bytes(1), desk.trust(now()), now())
        desk.shelf.accept(2, desk.trust(now()), now())


def test_the_same_model_published_again_changes_no_earlier_decision(tmp_path: Path) -> None:
    home = Home(tmp_path / "router").begin().accept()
    with home.open() as router:
        before = router.decide(some_claims(20, seed=1)).records
    published_again(home)
    with home.open() as router:
        after = router.decide(some_claims(20, seed=2)).records
        for held, version, expires in [
            *((one, 1, BEGUN + LASTS_S) for one in before),
            *((one, 2, BEGUN + 2 * LASTS_S) for one in after),
        ]:
            record = DecisionRecord.from_json(held)
            assert replayed(router.desk, record).to_json() == held
            model = artefacts_of(router.desk, record).model
            assert (model.version, model.expires) == (version, expires)


def test_a_swap_takes_up_the_same_model_under_its_new_publication(tmp_path: Path) -> None:
    home = Home(tmp_path / "router").begin().accept()
    with home.open() as router:
        [before] = router.decide(some_claims(1, seed=1)).records
        published_again(home)
        router.swap()
        [after] = router.decide(some_claims(1, seed=2)).records
        versions = [DecisionRecord.from_json(held).model_version for held in (before, after)]
        assert versions == [1, 2]
        assert replayed(router.desk, DecisionRecord.from_json(before)).to_json() == before


def test_decisions_of_a_store_in_which_publications_have_no_names_yet_replay(tmp_path: Path) -> None:
    home = Home(tmp_path / "router").begin().accept()
    with home.open() as router:
        [held] = router.decide(some_claims(1, seed=1)).records
    with Desk.open(home.root) as desk:
        with desk.store.engine.begin() as connection:
            gone = connection.execute(ABOUT.delete().where(ABOUT.c.name.startswith("publication/")))
            assert gone.rowcount == 1
        assert replayed(desk, DecisionRecord.from_json(held)).to_json() == held
