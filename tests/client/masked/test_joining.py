"""Joining a session of masked sums: whose offer, on which terms, with whom; and never the same session twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from common.consortium.encoding import hashed
from common.consortium.identity import Identity
from common.masked_messages import MaskedJoin, MaskedOffer, Members, Ready
from common.messages import Refusal, RefusalCode
from common.plan import Plan
from common.sealing import sealed
from common.wire import decode, encode
from server.masked.steps import Step
from tests.client.masked.parties import NOW, PLAN, Table, bureaus_of, offered, secure_plan, signed

STRANGER = Identity.of_seed(bytes(range(32)))


@pytest.fixture
def table() -> Iterator[Table]:
    with bureaus_of() as bureaus:
        yield Table(bureaus)


def changed(**changes: object) -> bytes:
    return Plan.model_validate(PLAN.model_dump() | changes).canonical()


def test_the_rosters_coordinator_is_answered_with_a_key_that_this_bureau_has_signed(table: Table) -> None:
    joins = [decode(bureau.accepts(table.offer)) for bureau in table.bureaus.values()]
    assert all(isinstance(join, MaskedJoin) for join in joins)
    assert len({join.exchange_key for join in joins if isinstance(join, MaskedJoin)}) == 3


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"coordinator": "stranger"}, RefusalCode.ROSTER),
        ({"coordinator": "north"}, RefusalCode.ROSTER),
        ({"roster": bytes(32)}, RefusalCode.ROSTER),
        ({"expires": NOW - 1}, RefusalCode.EXPIRED),
        ({"plan": changed(min_cohort=2)}, RefusalCode.ROSTER),
        ({"plan": changed(protection="noise")}, RefusalCode.POLICY),
        ({"plan": changed(protection="none", privacy=None)}, RefusalCode.POLICY),
        ({"plan": secure_plan(epsilon_thousandths=100_000).canonical()}, RefusalCode.POLICY),
        ({"plan": secure_plan(honest_floor=3).canonical()}, RefusalCode.POLICY),
        ({"plan": changed(smallest_cluster=1)}, RefusalCode.POLICY),
        ({"plan": b"{}"}, RefusalCode.WRONG_PLAN),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_offer_on_other_terms_is_refused_and_leaves_nothing(
    table: Table, changes: dict[str, object], code: RefusalCode
) -> None:
    north = table.bureaus["north"]
    north.refuses(offered(table, **changes), code)
    north.accepts(table.offer)


def test_an_offer_is_open_to_its_last_second(table: Table) -> None:
    north = table.bureaus["north"]
    north.accepts(offered(table, expires=NOW))


def test_what_was_joined_in_time_goes_on_after_the_offer_has_expired(table: Table) -> None:
    north = table.bureaus["north"]
    north.accepts(table.offer)
    north.now += 7200
    north.restart()
    north.accepts(table.offer)


def test_an_offer_that_the_coordinator_has_not_signed_is_refused(table: Table) -> None:
    offer = decode(table.offer)
    assert isinstance(offer, MaskedOffer)
    north = table.bureaus["north"]
    north.refuses(encode(sealed(offer, STRANGER)), RefusalCode.SIGNATURE)
    north.refuses(encode(sealed(offer, table.bureaus["south"].identity)), RefusalCode.SIGNATURE)
    north.refuses(encode(offer.model_copy(update={"expires": NOW + 1})), RefusalCode.SIGNATURE)
    north.refuses(encode(offer.model_copy(update={"signature": b""})), RefusalCode.SIGNATURE)


def test_another_offer_under_the_same_session_number_is_refused_also_after_a_restart(table: Table) -> None:
    north = table.bureaus["north"]
    north.accepts(table.offer)
    other = offered(table, expires=NOW + 60)
    north.refuses(other, RefusalCode.WRONG_ORDER)
    north.restart()
    north.refuses(other, RefusalCode.WRONG_ORDER)
    north.accepts(table.offer)


def test_the_same_offer_gets_the_same_key_also_after_a_restart(table: Table) -> None:
    north = table.bureaus["north"]
    first = north.accepts(table.offer)
    north.restart()
    assert north.accepts(table.offer) == first
    assert north.accepts(table.offer) == first


def test_nothing_is_answered_about_a_session_that_is_not_kept(table: Table) -> None:
    table.until(Step.INVITE)
    north = table.bureaus["north"]
    north.ledger.sessions.forget(table.run.terms.session)
    north.restart()
    for request in (*table.asked[1:], table.run.request):
        north.refuses(request, RefusalCode.WRONG_ORDER)


@pytest.mark.parametrize("step", [Step.INVITE, Step.SURVIVORS, Step.REVEAL])
def test_a_station_goes_on_after_a_restart_without_another_offer(table: Table, step: Step) -> None:
    table.until(step)
    north = table.bureaus["north"]
    north.restart()
    assert not isinstance(decode(north.station.answer(table.run.request)), Refusal)


class Joined:
    """Three bureaus that have joined, and what north is told of them."""

    def __init__(self, table: Table) -> None:
        table.until(Step.MEMBERS)
        self.table, self.north, self.honest = table, table.bureaus["north"], table.message()

    def told(self, **changes: object) -> bytes:
        return signed(Members.model_validate(self.honest.model_dump() | changes), self.table.run.terms)

    def with_signed_key(self, name: str, key: bytes) -> bytes:
        """The honest list, but a bureau that colludes has signed another key."""
        digest = hashed("offer", self.table.offer)
        return self.with_key(name, key, self.table.bureaus[name].identity.sign("join", digest, name, key))

    def with_key(self, name: str, key: bytes, signature: bytes) -> bytes:
        """The honest list with another key and signature for one bureau."""
        place = self.honest.names.index(name)
        keys, signatures = self.honest.exchange_keys, self.honest.signatures
        return self.told(
            exchange_keys=keys[: 32 * place] + key + keys[32 * (place + 1) :],
            signatures=signatures[: 64 * place] + signature + signatures[64 * (place + 1) :],
        )


@pytest.fixture
def joined(table: Table) -> Joined:
    return Joined(table)


def test_members_with_a_stranger_are_refused(joined: Joined) -> None:
    keys, signatures = joined.honest.exchange_keys, joined.honest.signatures
    names = (*joined.honest.names, "stranger")
    told = joined.told(names=names, exchange_keys=keys + STRANGER.public, signatures=signatures + signatures[:64])
    joined.north.refuses(told, RefusalCode.WRONG_COHORT)


def test_members_without_this_bureau_are_refused(joined: Joined) -> None:
    keys, signatures = joined.honest.exchange_keys, joined.honest.signatures
    told = joined.told(
        names=("east", "south"), exchange_keys=keys[:32] + keys[64:], signatures=signatures[:64] + signatures[128:]
    )
    joined.north.refuses(told, RefusalCode.WRONG_COHORT)


def test_members_with_another_key_of_this_bureau_are_refused(joined: Joined) -> None:
    joined.north.refuses(joined.with_key("north", bytes(32), bytes(64)), RefusalCode.WRONG_COHORT)


def test_members_with_a_key_that_its_bureau_has_not_signed_are_refused(joined: Joined) -> None:
    signature = joined.honest.signatures[:64]
    joined.north.refuses(joined.with_key("east", STRANGER.public, signature), RefusalCode.SIGNATURE)
    joined.north.refuses(joined.with_key("east", joined.honest.exchange_keys[:32], bytes(64)), RefusalCode.SIGNATURE)


@pytest.mark.parametrize(
    "changes",
    [
        {"names": ("north", "east", "south")},
        {"names": ("east", "north", "north")},
        {"names": ("east", "north")},
        {"exchange_keys": b""},
        {"signatures": b""},
    ],
    ids=["order", "twice", "too few names", "no keys", "no signatures"],
)
def test_a_list_of_members_that_is_none_is_refused(joined: Joined, changes: dict[str, object]) -> None:
    joined.north.refuses(joined.told(**changes), RefusalCode.WRONG_COHORT)


def test_members_that_the_coordinator_has_not_signed_are_refused(joined: Joined) -> None:
    unsigned: Members = joined.honest
    joined.north.refuses(encode(sealed(unsigned, STRANGER)), RefusalCode.SIGNATURE)


def test_a_session_key_that_everybody_can_compute_with_is_refused(joined: Joined) -> None:
    """A point of low order, properly signed by a bureau that colludes."""
    joined.north.refuses(joined.with_signed_key("east", bytes(32)), RefusalCode.BAD_MESSAGE)


OTHER_KEY = bytes(31) + b"\x09"


def test_another_list_after_one_was_accepted_is_refused_also_after_a_restart(joined: Joined) -> None:
    joined.north.accepts(joined.table.run.request)
    other = joined.with_signed_key("east", OTHER_KEY)
    joined.north.refuses(other, RefusalCode.WRONG_ORDER)
    joined.north.restart()
    joined.north.accepts(joined.table.offer)
    joined.north.refuses(other, RefusalCode.WRONG_ORDER)
    assert isinstance(decode(joined.north.accepts(joined.table.run.request)), Ready)


def test_a_refused_list_does_not_take_the_place_of_the_accepted_one(joined: Joined) -> None:
    """What follows is answered under the session that was agreed, not under the one that was refused."""
    joined.table.step()
    joined.north.refuses(joined.with_signed_key("east", OTHER_KEY), RefusalCode.WRONG_ORDER)
    joined.north.accepts(joined.table.run.request)
    joined.table.step()
    assert joined.table.run.step is Step.SURVIVORS
    joined.north.accepts(joined.table.run.request)
