"""A whole session over scripted transports: what goes wrong ends in a retry or an error, never in silence."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from client.policy import Policy
from common.errors import CohortError, PlanError
from common.messages import Join, Message, Offer, Received, Refusal, RefusalCode, Result, RoundReply, RoundRequest
from common.plan import Phase
from common.wire import decode, encode
from server.coordinator import Coordinator
from server.session import RoundReport, SessionReport, run_session
from tests.parties import OPEN, PLAN, SESSION, bureau_rows, station, stations
from tests.server.scripted import Post, Script, Scripted, as_it_is, with_fields

NAMES = ("east", "north", "south", "west")
ROWS = {name: bureau_rows(seed) for seed, name in enumerate(NAMES)}
N_CLAIMS = 60


def session_over(transport: Scripted) -> SessionReport:
    return run_session(Coordinator(PLAN, SESSION, "1"), transport)


def played(script: Script = as_it_is, names: tuple[str, ...] = NAMES) -> tuple[Scripted, SessionReport]:
    transport = Scripted(stations(names, ROWS), script)
    return transport, session_over(transport)


def hash_of(*names: str) -> str:
    """What the bureaus would find if nothing went wrong."""
    return played(names=names)[1].model.centroids_sha256


def number_of(message: Message) -> int:
    return message.number if isinstance(message, RoundRequest) else 0


class Dies:
    """North answers so many rounds, then nothing."""

    def __init__(self, after: int) -> None:
        self.after = after

    def __call__(self, node: str, message: Message, reply: bytes) -> Iterable[Post]:
        gone = node == "@north" and (number_of(message) > self.after or isinstance(message, Result))
        return [] if gone else [(node, reply)]


def test_a_session_without_trouble_brings_the_model_to_every_bureau() -> None:
    parties = {f"@{name}": station(name, ROWS[name]) for name in NAMES}
    report = session_over(Scripted({node: one.answer for node, one in parties.items()}))
    assert report.lost == report.refused == ()
    assert [one.model for one in parties.values()] == [report.model] * len(NAMES)
    assert report.model.quality.n_claims == N_CLAIMS * len(NAMES)


def test_every_round_is_reported_with_its_bytes() -> None:
    told: list[RoundReport] = []
    transport = Scripted(stations(NAMES, ROWS))
    report = run_session(Coordinator(PLAN, SESSION, "1"), transport, told.append)
    assert tuple(told) == report.rounds
    assert [one.number for one in told] == list(range(1, report.model.provenance.rounds + 1))
    assert told[0].phase is Phase.SEEDING
    assert told[-1].phase is Phase.MEASURE
    assert told[-1].inertia == report.model.quality.inertia
    asked = [encode(message) for message, _ in transport.asked if isinstance(message, RoundRequest)]
    assert [one.bytes_down for one in told] == [len(one) for one in asked]


def test_all_bytes_that_leave_a_bureau_are_counted_also_those_that_were_refused() -> None:
    sent = dict.fromkeys(NAMES, 0)

    def count(node: str, message: Message, reply: bytes) -> Iterable[Post]:
        posts = [(node, reply)] * 2 if number_of(message) == 2 else [(node, reply)]
        sent[node[1:]] += sum(len(held) for _, held in posts)
        return posts

    _, report = played(count)
    assert report.bytes_up == sent
    assert len(report.refused) == len(NAMES), "the second replies"


def test_a_bureau_that_stumbles_is_asked_once_more_and_stays() -> None:
    stumbled: list[int] = []

    def stumble(node: str, message: Message, reply: bytes) -> Iterable[Post]:
        if node == "@north" and number_of(message) == 3 and not stumbled:
            stumbled.append(3)
            return []
        return [(node, reply)]

    transport, report = played(stumble)
    assert report.lost == ()
    assert report.model.centroids_sha256 == hash_of(*NAMES)
    again = [asked for asked in transport.asked_of("@north", RoundRequest) if asked.number == 3]
    assert len(again) == 2
    assert again[0] == again[1], "the very same request"
    assert [asked.number for asked in transport.asked_of("@east", RoundRequest)].count(3) == 1, "nobody else is"


@pytest.mark.parametrize("after", [0, 1, 4])
def test_a_bureau_that_dies_in_mid_round_is_left_out_and_named(after: int) -> None:
    transport, report = played(Dies(after))
    rest = ("east", "south", "west")
    assert report.lost == ("north",)
    assert report.model.provenance.lost == ("north",)
    assert report.model.provenance.cohort == rest
    assert report.model.quality.n_claims == N_CLAIMS * 3
    assert len(transport.asked_of("@north", RoundRequest)) == after + 2
    assert all(asked.cohort == rest for asked in transport.asked_of("@east", RoundRequest)[after + 1 :])
    if after == 0:
        assert report.model.centroids_sha256 == hash_of(*rest)


def test_a_bureau_that_dies_when_the_model_comes_is_still_in_it() -> None:
    _, report = played(Dies(10**6))
    assert report.lost == ()
    assert report.model.centroids_sha256 == hash_of(*NAMES)


def test_a_bureau_that_dies_after_it_replied_while_another_is_lost_is_left_out_too() -> None:
    def script(node: str, message: Message, reply: bytes) -> Iterable[Post]:
        late = number_of(message) > 2
        retried = isinstance(message, RoundRequest) and message.attempt > 1
        if (node == "@north" and number_of(message) >= 2) or (node == "@south" and (late or retried)):
            return []
        return [(node, reply)]

    _, report = played(script)
    assert report.lost == ("north", "south")
    assert report.model.quality.n_claims == N_CLAIMS * 2


def test_a_cohort_that_falls_below_the_minimum_ends_without_a_model() -> None:
    def all_but_one_die(node: str, message: Message, reply: bytes) -> Iterable[Post]:
        return [] if node != "@east" and number_of(message) >= 3 else [(node, reply)]

    with pytest.raises(CohortError, match=r"1 bureaus take part \(3 were lost on the way\), the plan needs 2"):
        played(all_but_one_die)


def test_when_nobody_answers_any_more_there_is_no_model() -> None:
    with pytest.raises(CohortError, match="0 bureaus take part"):
        played(lambda node, message, reply: [] if number_of(message) >= 5 else [(node, reply)])


@pytest.mark.parametrize("names", [(), ("east",)], ids=["no node", "one node"])
def test_zero_or_one_node_is_an_error(names: tuple[str, ...]) -> None:
    with pytest.raises(CohortError, match=f"{len(names)} bureaus take part, the plan needs 2"):
        played(names=names)


def test_a_node_that_misses_the_offer_is_asked_once_more() -> None:
    missed = {"@north": 1, "@south": 2}

    def script(node: str, message: Message, reply: bytes) -> Iterable[Post]:
        if isinstance(message, Offer) and missed.get(node, 0):
            missed[node] -= 1
            return []
        return [(node, reply)]

    transport, report = played(script)
    assert report.model.provenance.cohort == ("east", "north", "west")
    assert [len(transport.asked_of(f"@{name}", Offer)) for name in NAMES] == [1, 2, 2, 1]
    assert transport.asked_of("@south", RoundRequest) == []


def test_a_bureau_that_refuses_the_plan_takes_no_part_and_is_told_of() -> None:
    parties = stations(NAMES, ROWS) | {"@north": station("north", policy=Policy(protections=frozenset())).answer}
    transport = Scripted(parties)
    report = session_over(transport)
    assert report.model.provenance.cohort == ("east", "south", "west")
    assert report.refused == ("the bureau at node @north refuses the plan: policy",)
    assert len(transport.asked_of("@north", Offer)) == 1
    assert transport.asked_of("@north", RoundRequest) == []


def test_bureaus_whose_policy_wants_more_company_end_the_run() -> None:
    cautious = OPEN.model_copy(update={"min_cohort": 5})
    parties = {f"@{name}": station(name, ROWS[name], cautious).answer for name in NAMES}
    with pytest.raises(CohortError, match="0 bureaus take part"):
        session_over(Scripted(parties))


def test_two_bureaus_of_one_name_are_not_both_taken() -> None:
    parties = stations(("east", "south"), ROWS) | {"@again": station("east", ROWS["north"]).answer}
    report = session_over(Scripted(parties))
    assert report.model.provenance.cohort == ("east", "south")
    assert report.model.quality.n_claims == N_CLAIMS * 2
    assert any("joined already" in one for one in report.refused)


STRANGE: dict[str, Script] = {
    "a stranger answers": lambda node, _, reply: [("@stranger", reply), (node, reply)],
    "replies come twice": lambda node, _, reply: [(node, reply), (node, reply)],
    "noise comes first": lambda node, _, reply: [(node, b"\xc1noise"), (node, b""), (node, reply)],
    "replies come from every node": lambda node, _, reply: [("@east", reply), ("@west", reply), (node, reply)],
}


@pytest.mark.parametrize("script", STRANGE.values(), ids=STRANGE)
def test_what_should_not_come_changes_nothing_and_is_told_of(script: Script) -> None:
    def only_in_rounds(node: str, message: Message, reply: bytes) -> Iterable[Post]:
        return script(node, message, reply) if isinstance(message, RoundRequest) else [(node, reply)]

    _, report = played(only_in_rounds)
    assert report.model.centroids_sha256 == hash_of(*NAMES)
    assert report.lost == ()
    assert report.refused


def test_a_late_join_is_a_strangers_reply() -> None:
    late = encode(Join(session=SESSION, fingerprint=PLAN.fingerprint, bureau="zz"))

    def script(node: str, message: Message, reply: bytes) -> Iterable[Post]:
        return [(node, reply), ("@zz", late)] if isinstance(message, RoundRequest) else [(node, reply)]

    _, report = played(script)
    assert report.model.provenance.cohort == NAMES
    assert any("@zz is a stranger to this round" in one for one in report.refused)


def _refuses(node: str, message: Message, reply: bytes) -> Iterable[Post]:
    refusal = encode(Refusal(session=SESSION, bureau="north", code=RefusalCode.NO_CLAIMS))
    return [(node, refusal if node == "@north" and number_of(message) == 2 else reply)]


def _lies(field: str, value: object) -> Script:
    def script(node: str, message: Message, reply: bytes) -> Iterable[Post]:
        lying = node == "@north" and isinstance(message, RoundRequest) and isinstance(decode(reply), RoundReply)
        return [(node, with_fields(reply, **{field: value}) if lying else reply)]

    return script


SPOILED: dict[str, tuple[Script, str]] = {
    "refuses a round": (_refuses, "@north refuses round 2: no_claims"),
    "answers another request": (_lies("request", "0" * 64), "@north answered another request"),
    "answers in another's name": (_lies("bureau", "south"), "@north did not answer for the bureau"),
    "sends another shape": (_lies("summary", bytes(8)), "8 bytes are not"),
    "sends negative counts": (_lies("summary", np.full(5, -1, np.int64).tobytes()), "no claims could have"),
}


@pytest.mark.parametrize(("script", "reason"), SPOILED.values(), ids=SPOILED)
def test_a_bureau_that_keeps_answering_wrongly_is_left_out_and_told_of(script: Script, reason: str) -> None:
    _, report = played(script)
    assert report.lost == ("north",)
    assert report.model.provenance.cohort == ("east", "south", "west")
    assert report.model.quality.n_claims == N_CLAIMS * 3
    assert any(reason in one for one in report.refused)


def test_a_receipt_that_is_wrong_is_told_of() -> None:
    wrong = encode(Received(session=bytes(16), fingerprint=PLAN.fingerprint, bureau="north"))
    _, report = played(lambda node, message, reply: [(node, wrong if isinstance(message, Result) else reply)])
    assert sum("did not confirm the model" in one for one in report.refused) == len(NAMES)


def test_fewer_claims_than_clusters_is_the_plans_mistake() -> None:
    few = {name: ROWS[name][:1] for name in NAMES[:2]}
    with pytest.raises(PlanError, match="2 claims cannot form 3 clusters"):
        session_over(Scripted(stations(NAMES[:2], few)))


@pytest.mark.parametrize("seed", range(4))
def test_replies_in_any_order_give_one_model(seed: int) -> None:
    rng = np.random.default_rng(seed)

    def shuffled(posts: list[Post]) -> list[Post]:
        return [posts[place] for place in rng.permutation(len(posts))]

    report = session_over(Scripted(stations(NAMES, ROWS), order=shuffled))
    assert report.model == played()[1].model


def test_other_claims_give_another_hash() -> None:
    fewer = stations(NAMES, ROWS | {"north": ROWS["north"][:-1]})
    assert session_over(Scripted(fewer)).model.centroids_sha256 != hash_of(*NAMES)
