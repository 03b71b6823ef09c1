"""The byte form of messages: one spelling each, and nothing else is ever accepted."""

import tracemalloc

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common.errors import MessageError
from common.messages import Message
from common.wire import decode, digest, encode
from tests.common.talk import JOIN, OFFER, ONE_OF_EACH, REFUSAL, REPLY, REQUEST, fields_of, map_of, messages, packed

NO_MESSAGE = "not a message of this protocol version"
OTHER_SPELLING = "not in canonical form"
MEBIBYTE = 1 << 20


@given(messages)
@settings(derandomize=True, max_examples=300, deadline=None)
def test_a_message_survives_the_way_to_bytes_and_back(message: Message) -> None:
    assert decode(encode(message)) == message


@pytest.mark.parametrize("message", ONE_OF_EACH, ids=lambda message: message.kind)
def test_fields_stand_in_sorted_order_under_their_own_names(message: Message) -> None:
    fields = msgpack.unpackb(encode(message))
    assert list(fields) == sorted(type(message).model_fields)
    assert encode(message) == packed(fields_of(message)), "the tests' own packer agrees"


def test_a_message_has_the_bytes_of_the_published_vector() -> None:
    assert encode(REFUSAL).hex() == (
        "85a6627572656175a56e6f727468a4636f6465a6706f6c696379a46b696e64a77265667573616c"
        "a773657373696f6ec410000102030405060708090a0b0c0d0e0fa776657273696f6e03"
    )


def test_a_digest_is_the_sha256_of_the_bytes() -> None:
    assert digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("message", ONE_OF_EACH, ids=lambda message: message.kind)
def test_a_missing_field_is_refused(message: Message) -> None:
    fields = fields_of(message)
    for name in fields:
        with pytest.raises(MessageError, match=NO_MESSAGE if name != "version" else OTHER_SPELLING):
            decode(packed({other: value for other, value in fields.items() if other != name}))


@pytest.mark.parametrize("message", ONE_OF_EACH, ids=lambda message: message.kind)
def test_an_unknown_field_is_refused(message: Message) -> None:
    fields = fields_of(message)
    with pytest.raises(MessageError, match=NO_MESSAGE):
        decode(packed(dict(sorted((fields | {"note": "hello"}).items()))))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version", 1),
        ("version", 0),
        ("version", "1"),
        ("kind", "round_reply"),
        ("kind", "greeting"),
        ("kind", None),
        ("kind", ["round_request"]),
        ("number", 3.0),
        ("number", float("nan")),
        ("number", True),
        ("number", "3"),
        ("number", 0),
        ("number", -1),
        ("number", 2**63),
        ("attempt", None),
        ("phase", "LLOYD"),
        ("phase", 1),
        ("cohort", "north"),
        ("cohort", []),
        ("cohort", ["north", 3]),
        ("cohort", ["north", b"south"]),
        ("cohort", ["north", ["south"]]),
        ("cohort", {"north": 1}),
        ("cohort", ["x" * 65]),
        ("centroids", "text for bytes"),
        ("centroids", [1, 2, 3]),
        ("session", bytes(15)),
        ("session", bytes(17)),
        ("session", "0123456789abcdef"),
        ("fingerprint", "0123456789ABCDEF" * 4),
        ("fingerprint", b"0123456789abcdef" * 4),
        ("n_centroids", 16_385),
        ("n_centroids", msgpack.ExtType(5, b"\x02")),
        ("number", msgpack.Timestamp(3)),
    ],
)
def test_a_field_of_another_type_or_beyond_its_limits_is_refused(name: str, value: object) -> None:
    fields = fields_of(REQUEST)
    assert decode(packed(fields)) == REQUEST
    with pytest.raises(MessageError, match=NO_MESSAGE):
        decode(packed(fields | {name: value}))


@pytest.mark.parametrize(
    "held",
    [
        b"",
        b"\xc0",
        b"\xc1",
        b"\x01",
        b"hello",
        msgpack.packb(list(fields_of(JOIN).items())),
        msgpack.packb([fields_of(JOIN)]),
        b"\x81\xc0\xc0",
        b"\x81\x90\xc0",
        b"\x81\xa1\xff\xc0",
        b"\xd6\xff\x00\x00\x00\x00",
        b"\xd4\x05\x00",
        b"\x91" * 100_000,
        b"\x81\xa1a" * 100_000,
    ],
    ids=lambda held: f"{held[:6].hex()} {len(held)} bytes",
)
def test_what_is_no_map_of_fields_is_refused(held: bytes) -> None:
    with pytest.raises(MessageError, match=NO_MESSAGE):
        decode(held)


@pytest.mark.parametrize("message", ONE_OF_EACH, ids=lambda message: message.kind)
def test_a_message_that_is_cut_off_anywhere_is_refused(message: Message) -> None:
    held = encode(message)
    for length in range(len(held)):
        with pytest.raises(MessageError):
            decode(held[:length])


@pytest.mark.parametrize("more", [b"\x00", b"\xc0", encode(JOIN)])
def test_bytes_after_a_message_are_refused(more: bytes) -> None:
    with pytest.raises(MessageError, match=NO_MESSAGE):
        decode(encode(JOIN) + more)


