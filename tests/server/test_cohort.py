"""Who takes part: one bureau a node, one node a bureau, nobody late and never too few."""

from __future__ import annotations

import pytest

from common.errors import CohortError, MessageError
from common.messages import Join, Message, Refusal, RefusalCode
from common.wire import encode
from server.cohort import Cohort
from tests.common.talk import ONE_OF_EACH
from tests.parties import PLAN, SESSION


def join(bureau: str, **changes: object) -> bytes:
    fields = {"session": SESSION, "fingerprint": PLAN.fingerprint, "bureau": bureau}
    return encode(Join.model_validate(fields | changes))


@pytest.fixture
def cohort() -> Cohort:
    found = Cohort(PLAN, SESSION)
    assert found.admit("@2", join("north")) == "north"
    assert found.admit("@1", join("south")) == "south"
    return found


def test_bureaus_and_nodes_are_sorted_each_for_itself(cohort: Cohort) -> None:
    assert cohort.bureaus == ("north", "south")
    assert cohort.nodes == ("@1", "@2")
    assert (cohort.bureau_at("@1"), cohort.bureau_at("@2"), cohort.bureau_at("@3")) == ("south", "north", None)


@pytest.mark.parametrize(("node", "bureau"), [("@2", "north"), ("@2", "west"), ("@3", "north")])
def test_a_node_or_a_name_that_joined_already_is_refused(cohort: Cohort, node: str, bureau: str) -> None:
    with pytest.raises(MessageError, match="joined already"):
        cohort.admit(node, join(bureau))
    assert cohort.bureaus == ("north", "south")


def test_a_join_of_another_session_is_refused(cohort: Cohort) -> None:
    with pytest.raises(MessageError, match="node @3 did not answer the offer of this session"):
        cohort.admit("@3", join("west", session=bytes(16)))


def test_a_join_to_another_plan_is_refused(cohort: Cohort) -> None:
    with pytest.raises(MessageError, match="node @3 joined another plan"):
        cohort.admit("@3", join("west", fingerprint="0" * 64))


def test_a_refusal_is_told_with_its_code(cohort: Cohort) -> None:
    refusal = encode(Refusal(session=SESSION, bureau="west", code=RefusalCode.POLICY))
    with pytest.raises(MessageError, match="node @3 refuses the plan: policy"):
        cohort.admit("@3", refusal)


@pytest.mark.parametrize("message", [one for one in ONE_OF_EACH if one.kind not in {"join", "refusal"}])
def test_another_message_is_no_join(cohort: Cohort, message: Message) -> None:
    with pytest.raises(MessageError, match="did not answer the offer"):
        cohort.admit("@3", encode(message))


def test_bytes_that_are_no_message_are_no_join(cohort: Cohort) -> None:
    with pytest.raises(MessageError, match="not a message"):
        cohort.admit("@3", b"hello")
    assert cohort.nodes == ("@1", "@2")


def test_a_late_bureau_is_refused(cohort: Cohort) -> None:
    cohort.close()
    with pytest.raises(CohortError, match="joins the next one"):
        cohort.admit("@3", join("west"))
    assert cohort.bureaus == ("north", "south")


@pytest.mark.parametrize("n_bureaus", [0, 1])
def test_too_few_bureaus_cannot_start(n_bureaus: int) -> None:
    cohort = Cohort(PLAN, SESSION)
    for number in range(n_bureaus):
        cohort.admit(f"@{number}", join(f"bureau {number}"))
    with pytest.raises(CohortError, match=f"{n_bureaus} bureaus take part, the plan needs 2"):
        cohort.close()


def test_a_lost_bureau_is_named_and_does_not_come_back(cohort: Cohort) -> None:
    cohort.admit("@3", join("west"))
    cohort.close()
    cohort.lose(frozenset({"@2"}))
    assert cohort.bureaus == ("south", "west")
    assert cohort.lost == ["north"]
    with pytest.raises(CohortError):
        cohort.admit("@2", join("north"))


def test_losing_too_many_ends_the_run(cohort: Cohort) -> None:
    cohort.close()
    with pytest.raises(CohortError, match=r"1 bureaus take part \(1 were lost on the way\), the plan needs 2"):
        cohort.lose(frozenset({"@1"}))
