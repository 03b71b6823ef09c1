"""A session of masked sums over scripted transports: whatever goes wrong ends in a smaller cohort or an error by name.

Every transcript that ends in a model is replayed: what an auditor finds is what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import pytest

from client.ledger.release import ReleaseId
from common.errors import CohortError
from common.masked_messages import (
    Confirm,
    Invite,
    Masked,
    MaskedJoin,
    MaskedOffer,
    MaskedResult,
    Members,
    Ready,
    Reveal,
    RevealRequest,
    Survivors,
)
from common.messages import Received, Refusal, RefusalCode
from common.plan import Phase, Plan
from common.sealing import sealed
from common.wire import AnyMessage, decode, encode
from tests.client.masked.parties import SEVEN, THREE, Bureau
from tests.parties import SESSION
from tests.server.masked.playing import Play, When, node_of, played, silence
from tests.server.scripted import Post, with_fields


def test_a_session_without_trouble_opens_every_sum_and_brings_the_model_to_everybody() -> None:
    with played() as ended:
        assert sorted(ended.sums_are_exact()) == [1, 2, 3, 4, 5, 6, 7]
        assert ended.report.refused == ended.report.lost == ()
        assert ended.cohort == SEVEN
        assert {one.station.model for one in ended.bureaus.values()} == {ended.report.model}
        assert [ended.charges(name) for name in SEVEN] == [list(range(1, 8))] * 7
        heads = {name: str(one.ledger.head()) for name, one in ended.bureaus.items()}
        assert set(ended.report.heads) == set(heads)
        for name, bureau in ended.bureaus.items():
            number, _, digest = ended.report.heads[name].partition(":")
            assert bureau.ledger._chain.digests[int(number)] == digest, "the head of its own ledger, as it was then"


@pytest.mark.parametrize("n_lost", [0, 1, 2])
@pytest.mark.parametrize("kind", [MaskedOffer, Members, Invite, Survivors, RevealRequest, MaskedResult])
def test_up_to_so_many_losses_in_any_phase_never_fail_the_run(kind: type[Any], n_lost: int) -> None:
    gone = ("north", "east")[:n_lost]
    with played(When(gone, kind, silence)) as ended:
        sums = ended.sums_are_exact()
        in_sum = tuple(name for name in SEVEN if name not in gone)
        joined = kind is not MaskedOffer
        assert ended.report.lost == (tuple(sorted(gone)) if joined and kind is not MaskedResult else ())
        if kind is Invite:
            assert sums[2][0] == in_sum
            assert [one.attempt for one in ended.asked(Invite, 2)] == [1]
        if kind is Survivors:
            assert [one.attempt for one in ended.asked(Invite, 2)] == ([1, 2] if gone else [1])
            assert sums[2][0] == in_sum
            assert [ended.charges(name) for name in in_sum] == [list(range(1, 8))] * len(in_sum), "a retry is free"
        if kind is RevealRequest:
            assert (2 in sums) is not bool(gone)
            n_rounds = 8 if gone else 7
            assert [ended.charges(name) for name in in_sum] == [list(range(1, n_rounds + 1))] * len(in_sum)
        assert all(ended.charges(name) in ([1, 2], [1], []) for name in gone) or kind is MaskedResult


@pytest.mark.parametrize("kind", [Members, Invite, Survivors, RevealRequest])
def test_one_loss_more_ends_the_run_and_names_who_is_gone(kind: type[Any]) -> None:
    gone = ("east", "north", "west")
    with pytest.raises(CohortError) as ended, played(When(gone, kind, silence)):
        pass
    assert "4 bureaus take part, a sum needs 5" in str(ended.value)
    assert "not asked any more: east, north, west" in str(ended.value)


def test_a_session_of_fewer_bureaus_than_the_plan_needs_does_not_begin() -> None:
    with pytest.raises(CohortError, match="node @north did not answer the offer"):
        played(When(["north"], MaskedOffer, silence), names=THREE).__enter__()


@pytest.mark.parametrize("kind", [Members, Invite, Survivors, RevealRequest])
def test_an_answer_that_is_lost_once_is_asked_for_again_and_nobody_is_lost(kind: type[Any]) -> None:
    with played(When(SEVEN, kind, silence, times=1)) as ended:
        assert ended.report.lost == ()
        assert len(ended.sums_are_exact()) == 7


def test_replies_twice_and_in_any_order_change_nothing() -> None:
    rng = Random(5)  # noqa: S311  an order, no secret
    with played(lambda node, _, reply: [(node, reply)] * 2, order=lambda posts: rng.sample(posts, len(posts))) as ended:
        assert ended.report.lost == ()
        with played() as plain:
            assert ended.sums_are_exact() == plain.sums_are_exact()
            assert ended.report.model == plain.report.model


class Late:
    """A reply arrives with the replies to the next request, too late."""

    def __init__(self, name: str, kind: type[Any]) -> None:
        self.node, self.kind, self.held = node_of(name), kind, list[Post]()

    def __call__(self, node: str, message: AnyMessage, reply: bytes) -> Iterable[Post]:
        if node == self.node and isinstance(message, self.kind):
            self.held.append((node, reply))
            return []
        late, self.held = (self.held, []) if not isinstance(message, self.kind) else ([], self.held)
        return [*late, (node, reply)]


@pytest.mark.parametrize("kind", [MaskedOffer, Members, Invite, Survivors])
def test_a_reply_that_comes_too_late_counts_for_nothing(kind: type[Any]) -> None:
    with played(Late("north", kind)) as ended:
        assert "north" not in ended.cohort
        assert all("north" not in names for number, (names, _) in ended.sums_are_exact().items() if number > 1)
        assert any("@north" in text for text in ended.report.refused)


CORRUPTED: dict[str, tuple[type[Any], dict[str, object]]] = {
    "words": (Invite, {"words": bytes(8 * 40)}),
    "commitment": (Invite, {"own_commitment": bytes(32)}),
    "pairs": (Invite, {"pair_commitments": bytes(32 * 6)}),
    "head": (Invite, {"head": "1:" + 64 * "0"}),
    "another round": (Invite, {"number": 3}),
    "another bureau's name": (Invite, {"bureau": "east"}),
    "another session": (Invite, {"session": bytes(16)}),
    "another plan": (Invite, {"fingerprint": 64 * "0"}),
    "a confirmation": (Survivors, {"signature": bytes(64)}),
    "a key": (RevealRequest, {"own_key": bytes(32)}),
    "a reveal's signature": (RevealRequest, {"signature": bytes(64)}),
    "ready": (Members, {"members": bytes(32)}),
    "join": (MaskedOffer, {"exchange_key": bytes(31) + b"\x09"}),
}


@pytest.mark.parametrize("what", CORRUPTED)
def test_a_corrupted_answer_is_refused_and_its_bureau_left_out(what: str) -> None:
    kind, changes = CORRUPTED[what]
    with played(When(["north"], kind, lambda node, _, reply: [(node, with_fields(reply, **changes))])) as ended:
        sums = ended.sums_are_exact()
        assert "north" not in ended.cohort
        assert "north" not in sums[7 if 7 in sums else 8][0]
        assert ended.report.refused


def test_bytes_that_are_no_message_are_refused() -> None:
    with played(When(["north"], Invite, lambda node, _, __: [(node, b"\x00noise"), (node, b"")])) as ended:
        assert "north" not in ended.cohort


def test_a_corrupted_answer_that_comes_right_the_second_time_harms_nobody() -> None:
    def corrupt(node: str, _: AnyMessage, reply: bytes) -> Iterable[Post]:
        return [(node, with_fields(reply, words=bytes(8 * 40)))]

    with played(When(["north"], Invite, corrupt, times=1)) as ended:
        assert ended.cohort == SEVEN
        assert len(ended.sums_are_exact()) == 7


def test_an_answer_from_another_node_than_its_bureau_sits_at_is_refused() -> None:
    def elsewhere(_: str, __: AnyMessage, reply: bytes) -> Iterable[Post]:
        return [("@east", reply), ("@nowhere", reply)]

    with played(When(["north"], Invite, elsewhere)) as ended:
        assert "north" not in ended.cohort
        assert ended.report.lost == ("north",)
        ended.sums_are_exact()


def test_a_bureau_that_the_roster_does_not_know_cannot_join() -> None:
    def poses(node: str, _: AnyMessage, reply: bytes) -> Iterable[Post]:
        return [(node, with_fields(reply, bureau="stranger"))]

    with played(When(["north"], MaskedOffer, poses)) as ended:
        assert "north" not in ended.cohort
        assert any("no bureau of the roster" in text for text in ended.report.refused)


def test_a_bureau_joins_once_whoever_asks_for_it() -> None:
    with played(When(["north"], MaskedOffer, lambda node, _, reply: [(node, reply), ("@nowhere", reply)])) as ended:
        assert ended.cohort == SEVEN
        assert any("@nowhere" in text for text in ended.report.refused)


def test_what_a_bureau_refuses_is_told_with_its_code() -> None:
    def refuses(node: str, _: AnyMessage, __: bytes) -> Iterable[Post]:
        return [(node, encode(Refusal(session=SESSION, bureau=node[1:], code=RefusalCode.POLICY)))]

    with played(When(["north"], Invite, refuses)) as ended:
        assert any("@north refuses at invite: policy" in text for text in ended.report.refused)
        assert ended.report.lost == ("north",)


def test_below_the_threshold_the_reasons_are_told() -> None:
    def expired(bureaus: dict[str, Bureau]) -> None:
        for name in SEVEN[:5]:
            bureaus[name].now += 10**6

    with pytest.raises(CohortError, match="refuses at offer: expired"), played(before=expired):
        pass


def test_who_never_reveals_costs_one_round_and_polishing_pays() -> None:
    with played(When(["north"], RevealRequest, silence, number=3)) as ended, played() as plain:
        phases = [(one.number, one.phase, one.cost) for one in ended.report.rounds]
        usual = [(one.number, one.phase, one.cost) for one in plain.report.rounds]
        assert len(phases) == len(usual) + 1
        assert phases[2][1:] == phases[3][1:] == usual[2][1:], "the round is asked again at its price"
        polish = [sum(cost for _, phase, cost in found if phase is Phase.LLOYD) for found in (phases, usual)]
        assert polish[1] - polish[0] == usual[2][2]
        total = sum(cost for *_, cost in phases)
        assert total == sum(cost for *_, cost in usual) == ended.bureaus["south"].spent
        assert ended.report.rounds[2].inertia is None
        assert ended.bureaus["south"].released[3] != ended.bureaus["south"].released[4], "fresh noise"
        assert 3 not in ended.sums_are_exact()
        assert ended.report.lost == ("north",)


def test_a_lost_measuring_round_still_ends_in_a_model() -> None:
    with played(When(["north"], RevealRequest, silence, number=7)) as ended:
        assert 7 not in ended.sums_are_exact()
        model = ended.report.model
        assert len(model.clusters) == 3
        assert all(cluster.cost_geometric_mean is None for cluster in model.clusters)
        got = {name: bureau.station.model for name, bureau in ended.bureaus.items()}
        assert got == dict.fromkeys(SEVEN, model) | {"north": None}


def test_a_slow_confirmation_in_every_round_costs_attempts_and_nothing_else() -> None:
    slow = [When([name], Survivors, silence, number=at) for at, name in ((2, "north"), (4, "east"))]
    with played(_Each(slow)) as ended:
        assert ended.report.lost == ("east", "north")
        assert len(ended.sums_are_exact()) == 7
        assert ended.charges("south") == list(range(1, 8))


class _Each:
    """One script after another."""

    def __init__(self, scripts: list[When]) -> None:
        self.scripts = scripts

    def __call__(self, node: str, message: AnyMessage, reply: bytes) -> Iterable[Post]:
        posts: list[Post] = [(node, reply)]
        for script in self.scripts:
            found = list(script(node, message, reply))
            posts = found if found != [(node, reply)] else posts
        return posts


def signs(bureau: Bureau, change: Callable[[Any], dict[str, object]]) -> Play:
    """The bureau itself sends something else, properly signed."""

    def play(node: str, _: AnyMessage, reply: bytes) -> Iterable[Post]:
        message: Any = decode(reply)
        return [(node, encode(sealed(message.model_copy(update=change(message)), bureau.identity)))]

    return play


class Cheats:
    """A script that gets to know its cheat once the bureaus are there."""

    def __init__(self, name: str, kind: type[Any], change: Callable[[Any], dict[str, object]], number: int = 2) -> None:
        self.name, self.kind, self.change, self.number = name, kind, change, number

    def before(self, bureaus: dict[str, Bureau]) -> None:
        self.when = When([self.name], self.kind, signs(bureaus[self.name], self.change), self.number)

    def __call__(self, node: str, message: AnyMessage, reply: bytes) -> Iterable[Post]:
        return self.when(node, message, reply)


def test_a_bureau_that_reveals_another_key_than_it_committed_to_is_named_and_costs_one_round() -> None:
    cheat = Cheats("north", RevealRequest, lambda _: {"own_key": bytes(32)})
    with played(cheat, before=cheat.before) as ended:
        assert "north" in ended.run.excluded
        assert any("north revealed another key" in text for text in ended.report.refused)
        assert [
            one.number for one in ended.report.rounds if one.inertia is None and one.phase is not Phase.RADIUS
        ] == []
        assert len(ended.report.rounds) == 8
        assert ended.report.lost == ("north",)
        ended.sums_are_exact()


def test_a_bureau_that_masks_with_another_pair_key_is_named_before_anything_is_lost() -> None:
    cheat = Cheats("north", Invite, lambda _: {"pair_commitments": bytes(32 * 6)})
    with played(cheat, before=cheat.before) as ended:
        assert ended.run.excluded == ["north"]
        assert len(ended.report.rounds) == 7
        assert [one.attempt for one in ended.asked(Invite, 2)] == [1, 2]
        assert ended.charges("south") == list(range(1, 8))
        ended.sums_are_exact()


def test_a_bureau_that_reveals_too_few_keys_is_named() -> None:
    cheat = Cheats("north", RevealRequest, lambda _: {"pair_keys": b""})
    script = _Each([When(["east"], Invite, silence)])

    def both(node: str, message: AnyMessage, reply: bytes) -> Iterable[Post]:
        found = list(script(node, message, reply))
        return [post for _, held in found for post in cheat(node, message, held)]

    with played(both, before=cheat.before) as ended:
        assert "north" in ended.run.excluded
        assert ended.report.lost == ("east", "north")
        ended.sums_are_exact()


def test_a_bureau_that_cheats_over_and_over_is_asked_no_more() -> None:
    cheat = Cheats("north", Invite, lambda message: {"words": message.words[:-8]})
    with played(cheat, before=cheat.before) as ended:
        assert ended.run.excluded == ["north"], "named once"
        assert all("@north" not in nodes for message, nodes in ended.transport.asked if _number(message) > 2)


def _number(message: AnyMessage) -> int:
    return message.number if isinstance(message, Invite) else 0


def test_garbage_that_is_masked_by_the_rules_is_told_by_its_size_and_costs_the_rounds_it_is_in() -> None:
    def spoil(bureaus: dict[str, Bureau]) -> None:
        releases = bureaus["north"].desk._party.releases
        honest = releases.kept_or_new

        def released(plan: Plan, release: ReleaseId, *rest: Any) -> bytes:
            held = honest(plan, release, *rest)
            return b"\xff" * 7 + b"\x3f" + held[8:] if release.round == 2 else held

        releases.kept_or_new = released  # type: ignore[assignment,method-assign]

    with played(before=spoil) as ended:
        assert len(ended.report.rounds) == 8
        assert 2 not in ended.sums_are_exact()
        assert ended.cohort == SEVEN, "nobody can be named"


def test_a_second_answer_does_not_take_the_place_of_the_first() -> None:
    """Not even when the second is properly signed garbage: then nobody is left out for it."""
    cheat = Cheats("north", Invite, lambda message: {"words": bytes(len(message.words))})

    def both(node: str, message: AnyMessage, reply: bytes) -> Iterable[Post]:
        return [(node, reply), *([] if (found := list(cheat(node, message, reply))) == [(node, reply)] else found)]

    with played(both, before=cheat.before) as ended:
        assert ended.cohort == SEVEN
        assert ended.run.excluded == []
        assert len(ended.sums_are_exact()) == 7


def test_the_transcript_holds_every_request_and_every_accepted_answer_in_order() -> None:
    with played(names=THREE) as ended:
        kinds = [type(decode(held)) for held in ended.transcript]
        one_round = [Invite, *[Masked] * 3, Survivors, *[Confirm] * 3, RevealRequest, *[Reveal] * 3]
        begin, end = [MaskedOffer, *[MaskedJoin] * 3, Members, *[Ready] * 3], [MaskedResult, *[Received] * 3]
        assert kinds == begin + 7 * one_round + end


def test_every_round_is_reported_with_its_bytes_on_the_way_down_and_up() -> None:
    with played(names=THREE) as ended:
        assert sum(ended.report.bytes_up.values()) == sum(
            len(held)
            for held in ended.transcript
            if not isinstance(decode(held), MaskedOffer | Members | Invite | Survivors | RevealRequest | MaskedResult)
        )
        one = ended.report.rounds[2]
        (invite,), (survivors,), (request,) = (ended.asked(kind, 3) for kind in (Invite, Survivors, RevealRequest))
        assert one.bytes_down == sum(len(encode(message)) for message in (invite, survivors, request))
