"""Replaying: a session by the rules is told in full, and whatever was changed, removed or invented is found."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from client.command import main as bureau_main
from common.consortium.roster import Roster
from common.masked_messages import (
    Confirm,
    Invite,
    Masked,
    MaskedJoin,
    MaskedOffer,
    MaskedResult,
    Members,
    Reveal,
    RevealRequest,
    Survivors,
)
from common.messages import Received
from common.model import Model
from common.replay.session import Replayed, replayed
from common.replay.transcript import ReplayError, TranscriptWriter, messages_in
from common.sealing import sealed
from common.wire import decode, encode
from server.command import main as coordinator_main
from simulations.consortium import signed_roster, simulated_consortium
from tests.client.masked.parties import SEVEN
from tests.server.masked.playing import Played, When, played, silence

CONSORTIUM = simulated_consortium(SEVEN)
ROSTER = CONSORTIUM.roster


def troubled(node: str, message: Any, reply: bytes) -> Any:
    """North is silent in round 2, east does not confirm in round 3: a loss, and a second attempt."""
    return [(node, reply)] if list(NORTH(node, message, reply)) and list(EAST(node, message, reply)) else []


NORTH, EAST = When(["north"], Invite, silence, number=2), When(["east"], Survivors, silence, number=3)


@pytest.fixture(scope="module")
def session() -> Iterator[Played]:
    with played(troubled) as ended:
        yield ended


@pytest.fixture(scope="module")
def lost_round() -> list[bytes]:
    """A transcript in which round 2 was lost at its end."""
    with played(When(["north"], RevealRequest, silence)) as ended:
        return list(ended.transcript)


def places(messages: Sequence[bytes], kind: type[Any]) -> list[int]:
    return [place for place, held in enumerate(messages) if isinstance(decode(held), kind)]


def said(held: bytes) -> Any:
    """The message, whatever it is."""
    return decode(held)


def refused(messages: Sequence[bytes], reason: str = ".", roster: Roster = ROSTER) -> None:
    with pytest.raises(ReplayError, match=reason):
        replayed(iter(messages), roster)


def bent(messages: Sequence[bytes], place: int, **changes: object) -> list[bytes]:
    """The coordinator has signed another message in a place."""
    message: Any = decode(messages[place])
    changed = sealed(type(message).model_validate(message.model_dump() | changes), CONSORTIUM.coordinator)
    return [*messages[:place], encode(changed), *messages[place + 1 :]]


def test_what_is_told_is_what_happened(session: Played) -> None:
    found = replayed(iter(session.transcript), ROSTER)
    assert found.model == session.report.model
    assert found.exact
    assert found.members == SEVEN
    assert [(one.number, one.attempts, len(one.survivors)) for one in found.rounds] == [
        (1, 1, 7),
        (2, 1, 6),
        (3, 2, 5),
        *[(number, 1, 5) for number in range(4, 8)],
    ]
    assert {one.number: (one.survivors, one.opened) for one in found.rounds} == session.sums_are_exact()


def test_a_lost_round_is_told_as_lost(lost_round: list[bytes]) -> None:
    found = replayed(iter(lost_round), ROSTER)
    assert [one.number for one in found.rounds if not one.opened] == [2]
    assert len(found.rounds) == 8


def test_a_flipped_bit_in_any_message_is_found(session: Played) -> None:
    rng = Random(1)  # noqa: S311  samples, no secret
    messages = session.transcript
    for place, held in enumerate(messages):
        bit = rng.randrange(8 * len(held))
        changed = bytearray(held)
        changed[bit // 8] ^= 1 << bit % 8
        refused([*messages[:place], bytes(changed), *messages[place + 1 :]])


def test_a_removed_message_is_found(session: Played, lost_round: list[bytes]) -> None:
    """Receipts of the model alone are not signed: for them the file's digest speaks."""
    third, last = places(session.transcript, Invite)[4], places(session.transcript, Invite)[-1]
    tried = [*range(third), *range(last, len(session.transcript))]
    without_each(session.transcript, tried)
    without_each(lost_round, range(places(lost_round, Invite)[1], places(lost_round, Invite)[2] + 1))


def without_each(messages: Sequence[bytes], tried: Sequence[int]) -> None:
    for place in tried:
        if not isinstance(decode(messages[place]), Received):
            refused([*messages[:place], *messages[place + 1 :]])


def test_a_message_in_another_place_is_found(session: Played) -> None:
    messages = session.transcript
    for kind in (MaskedOffer, Members, Invite, Survivors, RevealRequest, MaskedResult):
        place = places(messages, kind)[0]
        refused([*messages[:place], messages[place], *messages[place:]])
        refused([*messages[:place], messages[place + 1], messages[place], *messages[place + 2 :]])