def test_keys_in_another_order_are_refused() -> None:
    fields = fields_of(JOIN)
    assert decode(packed(fields)) == JOIN
    with pytest.raises(MessageError, match=OTHER_SPELLING):
        decode(packed(dict(reversed(fields.items()))))


def test_a_key_that_comes_twice_is_refused() -> None:
    held = packed(fields_of(JOIN))
    twice = bytes([held[0] + 1]) + msgpack.packb("bureau") + msgpack.packb("south") + held[1:]
    with pytest.raises(MessageError, match=OTHER_SPELLING):
        decode(twice)


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("number", b"\xcc\x03"),
        ("number", b"\xcd\x00\x03"),
        ("number", b"\xce\x00\x00\x00\x03"),
        ("number", b"\xcf" + bytes(7) + b"\x03"),
        ("number", b"\xd0\x03"),
        ("number", b"\xd3" + bytes(7) + b"\x03"),
        ("phase", b"\xd9\x05lloyd"),
        ("phase", b"\xda\x00\x05lloyd"),
        ("phase", b"\xdb\x00\x00\x00\x05lloyd"),
        ("cohort", b"\xdc\x00\x03\xa4east\xa5north\xa5south"),
        ("cohort", b"\xdd\x00\x00\x00\x03\xa4east\xa5north\xa5south"),
        ("session", b"\xc5\x00\x10" + REQUEST.session),
        ("session", b"\xc6\x00\x00\x00\x10" + REQUEST.session),
        ("version", b"\xcb\x40\x08" + bytes(6)),
        ("phase", b"\xc4\x05lloyd"),
    ],
    ids=lambda part: part.hex()[:12] if isinstance(part, bytes) else part,
)
def test_a_value_in_another_spelling_is_refused(name: str, spelled: bytes) -> None:
    values = {field: msgpack.packb(value) for field, value in fields_of(REQUEST).items()}
    assert decode(map_of(values)) == REQUEST
    with pytest.raises(MessageError, match=OTHER_SPELLING):
        decode(map_of(values | {name: spelled}))


def test_a_map_that_is_spelled_longer_than_it_needs_is_refused() -> None:
    held = encode(JOIN)
    with pytest.raises(MessageError, match=OTHER_SPELLING):
        decode(b"\xde\x00" + bytes([held[0] & 0x0F]) + held[1:])


def test_a_message_over_the_limit_is_refused_before_it_is_read() -> None:
    held = encode(OFFER)
    assert decode(held, max_bytes=len(held)) == OFFER
    with pytest.raises(MessageError, match=f"{len(held)} bytes is over the limit of {len(held) - 1}"):
        decode(held, max_bytes=len(held) - 1)
    with pytest.raises(MessageError, match="over the limit"):
        decode(b"\xc1" * 11, max_bytes=10)


@pytest.mark.parametrize(
    "held",
    [
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x05",
        (b"\xdd" + (2 * MEBIBYTE).to_bytes(4, "big")) * 500 + bytes(2 * MEBIBYTE),
        b"\xdd" + (2 * MEBIBYTE).to_bytes(4, "big") + bytes(2 * MEBIBYTE),
        b"\xdf" + MEBIBYTE.to_bytes(4, "big") + bytes(2 * MEBIBYTE),
    ],
    ids=["array", "map", "text", "bytes", "extension", "arrays in arrays", "many numbers", "many keys"],
)
def test_lengths_that_are_only_announced_cost_no_memory(held: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(MessageError, match=NO_MESSAGE):
            decode(held)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < len(held) + MEBIBYTE


def test_a_refused_message_is_not_quoted_in_the_error() -> None:
    fields = fields_of(JOIN) | {"fingerprint": "NAME=Jane Doe"}
    with pytest.raises(MessageError) as caught:
        decode(packed(fields))
    assert "Jane" not in f"{caught.value} {caught.value.__cause__}"


def _refused_or_canonical(held: bytes) -> None:
    try:
        message = decode(held)
    except MessageError:
        return
    assert encode(message) == held


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A message with some bytes changed, taken out, doubled or put in."""
    held = bytearray(encode(draw(st.sampled_from(ONE_OF_EACH) | messages)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, max(len(held) - 1, 0)))
        end = start + draw(st.integers(0, 8))
        held[start:end] = draw(st.sampled_from([held[start:end] * 2, b""]) | st.binary(max_size=8))
    return bytes(held)


@given(damaged() | st.binary(max_size=200))
@settings(derandomize=True, max_examples=1_000, deadline=None)
@example(encode(REPLY))
def test_whatever_bytes_come_in_only_a_message_error_comes_out(held: bytes) -> None:
    _refused_or_canonical(held)


@pytest.mark.slow
@given(damaged() | st.binary(max_size=2_000))
@settings(derandomize=True, max_examples=40_000, deadline=None)
def test_whatever_bytes_come_in_only_a_message_error_comes_out_at_length(held: bytes) -> None:
    _refused_or_canonical(held)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from(ONE_OF_EACH), st.data())
@settings(derandomize=True, max_examples=300, deadline=None)
def test_a_message_with_any_value_in_any_field_is_itself_or_refused(message: Message, data: st.DataObject) -> None:
    fields = fields_of(message)
    name = data.draw(st.sampled_from(sorted(fields)))
    _refused_or_canonical(packed(fields | {name: data.draw(values)}))
