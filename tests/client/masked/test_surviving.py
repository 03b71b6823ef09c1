"""Survivors, keys and restarts: what a station has said once it never contradicts, whatever stops it and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from client.ledger.durable import AppendFile
from client.ledger.sessions import Sessions
from client.ledger.vectors import Vectors
from common.errors import CohortError
from common.masked_messages import Invite, Survivors
from common.messages import Refusal, RefusalCode
from common.wire import decode
from server.masked.steps import Step
from tests.client.masked.parties import SEVEN, Bureau, Table, bureaus_of, opened_sums, plain_sum


@pytest.fixture
def table() -> Iterator[Table]:
    with bureaus_of(SEVEN) as bureaus:
        yield Table(bureaus)


def swapped(digests: bytes, place: int) -> bytes:
    """The digests with another one in a place."""
    return digests[: 32 * place] + bytes(32) + digests[32 * (place + 1) :]


def without(message: Survivors, *names: str) -> dict[str, object]:
    """The fields of survivors that leave some out."""
    kept = [place for place, name in enumerate(message.names) if name not in names]
    digests = b"".join(message.digests[32 * place : 32 * (place + 1)] for place in kept)
    return {"names": tuple(message.names[place] for place in kept), "digests": digests}


def test_only_survivors_of_this_attempt_with_this_bureaus_own_words_are_confirmed(table: Table) -> None:
    table.until(Step.SURVIVORS)
    north, honest = table.bureaus["north"], table.message()
    me = honest.names.index("north")
    north.refuses(table.bent(context=bytes(32)), RefusalCode.WRONG_ORDER)
    north.refuses(table.bent(digests=swapped(honest.digests, me)), RefusalCode.WRONG_ORDER)
    north.refuses(table.bent(**without(honest, "north")), RefusalCode.WRONG_COHORT)
    north.refuses(table.bent(**without(honest, "east", "far", "mid")), RefusalCode.WRONG_COHORT)
    north.refuses(table.bent(names=("stranger", *honest.names[1:])), RefusalCode.WRONG_COHORT)
    north.refuses(table.bent(digests=honest.digests[:-32]), RefusalCode.WRONG_COHORT)
    north.accepts(table.run.request)


def test_in_a_context_only_the_first_survivors_are_ever_confirmed(table: Table) -> None:
    table.until(Step.SURVIVORS)
    north, honest = table.bureaus["north"], table.message()
    first = north.accepts(table.run.request)
    for changes in (without(honest, "east"), {"digests": swapped(honest.digests, 0)}):
        north.refuses(table.bent(**changes), RefusalCode.WRONG_ORDER)
    back(table, north, Step.SURVIVORS)
    for changes in (without(honest, "east"), {"digests": swapped(honest.digests, 0)}):
        north.refuses(table.bent(**changes), RefusalCode.WRONG_ORDER)
    assert north.accepts(table.run.request) == first


def test_no_key_leaves_before_everybody_has_confirmed(table: Table) -> None:
    table.until(Step.SURVIVORS)
    north = table.bureaus["north"]
    table.step()
    honest = table.message()
    place = honest.confirmations
    north.refuses(table.bent(confirmations=place[:-64]), RefusalCode.WRONG_ORDER)
    north.refuses(table.bent(confirmations=b""), RefusalCode.WRONG_ORDER)
    north.refuses(table.bent(confirmations=bytes(64) + place[64:]), RefusalCode.SIGNATURE)
    north.refuses(table.bent(confirmations=place[64:128] + place[:64] + place[128:]), RefusalCode.SIGNATURE)
    north.refuses(table.bent(context=bytes(32)), RefusalCode.WRONG_ORDER)
    north.accepts(table.run.request)


def test_a_new_attempt_forgets_the_survivors_of_the_one_before(table: Table) -> None:
    table.until(Step.REVEAL)
    north, reveal = table.bureaus["north"], table.run.request
    invite = next(decode(held) for held in table.asked if isinstance(decode(held), Invite))
    assert isinstance(invite, Invite)
    north.accepts(table.say(invite.model_copy(update={"attempt": 2, "signature": b""})))
    north.refuses(reveal, RefusalCode.WRONG_ORDER)
    north.refuses(table.say(invite), RefusalCode.WRONG_ORDER)


def test_a_round_that_was_opened_is_never_opened_in_another_attempt(table: Table) -> None:
    table.until(Step.REVEAL)
    north = table.bureaus["north"]
    invite = next(decode(held) for held in table.asked if isinstance(decode(held), Invite))
    assert isinstance(invite, Invite)
    again = table.say(invite.model_copy(update={"attempt": 2, "signature": b""}))
    north.accepts(table.run.request)
    north.refuses(again, RefusalCode.WRONG_ORDER)
    back(table, north, Step.REVEAL)
    north.refuses(again, RefusalCode.WRONG_ORDER)


def test_keys_of_the_lost_are_revealed_and_of_nobody_else(table: Table) -> None:
    table.until(Step.INVITE)
    table.step(without={"east", "west"})
    table.until(Step.REVEAL)
    reveal = decode(table.bureaus["north"].accepts(table.run.request))
    assert reveal.kind == "reveal"
    assert len(reveal.pair_keys) == 2 * 32


def told_before(table: Table, step: Step) -> list[bytes]:
    """What a station that has forgotten all must be told before it can answer a step."""
    earlier = {Step.SURVIVORS: (Invite,), Step.REVEAL: (Invite, Survivors)}.get(step, ())
    held = [[each for each in table.asked if isinstance(decode(each), kind)][-1] for kind in earlier]
    return [table.offer, *held]


def back(table: Table, bureau: Bureau, step: Step) -> None:
    """The station is started again, and told again what the coordinator told it before."""
    bureau.restart()
    for request in told_before(table, step):
        bureau.accepts(request)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_station_that_is_started_again_at_every_point_goes_on(when: str) -> None:
    """Before: it is asked when it comes back. After: its answer was lost, and it is asked the same again."""
    with bureaus_of() as bureaus:
        table, north = Table(bureaus), bureaus["north"]
        while table.run.step not in {Step.RESULT, Step.DONE}:
            if when == "before" and table.run.step is not Step.OFFER:
                back(table, north, table.run.step)
            if when == "after":
                first = north.accepts(table.run.request)
                back(table, north, table.run.step)
                assert north.accepts(table.run.request) == first
            table.step()
        assert table.run.refused == []
        assert len(north.ledger._book.charges) == 7
        sums = opened_sums([*table.asked, table.run.request])
        assert sums == {number: (names, plain_sum(bureaus, number, names)) for number, (names, _) in sums.items()}
        assert len(sums) == 7


class KilledError(BaseException):
    """The process is gone."""


class Killer:
    """Stops the station at its n-th durable step, before or after it is done."""

    def __init__(self, patch: pytest.MonkeyPatch, at: int, side: str) -> None:
        self.at, self.side, self.done, self.armed = at, side, 0, False
        for owner, name in ((AppendFile, "append"), (Sessions, "keep"), (Vectors, "keep")):
            patch.setattr(owner, name, self.around(getattr(owner, name)))

    def around(self, real: Callable[..., object]) -> Callable[..., object]:
        def step(*given: object) -> object:
            self.done += self.armed
            fatal = self.armed and self.done == self.at
            if fatal and self.side == "before":
                raise KilledError
            result = real(*given)
            if fatal:
                raise KilledError
            return result

        return step


def steps_until_round_3() -> int:
    with bureaus_of(SEVEN) as bureaus, pytest.MonkeyPatch.context() as patch:
        return killed_once(Table(bureaus), Killer(patch, 0, "never"))


N_STEPS = 23
"""Offer: secrets, offer, mark. Members: mark, list. Twice: reserve, vector, persist, invite, attempt, masked,
confirmed, survivors, opened."""


def test_the_durable_steps_are_those_that_are_tried() -> None:
    assert steps_until_round_3() == N_STEPS


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("at", range(1, N_STEPS + 1))
def test_a_station_killed_at_any_durable_step_opens_once_and_pays_once(
    at: int, side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bureaus_of(SEVEN) as bureaus:
        table = Table(bureaus)
        killed_once(table, Killer(monkeypatch, at, side))
        sums = opened_sums([*table.asked, table.run.request])
        assert set(sums) == {1, 2}
        for number, (names, held) in sums.items():
            assert held == plain_sum(bureaus, number, names)
        charges = bureaus["north"].ledger._book.charges
        assert len({charge.round for charge in charges}) == len(charges) <= 2
        assert ("north" in sums[2][0]) == (table.run.refused == []), "it is in the sum unless it cannot be"


def killed_once(table: Table, killer: Killer) -> int:
    """Two rounds; north dies where the killer says, comes back and is told again what it was told."""
    north, honest = table.bureaus["north"], Bureau.answer

    def answer(request: bytes) -> bytes:
        killer.armed = True
        try:
            return honest(north, request)
        except KilledError:
            killer.armed = False
            north.restart()
            for told in told_before(table, table.run.step):
                honest(north, told)
            return honest(north, request)
        finally:
            killer.armed = False

    north.answer = answer  # type: ignore[method-assign]
    while table.number is None or table.number < 3:
        table.step()
    return killer.done


def test_a_charge_without_a_release_is_never_drawn_again_and_the_others_go_on(table: Table) -> None:
    table.until(Step.INVITE, 2)
    north = table.bureaus["north"]

    def dies(_: int) -> bytes:
        raise KilledError

    north.ledger.close()
    north.start(dies)
    north.accepts(table.offer)
    with pytest.raises(KilledError):
        north.answer(table.run.request)
    spent = north.spent
    back(table, north, Step.INVITE)
    north.refuses(table.run.request, RefusalCode.WRONG_ORDER)
    assert north.spent == spent
    table.until(Step.DONE)
    assert table.run.model().provenance.lost == ("north",)


def test_with_three_bureaus_one_that_is_gone_ends_the_session_by_name() -> None:
    with bureaus_of() as bureaus:
        table = Table(bureaus).until(Step.INVITE, 2)
        with pytest.raises(CohortError, match="north"):
            table.step(without={"north"})


def test_masked_words_do_not_show_what_they_hide(table: Table) -> None:
    """Top bits of masked words are coins; those of the words below are all the same."""
    table.until(Step.INVITE, 2)
    north = table.bureaus["north"]
    reply = decode(north.accepts(table.run.request))
    assert not isinstance(reply, Refusal)
    masked = np.frombuffer(reply.words, "<u8") >> np.uint64(56)  # type: ignore[union-attr]
    plain = np.frombuffer(north.released[2], "<i8") >> 56
    assert len(np.unique(masked)) > 30
    assert set(plain.tolist()) <= {0, -1}
