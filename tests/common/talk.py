"""Messages for tests: one of each kind, and strategies that make any."""

import msgpack
from hypothesis import strategies as st

from common.messages import (
    Join,
    Message,
    Offer,
    Published,
    Received,
    Refusal,
    RefusalCode,
    Result,
    RoundReply,
    RoundRequest,
)
from common.plan import Phase

SESSION = bytes(range(16))
FINGERPRINT = "0123456789abcdef" * 4

OFFER = Offer(session=SESSION, plan=b"{}")
JOIN = Join(session=SESSION, fingerprint=FINGERPRINT, bureau="north")
REQUEST = RoundRequest(
    session=SESSION,
    fingerprint=FINGERPRINT,
    number=3,
    attempt=1,
    phase=Phase.LLOYD,
    cohort=("east", "north", "south"),
    n_centroids=2,
    centroids=bytes(range(48)),
    radii=bytes(range(16)),
    cost=1_000_000,
)
REPLY = RoundReply(
    session=SESSION,
    fingerprint=FINGERPRINT,
    number=3,
    attempt=1,
    bureau="north",
    request=FINGERPRINT,
    summary=bytes(64),
    head="12:" + FINGERPRINT,
)
RESULT = Result(session=SESSION, fingerprint=FINGERPRINT, model=b"{}")
PUBLISHED = Published(session=SESSION, fingerprint=FINGERPRINT, publication=b"{}", model=b"{}")
RECEIVED = Received(session=SESSION, fingerprint=FINGERPRINT, bureau="north")
REFUSAL = Refusal(session=SESSION, bureau="north", code=RefusalCode.POLICY)
ONE_OF_EACH: tuple[Message, ...] = (OFFER, JOIN, REQUEST, REPLY, RESULT, PUBLISHED, RECEIVED, REFUSAL)

sessions = st.binary(min_size=16, max_size=16)
fingerprints = st.binary(min_size=32, max_size=32).map(bytes.hex)
names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=64)
counters = st.integers(1, 1_000_000)
blobs = st.binary(max_size=300)

messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(Offer, session=sessions, plan=blobs),
    st.builds(Join, session=sessions, fingerprint=fingerprints, bureau=names),
    st.builds(
        RoundRequest,
        session=sessions,
        fingerprint=fingerprints,
        number=counters,
        attempt=counters,
        phase=st.sampled_from(Phase),
        cohort=st.lists(names, min_size=1, max_size=20).map(tuple),
        n_centroids=st.integers(1, 16_384),
        centroids=blobs,
        radii=blobs,
        cost=st.integers(0, 10**15),
    ),
    st.builds(
        RoundReply,
        session=sessions,
        fingerprint=fingerprints,
        number=counters,
        attempt=counters,
        bureau=names,
        request=fingerprints,
        summary=blobs,
        head=st.one_of(st.just(""), st.builds("{}:{}".format, st.integers(0, 10**12 - 1), fingerprints)),
    ),
    st.builds(Result, session=sessions, fingerprint=fingerprints, model=blobs),
    st.builds(Published, session=sessions, fingerprint=fingerprints, publication=blobs, model=blobs),
    st.builds(Received, session=sessions, fingerprint=fingerprints, bureau=names),
    st.builds(Refusal, session=sessions, bureau=names, code=st.sampled_from(RefusalCode)),
)


def fields_of(message: Message) -> dict[str, object]:
    """The fields of a message as they travel, in the order of the wire."""
    held = message.model_dump(mode="json" if isinstance(message, Refusal) else "python")
    held |= {"session": message.session}
    return {name: list(held[name]) if isinstance(held[name], tuple) else held[name] for name in sorted(held)}


def packed(fields: dict[str, object]) -> bytes:
    """Fields as MessagePack, in the order given, with no check at all."""
    return map_of({name: msgpack.packb(value) for name, value in fields.items()})


def map_of(values: dict[str, bytes]) -> bytes:
    """A MessagePack map of values that are packed already."""
    return bytes([0x80 | len(values)]) + b"".join(msgpack.packb(name) + value for name, value in values.items())
