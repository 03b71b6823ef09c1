"""Keys are the same at both ends and different everywhere else; contexts and commitments bind what they name."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from common.errors import MessageError
from common.masking.commitments import commitment_to, disagreeing, own_commitment, pair_commitment, pair_commitments
from common.masking.context import Context
from common.masking.keys import SessionSecrets, own_key, pair_key, pair_secret, session_digest
from common.masking.threshold import threshold
from tests.common.masking.bureaus import secrets_of

CONTEXT = Context(session=b"s", round=1, attempt=1, cohort=("a", "b", "c"), model=b"m", parameters=b"p")
CHANGES = {
    "session": b"t",
    "round": 2,
    "attempt": 2,
    "cohort": ("a", "b"),
    "model": b"n",
    "parameters": b"q",
}
# RFC 7748 section 7 and the points of small order on the curve and its twist, and their other spelling.
LOW_ORDER = [
    "00" * 32,
    "01" + "00" * 31,
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


def shared(one: str, other: str, session: bytes = b"s") -> bytes:
    return pair_secret(secrets_of(one), secrets_of(other).public, session)


@pytest.mark.parametrize("field", CHANGES)
def test_the_context_digest_depends_on_each_field(field: str) -> None:
    assert replace(CONTEXT, **{field: CHANGES[field]}).digest != CONTEXT.digest


def test_the_context_digest_does_not_depend_on_anything_else() -> None:
    assert replace(CONTEXT).digest == CONTEXT.digest
    assert len(CONTEXT.digest) == 32


def test_neighbouring_fields_of_a_context_do_not_run_together() -> None:
    assert replace(CONTEXT, model=b"mp", parameters=b"").digest != replace(CONTEXT, model=b"m", parameters=b"p").digest
    assert replace(CONTEXT, round=1, attempt=11).digest != replace(CONTEXT, round=11, attempt=1).digest
    assert replace(CONTEXT, cohort=("ab", "c")).digest != replace(CONTEXT, cohort=("a", "bc")).digest


@pytest.mark.parametrize("cohort", [("b", "a"), ("a", "a"), ("a", "c", "b")])
def test_a_cohort_with_another_spelling_is_refused(cohort: tuple[str, ...]) -> None:
    with pytest.raises(MessageError, match="once, in order"):
        replace(CONTEXT, cohort=cohort)


def test_both_ends_of_a_pair_have_the_same_key() -> None:
    assert shared("a", "b") == shared("b", "a")
    assert pair_key(shared("a", "b"), "a", "b", b"c") == pair_key(shared("b", "a"), "b", "a", b"c")


def test_no_two_pairs_share_a_secret() -> None:
    assert len({shared(one, other) for one, other in combinations("abcd", 2)}) == 6


def test_a_pair_shares_another_secret_in_another_session() -> None:
    assert shared("a", "b", b"s") != shared("a", "b", b"t")


@pytest.mark.parametrize("field", CHANGES)
def test_keys_of_another_context_are_other_keys(field: str) -> None:
    other = replace(CONTEXT, **{field: CHANGES[field]})
    secret = shared("a", "b")
    assert pair_key(secret, "a", "b", CONTEXT.digest) != pair_key(secret, "a", "b", other.digest)
    assert own_key(secrets_of("a"), "a", CONTEXT.digest) != own_key(secrets_of("a"), "a", other.digest)


def test_keys_depend_on_names_and_on_their_purpose() -> None:
    secrets = SessionSecrets(b"e" * 32, b"x" * 32)
    assert own_key(secrets, "a", b"c") != own_key(secrets, "b", b"c")
    assert pair_key(b"x" * 32, "a", "b", b"c") != pair_key(b"x" * 32, "a", "d", b"c")
    assert own_key(secrets, "a", b"c") != pair_key(b"x" * 32, "a", "a", b"c")


def test_own_keys_follow_from_the_own_secret_alone() -> None:
    assert own_key(SessionSecrets(b"e" * 32, b"x" * 32), "a", b"c") == own_key(
        SessionSecrets(b"f" * 32, b"x" * 32), "a", b"c"
    )
    assert own_key(SessionSecrets(b"e" * 32, b"x" * 32), "a", b"c") != own_key(
        SessionSecrets(b"e" * 32, b"y" * 32), "a", b"c"
    )


@pytest.mark.parametrize("point", LOW_ORDER)
def test_a_point_of_low_order_is_no_session_key(point: str) -> None:
    with pytest.raises(MessageError, match="exclude the bureau"):
        pair_secret(secrets_of("a"), bytes.fromhex(point), b"s")


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_session_key_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(MessageError, match="exclude the bureau"):
        pair_secret(secrets_of("a"), b"k" * size, b"s")


@pytest.mark.parametrize(("exchange", "own"), [(31, 32), (33, 32), (32, 31), (32, 0)])
def test_session_secrets_of_another_length_are_refused(exchange: int, own: int) -> None:
    with pytest.raises(ValueError, match="32 bytes each"):
        SessionSecrets(bytes(exchange), bytes(own))


def test_session_secrets_do_not_show_themselves() -> None:
    assert repr(SessionSecrets(b"e" * 32, b"x" * 32)) == "SessionSecrets(...)"


def test_a_session_is_called_after_its_offer_its_members_and_their_keys() -> None:
    called = session_digest(b"offer", {"a": b"1", "b": b"2"})
    assert called == session_digest(b"offer", {"b": b"2", "a": b"1"})
    others = [
        session_digest(b"another", {"a": b"1", "b": b"2"}),
        session_digest(b"offer", {"a": b"1"}),
        session_digest(b"offer", {"a": b"2", "b": b"1"}),
        session_digest(b"offer", {"a": b"1", "c": b"2"}),
    ]
    assert len({called, *others}) == 5


def test_commitments_bind_the_key_and_what_it_is_for() -> None:
    assert own_commitment(b"k") != own_commitment(b"l")
    assert own_commitment(b"k") != pair_commitment(b"k")


def test_the_commitment_to_a_pair_is_found_by_its_peers_name() -> None:
    held = pair_commitments({"c": b"3", "a": b"1", "b": b"2"})
    assert [commitment_to(held, ["b", "c", "a"], name) for name in "abc"] == [
        pair_commitment(key) for key in (b"1", b"2", b"3")
    ]


def test_bureaus_that_masked_as_agreed_do_not_disagree() -> None:
    assert disagreeing(committed("abcd"), "abcd") == frozenset()
    assert disagreeing({}, "abcd") == frozenset()


def test_who_disagrees_with_most_others_is_named() -> None:
    held = committed("abcd") | {"b": pair_commitments(dict.fromkeys("acd", b"of its own making"))}
    assert disagreeing(held, "abcd") == {"b"}


def test_when_two_disagree_with_each_other_both_are_named() -> None:
    held = committed("abcd") | {"b": pair_commitments({"a": b"another", "c": b"bc", "d": b"bd"})}
    assert disagreeing(held, "abcd") == {"a", "b"}


def test_who_has_not_answered_disagrees_with_nobody() -> None:
    held = committed("abcd")
    held["b"] = pair_commitments({"a": b"another", "c": b"bc", "d": b"bd"})
    del held["a"]
    assert disagreeing(held, "abcd") == frozenset()


def committed(names: str) -> dict[str, bytes]:
    return {
        name: pair_commitments({peer: "".join(sorted((name, peer))).encode() for peer in names if peer != name})
        for name in names
    }


@pytest.mark.parametrize("n_members", range(1, 60))
def test_two_sets_of_threshold_survivors_share_an_honest_bureau_if_a_third_collude(n_members: int) -> None:
    for colluding in range(n_members // 3 + 1):
        assert 2 * threshold(n_members, 1, colluding) - n_members > colluding


@pytest.mark.parametrize("honest_floor", [1, 2, 50])
def test_every_opened_sum_has_the_honest_floor(honest_floor: int) -> None:
    for colluding in range(10):
        assert threshold(10, honest_floor, colluding) - colluding >= honest_floor
        assert 3 * threshold(10, honest_floor, colluding) > 2 * 10
