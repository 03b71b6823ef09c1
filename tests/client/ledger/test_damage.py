"""Whatever is done to the files is noticed, or provably never read."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.ledger.chain import NO_ENTRY, Head, read_chain, seal
from client.ledger.entry import Entry, Opened, Persisted, parse_entry, reserved
from client.ledger.errors import BrokenLedgerError, KeyFileError
from client.ledger.frame import HEADER_BYTES, FrameError, frame, frames
from client.ledger.keys import load_key
from client.ledger.ledger import CHAIN_FILE, KEY_FILE, VECTORS, Ledger, inspect
from tests.client.ledger.releases import NOON, UNLIMITED, Clock, charge, filled, new_ledger, release


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


def flipped(held: bytes) -> list[tuple[int, bytes]]:
    return [
        (bit, held[: bit // 8] + bytes([held[bit // 8] ^ 1 << bit % 8]) + held[bit // 8 + 1 :])
        for bit in range(8 * len(held))
    ]


def test_every_flipped_bit_of_the_chain_stops_the_ledger(directory: Path) -> None:
    held = filled(directory)
    public_key = read_chain(held).public_key
    for bit, changed in flipped(held):
        with pytest.raises(BrokenLedgerError):
            pytest.fail(f"bit {bit}: {read_chain(changed, public_key).head}")


def test_every_flipped_bit_of_an_unfinished_entry_changes_nothing_or_stops_the_ledger(directory: Path) -> None:
    held = filled(directory)
    whole = read_chain(held)
    last = [one.offset for one in frames(held)][-1]
    before = read_chain(held[:last])
    for _, changed in flipped(held[last:-1]):
        try:
            chain = read_chain(held[:last] + changed, whole.public_key)
        except BrokenLedgerError:
            continue
        assert chain.head == before.head
        assert chain.whole_bytes == last


def test_every_flipped_bit_of_a_kept_vector_is_noticed(directory: Path) -> None:
    filled(directory)
    (path,) = (directory / VECTORS).iterdir()
    with Ledger.open(directory, clock=Clock()) as ledger:
        for bit, changed in flipped(path.read_bytes()):
            path.write_bytes(changed)
            with pytest.raises(BrokenLedgerError, match="changed"):
                pytest.fail(f"bit {bit}: {ledger.vector_of(release(1))!r}")


def test_every_flipped_bit_of_the_key_file_is_noticed_or_leaves_the_same_key(directory: Path) -> None:
    filled(directory)
    path = directory / KEY_FILE
    key = load_key(path, None)
    harmless = 0
    for _, changed in flipped(path.read_bytes()):
        path.write_bytes(changed)
        try:
            found = load_key(path, None)
        except KeyFileError:
            continue
        if found.public == key.public:
            harmless += 1
            assert found.vector_key("00" * 32) == key.vector_key("00" * 32)
            continue
        with pytest.raises(BrokenLedgerError, match="another key"):
            Ledger.open(directory, clock=Clock())
    assert harmless < 100


def test_every_truncation_below_a_seen_head_is_noticed(directory: Path) -> None:
    held = filled(directory)
    whole = read_chain(held)
    for length in range(len(held)):
        with pytest.raises(BrokenLedgerError):
            read_chain(held[:length], whole.public_key).check_against(whole.head)
    whole.check_against(whole.head)


def test_every_truncation_is_harmless_above_a_seen_head(directory: Path) -> None:
    held = filled(directory)
    whole = read_chain(held)
    seen = Head(number=1, digest=whole.digests[1])
    ends = [one.end for one in frames(held)]
    for length in range(ends[1], len(held)):
        read_chain(held[:length], whole.public_key).check_against(seen)


def test_a_ledger_shorter_than_a_vector_it_keeps_does_not_open(directory: Path) -> None:
    held = filled(directory)
    first_end = next(frames(held)).end
    (directory / CHAIN_FILE).write_bytes(held[:first_end])
    with pytest.raises(BrokenLedgerError, match="shortened"):
        Ledger.open(directory, clock=Clock())
    with pytest.raises(BrokenLedgerError, match="shortened"):
        inspect(directory)


def test_a_rewritten_history_is_noticed_by_whoever_saw_the_old_one(directory: Path) -> None:
    with new_ledger(directory) as ledger:
        copy = (directory / CHAIN_FILE).read_bytes()
        ledger.reserve(release(1), charge(), UNLIMITED)
        seen = ledger.head()
    (directory / CHAIN_FILE).write_bytes(copy)
    with Ledger.open(directory, clock=Clock()) as ledger:
        ledger.reserve(release(2), charge(), UNLIMITED)
        with pytest.raises(BrokenLedgerError, match="rewritten"):
            ledger.check_against(seen)


def test_opening_refuses_a_ledger_behind_a_seen_head(directory: Path) -> None:
    held = filled(directory)
    seen = read_chain(held).head
    ends = [one.end for one in frames(held)]
    (directory / CHAIN_FILE).write_bytes(held[: ends[-2]])
    with pytest.raises(BrokenLedgerError, match=r"entry 3 was seen by others.*ledger verify"):
        Ledger.open(directory, clock=Clock(), seen=seen)


def test_an_unfinished_entry_is_cut_off_and_written_over(directory: Path) -> None:
    held = filled(directory)
    (directory / CHAIN_FILE).write_bytes(held[:-1])
    with Ledger.open(directory, clock=Clock()) as ledger:
        assert ledger.head().number == 2
        ledger.reserve(release(3), charge(), UNLIMITED)
    assert inspect(directory).head.number == 3
    assert inspect(directory).torn_bytes == 0


@pytest.mark.parametrize(
    ("order", "why"),
    [
        ([0, 2, 1, 3], "re-ordered"),
        ([0, 1, 1, 2, 3], "repeated"),
        ([0, 2, 3], "missing"),
        ([1, 2, 3], "does not open|missing"),
    ],
)
def test_entries_in_another_order_stop_the_ledger(directory: Path, order: list[int], why: str) -> None:
    held = filled(directory)
    records = [held[one.offset : one.end] for one in frames(held)]
    with pytest.raises(BrokenLedgerError, match=why):
        read_chain(b"".join(records[place] for place in order))


def test_an_entry_moved_from_another_ledger_of_the_same_key_stops_the_ledger() -> None:
    key = Ed25519PrivateKey.generate()
    one = _chain([_paid(1), _paid(2)], key=key)
    other = _chain([_paid(3), _paid(4)], key=key)
    second = [each.offset for each in frames(one)][2]
    moved = [each.offset for each in frames(other)][2]
    with pytest.raises(BrokenLedgerError, match="does not follow") as broken:
        read_chain(one[:second] + other[moved:])
    assert broken.value.entry == 2


def test_a_head_vouches_for_the_signature_of_the_last_entry() -> None:
    entry = _entry(_paid(1), number=1, previous="ab" * 32)
    digests = {seal(entry, Ed25519PrivateKey.generate())[1] for _ in range(2)}
    assert len(digests) == 2


def test_an_entry_signed_by_another_key_stops_the_ledger() -> None:
    with pytest.raises(BrokenLedgerError, match="not the station's"):
        read_chain(_chain([_paid(1)], signers={1: Ed25519PrivateKey.generate()}))


def test_a_whole_ledger_of_another_key_stops_a_station_that_knows_its_own() -> None:
    held = _chain([_paid(1)])
    read_chain(held)
    with pytest.raises(BrokenLedgerError, match="another key"):
        read_chain(held, "ab" * 32)


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([{"n": 1}, {"n": 1}], "second time"),
        ([{"n": 1}, {"n": 2, "time": NOON - 1}], "older than"),
        ([{"kept": 0}], "nothing paid"),
        ([{"kept": 1}], "nothing paid"),
        ([{"kept": 7}], "nothing paid"),
        ([{"n": 1}, {"kept": 1}, {"kept": 1}], "second one"),
        ([{"opened": True}], "opened once"),
    ],
)
def test_entries_that_contradict_those_before_stop_the_ledger(entries: list[dict[str, int]], why: str) -> None:
    with pytest.raises(BrokenLedgerError, match=why):
        read_chain(_chain(entries))


def test_an_entry_in_another_spelling_is_none() -> None:
    entry = _entry(_paid(1), number=1, previous="ab" * 32)
    body = entry.canonical()
    assert parse_entry(body) == entry
    for other in (body.replace(b",", b", "), body.replace(b'"rho":5', b'"rho":5.0'), body[:-1] + b',"x":1}'):
        with pytest.raises(ValueError, match=r"canonical|validation"):
            parse_entry(other)


def test_a_fault_is_named_by_entry_and_byte(directory: Path) -> None:
    held = filled(directory)
    second = [one.offset for one in frames(held)][2]
    changed = bytearray(held)
    changed[second + HEADER_BYTES + 40] ^= 1
    with pytest.raises(BrokenLedgerError) as broken:
        read_chain(bytes(changed))
    assert (broken.value.entry, broken.value.offset) == (2, second)


def test_a_damaged_header_is_named_by_entry_and_byte(directory: Path) -> None:
    held = filled(directory)
    second = [one.offset for one in frames(held)][2]
    with pytest.raises(BrokenLedgerError, match="header") as broken:
        read_chain(held[:second] + b"\0" + held[second + 1 :])
    assert (broken.value.entry, broken.value.offset) == (2, second)


def test_an_empty_file_is_no_ledger() -> None:
    with pytest.raises(BrokenLedgerError, match="no whole entry"):
        read_chain(b"")


def test_frames_come_back_as_they_were_written() -> None:
    held = frame(b"one") + frame(b"two" * 1000)
    assert [one.payload for one in frames(held)] == [b"one", b"two" * 1000]
    assert [one.payload for one in frames(held[:-1])] == [b"one"]
    with pytest.raises(FrameError):
        list(frames(held + bytes(HEADER_BYTES)))


@pytest.mark.parametrize("payload", [b"", bytes((1 << 16) + 1)])
def test_a_frame_is_neither_empty_nor_huge(payload: bytes) -> None:
    with pytest.raises(ValueError, match="a record has"):
        frame(payload)


@pytest.mark.parametrize("text", ["", "1:", "x:" + "0" * 64, "1:" + "0" * 63, "-1:" + "0" * 64, "1:" + "0" * 64 + "\n"])
def test_a_head_has_one_spelling(text: str) -> None:
    head = Head(number=12, digest="ab" * 32)
    assert Head.parse(str(head)) == head
    with pytest.raises(ValueError, match="a head is"):
        Head.parse(text)


def _paid(number: int) -> dict[str, int]:
    return {"n": number}


def _entry(given: dict[str, int], *, number: int, previous: str, public_key: str = "ab" * 32) -> Entry:
    time = given.get("time", NOON)
    if "opened" in given:
        return Opened(number=number, previous=previous, time=time, public_key=public_key)
    if "kept" in given:
        return Persisted(number=number, previous=previous, time=time, reservation=given["kept"], vector="ab" * 32)
    return reserved(release(given["n"]), charge(), number=number, previous=previous, time=time)


def _chain(
    entries: list[dict[str, int]],
    signers: dict[int, Ed25519PrivateKey] | None = None,
    key: Ed25519PrivateKey | None = None,
) -> bytes:
    """A chain of right signatures and hashes, whatever is in it."""
    key = key or Ed25519PrivateKey.generate()
    public_key = key.public_key().public_bytes_raw().hex()
    held, previous = b"", NO_ENTRY
    for number, given in enumerate([{"opened": 1}, *entries]):
        entry = _entry(given, number=number, previous=previous, public_key=public_key)
        record, previous = seal(entry, (signers or {}).get(number, key))
        held += record
    return held
