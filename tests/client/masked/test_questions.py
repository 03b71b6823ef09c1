"""Questions of masked sums: only what follows from the sum opened before is answered, and a refusal costs nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from common.consortium.identity import Identity
from common.masked_messages import Masked, MaskedResult
from common.messages import RefusalCode, bytes_to_words, words_to_bytes
from common.model import Model, centroids_digest
from common.plan import Phase
from common.sealing import sealed
from common.wire import decode, encode
from server.masked.steps import Step
from tests.client.masked.parties import SEVEN, Bureau, Table, bureaus_of, plain_sum
from tests.parties import SESSION

STRANGER = Identity.of_seed(bytes(range(32)))


def moved(held: bytes, by: int, place: int = 0) -> bytes:
    """Words with one of them moved."""
    words = bytes_to_words(held, (len(held) // 8,))
    words[place] += by
    return words_to_bytes(words)


@pytest.fixture(scope="module")
def asked() -> Iterator[tuple[Table, Bureau]]:
    """A table where round 3 is about to be asked; everything that is refused leaves it as it was."""
    with bureaus_of() as bureaus:
        yield Table(bureaus).until(Step.INVITE, 3), bureaus["north"]


@pytest.mark.parametrize("by", [2, -2, 1000])
def test_a_centroid_that_does_not_follow_is_refused(asked: tuple[Table, Bureau], by: int) -> None:
    table, north = asked
    held = table.message().centroids
    for place in range(len(held) // 8):
        north.refuses(table.bent(centroids=moved(held, by, place)), RefusalCode.WRONG_MODEL)


@pytest.mark.parametrize("by", [2, -2])
def test_a_radius_that_does_not_follow_is_refused(asked: tuple[Table, Bureau], by: int) -> None:
    table, north = asked
    north.refuses(table.bent(radii=moved(table.message().radii, by)), RefusalCode.WRONG_MODEL)


@pytest.mark.parametrize("by", [1, -1, 100_000])
def test_a_price_that_does_not_follow_is_refused(asked: tuple[Table, Bureau], by: int) -> None:
    table, north = asked
    north.refuses(table.bent(cost=table.message().cost + by), RefusalCode.WRONG_MODEL)


@pytest.mark.parametrize("phase", [Phase.LLOYD, Phase.MEASURE])
def test_a_phase_that_does_not_follow_is_refused(asked: tuple[Table, Bureau], phase: Phase) -> None:
    table, north = asked
    north.refuses(table.bent(phase=phase), RefusalCode.WRONG_MODEL)


def test_another_opened_sum_is_refused(asked: tuple[Table, Bureau]) -> None:
    table, north = asked
    opened = table.message().opened
    north.refuses(table.bent(opened=words_to_bytes(np.roll(bytes_to_words(opened, (40,)), 7))), RefusalCode.WRONG_MODEL)
    north.refuses(table.bent(opened=opened[:-8]), RefusalCode.WRONG_MODEL)
    north.refuses(table.bent(opened=opened[:-1]), RefusalCode.WRONG_MODEL)
    north.refuses(table.bent(opened=b""), RefusalCode.WRONG_MODEL)


def test_fewer_centroids_than_follow_are_refused(asked: tuple[Table, Bureau]) -> None:
    table, north = asked
    invite = table.message()
    cut = {"n_centroids": 1, "centroids": invite.centroids[:24], "radii": invite.radii[:8]}
    north.refuses(table.bent(**cut), RefusalCode.WRONG_MODEL)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"number": 4}, RefusalCode.WRONG_ORDER),
        ({"number": 2}, RefusalCode.WRONG_ORDER),
        ({"number": 1}, RefusalCode.WRONG_ORDER),
        ({"number": 1001}, RefusalCode.ROSTER),
        ({"cohort": ("east", "south")}, RefusalCode.WRONG_COHORT),
        ({"cohort": ("east", "north")}, RefusalCode.WRONG_COHORT),
        ({"cohort": ("east", "north", "stranger")}, RefusalCode.WRONG_COHORT),
        ({"cohort": ("north", "east", "south")}, RefusalCode.BAD_MESSAGE),
        ({"cohort": ("east", "north", "north", "south")}, RefusalCode.BAD_MESSAGE),
        ({"session": bytes(16)}, RefusalCode.WRONG_ORDER),
        ({"fingerprint": 64 * "0"}, RefusalCode.BAD_MESSAGE),
        ({"centroids": b""}, RefusalCode.WRONG_SHAPE),
        ({"phase": Phase.REFINING}, RefusalCode.WRONG_SHAPE),
    ],
    ids=str,
)
def test_what_is_out_of_order_or_not_of_this_session_is_refused(
    asked: tuple[Table, Bureau], changes: dict[str, object], code: RefusalCode
) -> None:
    table, north = asked
    north.refuses(table.bent(**changes), code)


def test_a_question_that_the_coordinator_has_not_signed_is_refused(asked: tuple[Table, Bureau]) -> None:
    table, north = asked
    north.refuses(encode(sealed(table.message(), STRANGER)), RefusalCode.SIGNATURE)
    north.refuses(encode(sealed(table.message(), table.bureaus["east"].identity)), RefusalCode.SIGNATURE)
    north.refuses(encode(table.message().model_copy(update={"attempt": 2})), RefusalCode.SIGNATURE)


def test_the_first_round_follows_from_nothing() -> None:
    with bureaus_of() as bureaus:
        table, north = Table(bureaus).until(Step.INVITE), bureaus["north"]
        for changes in ({"opened": bytes(40)}, {"answered": 3}):
            north.refuses(table.bent(**changes), RefusalCode.WRONG_MODEL)
        north.refuses(table.bent(centroids=moved(table.message().centroids, 2)), RefusalCode.WRONG_MODEL)
        north.accepts(table.run.request)


@pytest.mark.parametrize("by", [1, -1])
def test_another_machines_last_bit_is_followed_and_what_was_sent_counts(by: int) -> None:
    """Floating point may differ by a grid unit; then all go on from the centroids that were sent."""
    with bureaus_of() as bureaus:
        table, north = Table(bureaus).until(Step.INVITE, 3), bureaus["north"]
        north.accepts(table.bent(centroids=moved(table.message().centroids, by)))
        north.refuses(table.run.request, RefusalCode.WRONG_ORDER)


def test_after_all_these_refusals_the_session_goes_on_to_its_model(asked: tuple[Table, Bureau]) -> None:
    table, north = asked
    table.until(Step.RESULT)
    assert table.run.refused == []
    assert len(north.ledger._book.charges) == 7


def test_a_model_that_does_not_follow_is_refused_and_the_secrets_stay(asked: tuple[Table, Bureau]) -> None:
    table, north = asked
    table.until(Step.RESULT)
    result = table.message()
    model = Model.model_validate_json(result.model)
    for bad in (_shifted(model), _without_a_count(model)):
        north.refuses(table.bent(model=bad), RefusalCode.WRONG_MODEL)
    north.refuses(table.bent(opened=b""), RefusalCode.WRONG_MODEL)
    north.refuses(table.bent(opened=moved(result.opened, 1 << 40)), RefusalCode.WRONG_MODEL)
    north.refuses(table.bent(model=b"{}"), RefusalCode.BAD_MESSAGE)
    north.refuses(encode(sealed(result, STRANGER)), RefusalCode.SIGNATURE)
    assert north.ledger.sessions.kept(SESSION, "secrets") is not None
    assert north.station.model is None
    table.step()
    assert north.station.model == model
    assert north.ledger.sessions.kept(SESSION, "secrets") is None


def _shifted(model: Model) -> bytes:
    """The model with one coordinate two grid units off, its digests made to fit."""
    centroids = model.centroid_units()
    centroids[0, 0] += 2
    held = model.model_dump() | {
        "centroids": tuple(tuple(int(one) for one in row) for row in centroids),
        "centroids_sha256": centroids_digest(centroids),
    }
    return Model.model_validate(held).to_json()


def _without_a_count(model: Model) -> bytes:
    held = model.model_dump()
    first = held["clusters"][0]
    first["count"] = None if first["count"] is not None else 12
    return Model.model_validate(held).to_json()


def test_a_model_before_the_last_round_is_refused() -> None:
    with bureaus_of() as bureaus:
        table = Table(bureaus)
        whole = _whole()
        table.until(Step.INVITE, 5)
        bureaus["north"].refuses(table.say(whole), RefusalCode.WRONG_MODEL)


def _whole() -> MaskedResult:
    with bureaus_of() as bureaus:
        found = Table(bureaus).until(Step.RESULT).message()
        assert isinstance(found, MaskedResult)
        return found


def test_a_retry_with_fewer_bureaus_gets_the_same_words_under_other_masks_and_is_charged_once() -> None:
    with bureaus_of(SEVEN) as bureaus:
        table, north = Table(bureaus).until(Step.INVITE, 2), bureaus["north"]
        first = decode(north.accepts(table.run.request))
        table.step()
        spent, words = north.spent, north.released[2]
        table.step(without={"east"})
        assert (table.run.step, table.message().attempt, len(table.message().cohort)) == (Step.INVITE, 2, 6)
        again = decode(north.accepts(table.run.request))
        assert isinstance(first, Masked)
        assert isinstance(again, Masked)
        assert north.released[2] == words
        assert north.spent == spent
        assert first.words != again.words
        assert first.own_commitment != again.own_commitment
        table.until(Step.INVITE, 3)
        assert table.message().opened == plain_sum(bureaus, 2, table.message().cohort)


def test_the_same_question_again_gets_the_same_bytes() -> None:
    with bureaus_of() as bureaus:
        table, north = Table(bureaus).until(Step.INVITE, 2), bureaus["north"]
        assert north.accepts(table.run.request) == north.accepts(table.run.request)
        table.step()
        assert north.accepts(table.run.request) == north.accepts(table.run.request)
        table.step()
        assert north.accepts(table.run.request) == north.accepts(table.run.request)


def test_a_finished_session_is_over_in_the_same_process_and_after_a_restart() -> None:
    with bureaus_of() as bureaus:
        table, north = Table(bureaus).until(Step.DONE), bureaus["north"]
        requests = table.asked
        assert decode(north.accepts(requests[-1])).kind == "received", "the model may be delivered again"
        for request in requests[:-1]:
            north.refuses(request, RefusalCode.WRONG_ORDER)
        north.restart()
        for request in requests:
            north.refuses(request, RefusalCode.WRONG_ORDER)


def test_a_lost_round_is_answered_with_fresh_noise_at_its_price() -> None:
    with bureaus_of(SEVEN) as bureaus:
        table, north = Table(bureaus).until(Step.REVEAL, 2), bureaus["north"]
        before = north.spent
        table.step(without={"east"})
        invite = table.message()
        assert (invite.number, invite.opened, invite.answered) == (3, b"", 6)
        north.refuses(table.bent(number=2, attempt=2), RefusalCode.WRONG_ORDER)
        north.refuses(table.bent(cost=invite.cost * 2), RefusalCode.WRONG_MODEL)
        north.accepts(table.run.request)
        assert north.spent - before == invite.cost
        assert north.released[2] != north.released[3]
        table.until(Step.DONE)
        assert table.run.model().provenance.lost == ("east",)
