"""A bureau masks and confirms, each once and only as agreed; everything else it refuses."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from common.errors import CohortError, RefusedError
from common.masking.commitments import own_commitment, pair_commitments
from common.masking.participant import Participant, WrongOrderError
from tests.common.masking.bureaus import Memory, context_of, contributions, digests_of, reveals
from tests.common.masking.stage import ALL, FIRST, ME, OTHER, Stage, staged


def kept_by(participant: Participant) -> dict[str, bytes]:
    """Everything it will not contradict."""
    assert isinstance(participant.kept, Memory)
    return participant.kept.places


@pytest.fixture(name="stage")
def a_stage() -> Stage:
    return staged()


def test_the_same_attempt_again_gives_identical_bytes(stage: Stage) -> None:
    assert stage.me.contribute(stage.context, stage.words[ME]) == stage.given[ME]
    assert stage.restarted().me.contribute(stage.context, stage.words[ME]) == stage.given[ME]


def test_another_attempt_gives_other_bytes(stage: Stage) -> None:
    assert stage.again().given[ME].words != stage.given[ME].words


def test_both_ends_commit_to_the_same_pair_keys_and_later_reveal_what_they_committed_to(stage: Stage) -> None:
    shown = reveals(stage.machines, stage.context, stage.confirmed(FIRST))
    for name in FIRST:
        assert own_commitment(shown[name].own_key) == stage.given[name].own_commitment
        assert set(shown[name].pair_keys) == {"b003"}
        assert pair_commitments(shown[name].pair_keys) == stage.given[name].pair_commitments[-32:]


def test_without_losses_no_pair_key_is_revealed(stage: Stage) -> None:
    assert stage.me.reveal(stage.context.digest, stage.confirmed(ALL)).pair_keys == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"cohort": ("b000", "b001")},
        {"cohort": ("b001", "b002", "b003")},
        {"cohort": ("b000", "b001", "b002", "stranger")},
        {"session": b"another"},
    ],
    ids=["too small", "without this bureau", "with a stranger", "another session"],
)
def test_a_cohort_that_was_not_agreed_is_refused_and_changes_nothing(stage: Stage, changes: dict[str, object]) -> None:
    with pytest.raises(CohortError):
        stage.me.contribute(context_of(stage.machines, attempt=2, **changes), stage.words[ME])
    assert stage.confirm(ALL)


def test_an_attempt_is_checked_as_if_it_were_answered_and_nothing_changes(stage: Stage) -> None:
    stage.confirm(FIRST)
    stage.me.check(context_of(stage.machines, attempt=2))
    stage.me.check(stage.context)
    with pytest.raises(CohortError):
        stage.me.check(context_of(stage.machines, attempt=2, cohort=("b000", "b001")))
    with pytest.raises(WrongOrderError, match="older"):
        stage.me.check(context_of(stage.machines, attempt=1, model=b"another"))
    assert stage.me.survivors == tuple(FIRST)
    assert stage.confirm(FIRST)


def test_survivors_are_those_of_the_current_attempt(stage: Stage) -> None:
    assert stage.restarted().me.survivors == stage.me.survivors == ()
    stage.confirm(FIRST)
    assert stage.me.survivors == tuple(FIRST)
    assert stage.again().me.survivors == ()


@pytest.mark.parametrize(("number", "attempt"), [(2, 3), (2, 2), (1, 5)])
def test_an_attempt_older_than_the_last_is_refused(stage: Stage, number: int, attempt: int) -> None:
    later = stage.again(round=2, attempt=3)
    old = context_of(stage.machines, round=number, attempt=attempt, model=b"another")
    with pytest.raises(WrongOrderError, match="older"):
        later.me.contribute(old, stage.words[ME])


@pytest.mark.parametrize(
    "survivors",
    [
        ["b000", "b001"],
        ["b001", "b002", "b003"],
        ["b000", "b002", "b001"],
        ["b000", "b000", "b001", "b002"],
        ["b000", "b001", "stranger"],
        [],
    ],
    ids=["too few", "without this bureau", "unsorted", "one twice", "with a stranger", "none"],
)
def test_survivors_that_were_not_agreed_are_refused_and_not_kept(stage: Stage, survivors: list[str]) -> None:
    digests = [sha256(stage.given[name].words if name in stage.given else b"").digest() for name in survivors]
    with pytest.raises(CohortError):
        stage.me.confirm(stage.context.digest, survivors, digests)
    assert not any(place.startswith("confirmed") for place in kept_by(stage.me))


def test_survivors_outside_a_smaller_cohort_are_refused(stage: Stage) -> None:
    context = context_of(stage.machines, attempt=2, cohort=tuple(FIRST))
    given = contributions(stage.machines, context, stage.words)
    with pytest.raises(CohortError):
        stage.me.confirm(context.digest, ALL, [*digests_of(given, FIRST), bytes(32)])


@pytest.mark.parametrize("n_digests", [0, 3, 5])
def test_every_survivor_has_one_digest(stage: Stage, n_digests: int) -> None:
    digests = [*digests_of(stage.given, ALL), bytes(32)][:n_digests]
    with pytest.raises(CohortError):
        stage.me.confirm(stage.context.digest, ALL, digests)


def test_changed_words_are_refused(stage: Stage) -> None:
    digests = [bytes(32), *digests_of(stage.given, OTHER)]
    with pytest.raises(WrongOrderError, match="not those it sent"):
        stage.me.confirm(stage.context.digest, ALL, digests)
    assert not any(place.startswith("confirmed") for place in kept_by(stage.me))


def test_only_the_current_context_is_confirmed_and_revealed(stage: Stage) -> None:
    signed = stage.confirmed(ALL)
    stage.again()
    with pytest.raises(WrongOrderError, match="current attempt"):
        stage.confirm(ALL)
    with pytest.raises(WrongOrderError, match="current attempt"):
        stage.me.reveal(stage.context.digest, signed)


def test_nothing_is_confirmed_or_revealed_before_an_attempt(stage: Stage) -> None:
    fresh = stage.restarted().me
    with pytest.raises(WrongOrderError, match="current attempt"):
        fresh.confirm(stage.context.digest, ALL, digests_of(stage.given, ALL))
    with pytest.raises(WrongOrderError, match="current attempt"):
        fresh.reveal(stage.context.digest, {})


def test_the_same_survivors_are_confirmed_again_with_the_same_signature(stage: Stage) -> None:
    assert stage.confirm(FIRST) == stage.confirm(FIRST)


def test_a_second_set_of_survivors_is_refused(stage: Stage) -> None:
    stage.confirm(ALL)
    with pytest.raises(RefusedError):
        stage.confirm(FIRST)


def test_a_second_set_of_survivors_is_refused_after_a_restart_too(stage: Stage) -> None:
    stage.confirm(ALL)
    later = stage.restarted()
    later.me.contribute(stage.context, stage.words[ME])
    with pytest.raises(RefusedError):
        later.confirm(FIRST)
    assert later.confirm(ALL) == stage.confirm(ALL)


def test_the_same_survivors_with_other_words_of_another_are_a_second_set(stage: Stage) -> None:
    stage.confirm(ALL)
    with pytest.raises(RefusedError):
        stage.me.confirm(stage.context.digest, ALL, [*digests_of(stage.given, ALL)[:3], bytes(32)])


def test_after_a_refused_second_set_the_first_is_still_the_one_that_opens(stage: Stage) -> None:
    signed = stage.confirmed(ALL)
    with pytest.raises(RefusedError):
        stage.confirm(FIRST)
    assert stage.me.reveal(stage.context.digest, signed).pair_keys == {}


def test_other_words_are_never_masked_in_a_context_not_even_after_a_restart(stage: Stage) -> None:
    words = np.array([105, 206], np.int64)
    again = Participant(membership=stage.me.membership, kept=stage.me.kept)
    for participant in (stage.me, again):
        with pytest.raises(RefusedError, match="another value is kept"):
            participant.contribute(stage.context, words)


@pytest.mark.parametrize("words", [np.zeros((2, 2), np.int64), np.zeros(2), np.int64(3)], ids=["flat", "float", "one"])
def test_words_that_are_no_vector_are_not_masked(stage: Stage, words: np.ndarray) -> None:
    again = Participant(membership=stage.me.membership, kept=Memory())
    with pytest.raises(ValueError, match="vector of int64"):
        again.contribute(stage.context, words)


@pytest.mark.parametrize("changes", [{"threshold": 0}, {"name": "nobody"}, {"public_keys": {}}])
def test_what_is_no_membership_is_refused(stage: Stage, changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="identity and a session key"):
        replace(stage.me.membership, **changes)