def test_a_swapped_sum_is_found_and_its_round_named(session: Played) -> None:
    messages = session.transcript
    invites = places(messages, Invite)
    opened: bytes = said(messages[invites[1]]).opened
    swapped = opened[8:16] + opened[:8] + opened[16:]
    refused(bent(messages, invites[1], opened=swapped), "round 1, the coordinator: the sum is not the one")
    refused(bent(messages, invites[1], opened=b"", answered=7), "the sum is not the one")
    refused(bent(messages, invites[1], answered=6), "another number of bureaus")
    (result,) = places(messages, MaskedResult)
    last: bytes = said(messages[result]).opened
    refused(bent(messages, result, opened=last[8:] + last[:8]), "the sum is not the one")


def test_a_lost_round_that_is_said_to_be_opened_is_found(lost_round: list[bytes]) -> None:
    place = places(lost_round, Invite)[2]
    refused(bent(lost_round, place, opened=bytes(320), answered=7), "the sum is not the one")
    refused(bent(lost_round, place, answered=7), "another number of bureaus")


def moved(held: bytes, by: int) -> bytes:
    return (int.from_bytes(held[:8], "little", signed=True) + by).to_bytes(8, "little", signed=True) + held[8:]


@pytest.mark.parametrize(
    ("field", "change", "reason"),
    [
        ("centroids", lambda held: moved(held, 2), "the centroids do not follow"),
        ("radii", lambda held: moved(held, 2), "the radii do not follow"),
        ("cost", lambda held: held + 1, "phase, price or number"),
        ("number", lambda held: held + 1, "rounds do not follow"),
        ("attempt", lambda held: held + 1, "rounds do not follow"),
        ("phase", lambda _: "measure", "phase, price or number"),
        ("cohort", lambda held: held[1:], "."),
        ("cohort", lambda held: (*held, "stranger"), "."),
    ],
)
def test_a_question_that_does_not_follow_is_found(
    session: Played, field: str, change: Callable[[Any], object], reason: str
) -> None:
    place = places(session.transcript, Invite)[2]
    held = getattr(said(session.transcript[place]), field)
    refused(bent(session.transcript, place, **{field: change(held)}), reason)


def test_another_question_in_a_second_attempt_is_found(session: Played) -> None:
    second = places(session.transcript, Invite)[3]
    again = said(session.transcript[second])
    assert again.attempt == 2
    refused(bent(session.transcript, second, cost=again.cost + 1), "another question")
    refused(bent(session.transcript, second, cohort=SEVEN), "is asked again")


def test_a_bureau_that_is_left_out_of_the_survivors_is_found(session: Played) -> None:
    place = places(session.transcript, Survivors)[0]
    message: Any = decode(session.transcript[place])
    fewer = {"names": message.names[1:], "digests": message.digests[32:]}
    refused(bent(session.transcript, place, **fewer), "not those whose words came")
    refused(bent(session.transcript, place, digests=bytes(32) + message.digests[32:]), "not of the masked words")


def test_a_model_that_does_not_follow_is_found(session: Played) -> None:
    (place,) = places(session.transcript, MaskedResult)
    message: Any = decode(session.transcript[place])
    model = Model.model_validate_json(message.model)
    told = model.provenance
    for other in (
        told.model_copy(update={"rounds": 6}),
        told.model_copy(update={"session": "00"}),
        told.model_copy(update={"cohort": SEVEN, "lost": ()}),
        told.model_copy(update={"lost": ()}),
    ):
        changed = model.model_copy(update={"provenance": other})
        refused(bent(session.transcript, place, model=changed.to_json()), "another session, cohort")
    clusters = (model.clusters[0].model_copy(update={"count": 1}), *model.clusters[1:])
    refused(bent(session.transcript, place, model=model.model_copy(update={"clusters": clusters}).to_json()), "figures")
    refused(bent(session.transcript, place, model=b"{}"), "cannot be read")


def by_bureau(messages: Sequence[bytes], kind: type[Any], **changes: object) -> tuple[list[bytes], str]:
    """A bureau has signed another message than it sent, and the transcript holds that one."""
    place = places(messages, kind)[0]
    message: Any = decode(messages[place])
    changed = message.model_copy(update=changes)
    if not isinstance(message, Confirm | MaskedJoin):
        changed = sealed(changed, CONSORTIUM.identity(message.bureau))
    return [*messages[:place], encode(changed), *messages[place + 1 :]], message.bureau


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        (MaskedJoin, {"exchange_key": bytes(32)}, "signature under 'join'"),
        (Masked, {"words": bytes(8 * 5)}, "a digest is not of the masked words"),
        (Masked, {"words": b""}, "did not send"),
        (Masked, {"context": bytes(32)}, "another context"),
        (Confirm, {"signature": bytes(64)}, "signature under 'confirm'"),
        (Reveal, {"own_key": bytes(32)}, "revealed another key"),
        (Reveal, {"pair_keys": bytes(32)}, "did not reveal one key for each"),
    ],
)
def test_a_bureaus_message_that_does_not_fit_the_others_is_found(
    session: Played, kind: type[Any], changes: dict[str, object], reason: str
) -> None:
    messages, bureau = by_bureau(session.transcript, kind, **changes)
    with pytest.raises(ReplayError, match=reason) as found:
        replayed(iter(messages), ROSTER)
    assert bureau in str(found.value) or "the coordinator" in str(found.value)


