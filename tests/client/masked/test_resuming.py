"""What a station goes on with after a restart, what it no longer does, and what it deletes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.ledger.ledger import VECTORS
from client.masked.party import Party
from common.consortium.encoding import hashed
from common.masked_messages import MaskedResult, Members
from common.masking.keys import SessionSecrets
from common.messages import RefusalCode
from common.model import Model
from common.plan import Protection
from common.wire import decode
from server.masked.steps import Step
from tests.client.masked.parties import Bureau, Table, bureaus_of, signed


@pytest.fixture
def table() -> Iterator[Table]:
    with bureaus_of() as bureaus:
        yield Table(bureaus)


def party_of(bureau: Bureau) -> Party:
    return bureau.desk._party


def session_files(table: Table, bureau: Bureau) -> Path:
    return bureau.directory / "sessions" / table.run.terms.session.hex()


def other_members(table: Table, name: str) -> bytes:
    """The list that was accepted, but one bureau has signed another session key."""
    honest = next(found for held in table.asked if isinstance(found := decode(held), Members))
    key = SessionSecrets(bytes([7]) * 32, bytes(32)).public
    signature = table.bureaus[name].identity.sign("join", hashed("offer", table.offer), name, key)
    at = honest.names.index(name)
    keys, signatures = honest.exchange_keys, honest.signatures
    changes = {
        "exchange_keys": keys[: 32 * at] + key + keys[32 * (at + 1) :],
        "signatures": signatures[: 64 * at] + signature + signatures[64 * (at + 1) :],
    }
    return signed(Members.model_validate(honest.model_dump() | changes), table.run.terms)


def test_members_are_pinned_in_the_ledger_also_where_a_crash_has_deleted_the_list(table: Table) -> None:
    table.until(Step.INVITE, 2)
    north = table.bureaus["north"]
    for path in session_files(table, north).iterdir():
        if path.name not in {"secrets", "offer"}:
            path.unlink()
    north.restart()
    north.accepts(table.offer)
    north.refuses(other_members(table, "east"), RefusalCode.WRONG_ORDER)


@pytest.mark.parametrize(
    "change",
    [{"protections": frozenset({Protection.NOISE})}, {"cell_floor": 500}, {"delta": 1e-9}],
    ids=["masked sums withdrawn", "a higher floor", "less delta"],
)
def test_a_session_is_taken_up_again_only_under_the_policy_as_it_is_now(
    table: Table, change: dict[str, object]
) -> None:
    table.until(Step.INVITE)
    north = table.bureaus["north"]
    north.policy = north.policy.model_copy(update=change)
    north.restart()
    north.refuses(table.run.request, RefusalCode.POLICY)


def test_a_session_is_taken_up_again_only_on_the_rosters_terms_as_they_are_now(table: Table) -> None:
    table.until(Step.INVITE)
    north = table.bureaus["north"]
    stricter = north.roster.terms.model_copy(update={"colluding": 2, "min_cohort": 4})
    north.roster = north.roster.model_copy(update={"terms": stricter})
    north.restart()
    north.refuses(table.run.request, RefusalCode.ROSTER)


def test_words_and_secrets_of_a_session_that_ended_are_deleted(table: Table) -> None:
    table.until(Step.RESULT)
    north = table.bureaus["north"]
    assert list((north.directory / VECTORS).iterdir())
    north.accepts(table.run.request)
    assert not list((north.directory / VECTORS).iterdir())
    assert not list(session_files(table, north).iterdir())


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("spent", {"epsilon": 0.001}),
        ("quality", {"riv_log_cost": 0.999}),
        ("quality", {"inertia": 0.5}),
    ],
)
def test_a_model_whose_figures_do_not_follow_is_refused(table: Table, part: str, changes: dict[str, object]) -> None:
    table.until(Step.RESULT)
    result = table.message()
    assert isinstance(result, MaskedResult)
    held = json.loads(result.model)
    held[part] |= changes
    forged = Model.model_validate_json(json.dumps(held))
    table.bureaus["north"].refuses(table.bent(model=forged.to_json()), RefusalCode.WRONG_MODEL)
    table.bureaus["north"].accepts(table.run.request)


def test_a_torn_file_of_a_session_ends_that_session_and_not_the_station(table: Table) -> None:
    table.until(Step.INVITE, 2)
    north = table.bureaus["north"]
    torn = session_files(table, north) / "invite-0000001"
    torn.write_bytes(torn.read_bytes()[:10])
    north.restart()
    north.refuses(table.run.request, RefusalCode.WRONG_ORDER)
    with bureaus_of() as bureaus:
        Table(bureaus).until(Step.RESULT)
