"""A bureau opens one attempt of a round, when every survivor has signed the same; also after a restart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from common.consortium.identity import SignatureError
from common.errors import MessageError, RefusedError
from common.masking.participant import Participant, WrongOrderError, survivors_statement
from tests.common.masking.bureaus import Memory, context_of, digests_of, identity_of, memberships
from tests.common.masking.stage import ALL, FIRST, ME, Stage, staged


class DiskFullError(Exception):
    pass


@pytest.fixture(name="stage")
def a_stage() -> Stage:
    return staged()


def test_nothing_is_revealed_before_survivors_are_confirmed(stage: Stage) -> None:
    for confirmed in ({}, {name: bytes(64) for name in ALL}):
        with pytest.raises(WrongOrderError, match="nothing was confirmed"):
            stage.me.reveal(stage.context.digest, confirmed)


@pytest.mark.parametrize("missing", ALL)
def test_a_missing_confirmation_is_refused(stage: Stage, missing: str) -> None:
    signed = stage.confirmed(ALL)
    del signed[missing]
    with pytest.raises(WrongOrderError, match="not every survivor"):
        stage.me.reveal(stage.context.digest, signed)


def test_a_confirmation_of_one_who_was_lost_is_refused(stage: Stage) -> None:
    signed = stage.confirmed(FIRST)
    with pytest.raises(WrongOrderError, match="not every survivor"):
        stage.me.reveal(stage.context.digest, signed | {"b003": bytes(64)})


def false_signatures(stage: Stage) -> dict[str, bytes]:
    """Of b001, each for another reason."""
    digests = digests_of(stage.given, ALL)
    true = survivors_statement(stage.context.digest, ALL, digests)
    other_context = survivors_statement(bytes(32), ALL, digests)
    other_words = survivors_statement(stage.context.digest, ALL, [*digests[:3], bytes(32)])
    fewer = survivors_statement(stage.context.digest, FIRST, digests[:3])
    signer = identity_of("b001")
    return {
        "empty": b"",
        "zeros": bytes(64),
        "by another": identity_of("b002").sign("confirm", true),
        "for another purpose": signer.sign("masked", true),
        "of another context": signer.sign("confirm", other_context),
        "of other words": signer.sign("confirm", other_words),
        "of other survivors": signer.sign("confirm", fewer),
    }


@pytest.mark.parametrize(
    "reason",
    [
        "empty",
        "zeros",
        "by another",
        "for another purpose",
        "of another context",
        "of other words",
        "of other survivors",
    ],
)
def test_a_false_confirmation_is_refused_and_opens_nothing(stage: Stage, reason: str) -> None:
    signed = stage.confirmed(ALL)
    with pytest.raises(SignatureError):
        stage.me.reveal(stage.context.digest, signed | {"b001": false_signatures(stage)[reason]})
    assert not any(place.startswith("opened") for place in stage.me.kept.places)
    assert stage.me.reveal(stage.context.digest, signed)


def test_the_same_opening_again_gives_the_same_keys(stage: Stage) -> None:
    signed = stage.confirmed(FIRST)
    shown = stage.me.reveal(stage.context.digest, signed)
    assert stage.me.reveal(stage.context.digest, signed) == shown
    later = stage.restarted()
    later.me.contribute(stage.context, stage.words[ME])
    later.confirm(FIRST)
    assert later.me.reveal(stage.context.digest, signed) == shown


def test_an_opened_round_is_answered_in_no_other_attempt(stage: Stage) -> None:
    stage.me.reveal(stage.context.digest, stage.confirmed(ALL))
    second = context_of(stage.machines, attempt=2)
    for machine in (stage.me, stage.restarted().me):
        with pytest.raises(WrongOrderError, match="opened in another attempt"):
            machine.contribute(second, stage.words[ME])


def test_a_second_opening_of_a_round_is_refused_even_between_two_processes(stage: Stage) -> None:
    signed = stage.confirmed(ALL)
    twin = stage.restarted()
    second = twin.again()
    also_signed = second.confirmed(ALL)
    stage.me.reveal(stage.context.digest, signed)
    with pytest.raises(RefusedError):
        twin.me.reveal(second.context.digest, also_signed)


def test_the_next_round_is_opened_as_if_nothing_had_been(stage: Stage) -> None:
    stage.me.reveal(stage.context.digest, stage.confirmed(ALL))
    later = stage.again(round=2, attempt=1)
    assert later.me.reveal(later.context.digest, later.confirmed(FIRST)).context == later.context.digest


def test_a_new_attempt_forgets_the_survivors(stage: Stage) -> None:
    signed = stage.confirmed(ALL)
    later = stage.again()
    with pytest.raises(WrongOrderError, match="nothing was confirmed"):
        later.me.reveal(later.context.digest, signed)


def test_what_cannot_be_kept_is_not_said(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise DiskFullError

    signed = stage.confirmed(ALL)
    monkeypatch.setattr(Memory, "put", full)
    with pytest.raises(DiskFullError):
        stage.me.reveal(stage.context.digest, signed)
    with pytest.raises(DiskFullError):
        stage.confirm(ALL)


def test_a_member_whose_session_key_is_none_is_refused_at_once() -> None:
    member = memberships(3)["b000"]
    with pytest.raises(MessageError, match="exclude the bureau"):
        Participant(replace(member, exchange_keys=dict(member.exchange_keys) | {"b001": bytes(32)}), Memory())


def test_secrets_are_not_in_a_participants_text(stage: Stage) -> None:
    text = repr(stage.me)
    for secret in (stage.me.membership.secrets.own, stage.me.membership.secrets.exchange, *stage.me._pairs.values()):
        assert repr(secret) not in text
        assert secret.hex() not in text