def test_weaker_terms_than_the_rosters_are_found(session: Played) -> None:
    strict = ROSTER.model_copy(update={"terms": ROSTER.terms.model_copy(update={"min_cohort": 4})})
    refused(session.transcript, "another roster", strict)
    refused(bent(session.transcript, 0, roster=strict.digest), "weaker than the roster's", strict)


def test_another_consortium_is_found(session: Played) -> None:
    refused(session.transcript, "names another roster", simulated_consortium(("a", "b", "c")).roster)


def test_half_a_session_is_none(session: Played) -> None:
    (last,) = places(session.transcript, MaskedResult)
    for end in (0, 1, 8, 40, last):
        refused(session.transcript[:end], "ends before a model")


def written(messages: Sequence[bytes]) -> bytes:
    held = io.BytesIO()
    writer = TranscriptWriter(held.write)
    for message in messages:
        writer.record(message)
    writer.close()
    return held.getvalue()


def read(held: bytes) -> list[bytes]:
    return list(messages_in(io.BytesIO(held).read))


def test_what_was_written_is_read() -> None:
    for messages in ([], [b"a"], [b"a" * 300, b"\x00", b"b"]):
        assert read(written(messages)) == messages


def test_the_form_of_the_file_is_this() -> None:
    held = written([b"ab", b"c"])
    assert held[:-32] == b"fedclaims/transcript/1\n\x00\x00\x00\x02ab\x00\x00\x00\x01c\x00\x00\x00\x00"


def test_a_file_that_was_cut_lengthened_or_changed_is_refused() -> None:
    held = written([b"ab", b"c"])
    for end in range(len(held)):
        with pytest.raises(ReplayError):
            read(held[:end])
    with pytest.raises(ReplayError):
        read(held + b"\x00")
    for bit in range(8 * len(held)):
        changed = bytearray(held)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ReplayError):
            read(bytes(changed))


def test_an_empty_message_is_not_written() -> None:
    with pytest.raises(ValueError, match="empty"):
        TranscriptWriter(io.BytesIO().write).record(b"")


@pytest.fixture
def files(session: Played, tmp_path: Path) -> list[str]:
    (tmp_path / "transcript.bin").write_bytes(written(session.transcript))
    (tmp_path / "roster.json").write_bytes(signed_roster(SEVEN).to_json())
    return [str(tmp_path / "transcript.bin"), "--roster", str(tmp_path / "roster.json")]


@pytest.mark.parametrize("main", [coordinator_main, bureau_main])
def test_both_sides_replay_by_a_command(
    main: Callable[[list[str]], int], files: list[str], session: Played, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", *files, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["centroids_sha256"] == session.report.model.centroids_sha256
    assert [one["attempts"] for one in told["rounds"]] == [1, 1, 2, 1, 1, 1, 1]
    assert main(["replay", *files, "--governance", told["governance"]]) == 0
    shown = capsys.readouterr().out
    assert all(one["sum_sha256"] in shown for one in told["rounds"])
    assert "bit for bit" in shown


@pytest.mark.parametrize("main", [coordinator_main, bureau_main])
def test_what_does_not_follow_ends_with_code_5_and_one_line(
    main: Callable[[list[str]], int], files: list[str], session: Played, capsys: pytest.CaptureFixture[str]
) -> None:
    place = places(session.transcript, Invite)[3]
    cost = said(session.transcript[place]).cost
    Path(files[0]).write_bytes(written(bent(session.transcript, place, cost=cost + 1)))
    assert main(["replay", *files]) == 5
    assert "round 3" in capsys.readouterr().err
    assert main(["replay", *files, "--governance", 64 * "0"]) == 5
    Path(files[2]).write_bytes(signed_roster(SEVEN).model_copy(update={"signatures": ()}).to_json())
    assert main(["replay", *files]) == 5
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_file_that_is_not_there_ends_with_code_3(files: list[str]) -> None:
    assert coordinator_main(["replay", files[0] + ".none", *files[1:]]) == 3
    assert bureau_main(["replay", files[0], "--roster", files[2] + ".none"]) == 3


def test_a_replay_holds_one_attempt_at_a_time(session: Played) -> None:
    """Messages may come from a generator: none is asked for twice."""
    found: Replayed = replayed((held for held in session.transcript), ROSTER)
    assert found.exact
