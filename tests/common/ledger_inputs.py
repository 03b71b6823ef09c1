"""Ledgers for fuzzing: entries, records, chains and heads, damaged, changed, or changed and signed again."""

from __future__ import annotations

import hashlib
import json
import random
import zlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from client.ledger.chain import Head, read_chain
from client.ledger.entry import Marked, Opened, Persisted, Reserved, parse_entry
from client.ledger.errors import BrokenLedgerError
from client.ledger.frame import Frame, FrameError, frame, frames
from common.accounting.guarantee import Neighbouring, Unit
from tests.common import mutations
from tests.common.fuzzing import Change, Check, Decoder, insist

DOMAIN = b"fedclaims ledger entry 1\0"
STATION = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def _entry(held: bytes) -> None:
    insist(parse_entry(held).canonical() == held, "an entry has another spelling")


def _frames(held: bytes) -> None:
    found = list(frames(held))
    insist(held.startswith(b"".join(frame(each.payload) for each in found)), "records are not those of the file")


def _chain(held: bytes) -> None:
    chain = read_chain(held)
    previous, place = "0" * 64, 0
    for number, each in enumerate(frames(held)):
        body = json.loads(each.payload[:-64])
        insist(body["number"] == number and body["previous"] == previous, "a chain has a hole")
        previous, place = hashlib.sha256(DOMAIN + each.payload).hexdigest(), each.end
    insist(chain.whole_bytes == place and chain.head.digest == previous, "a chain ends elsewhere")
    insist(chain.public_key == STATION.public_key().public_bytes_raw().hex(), "a chain of another station")
    chain.check_against(chain.head)


def _head(held: bytes) -> None:
    head = Head.parse(held.decode("utf-8", "surrogateescape"))
    insist(Head.parse(str(head)) == head, "a head is not itself again")


def _entries() -> tuple[bytes, ...]:
    """The canonical forms of a small ledger's entries; each names the digest of the one before."""
    digest, found = "0" * 64, list[bytes]()
    charge = {"rho": 5, "unit": Unit.PERSON, "neighbouring": Neighbouring.ADD_OR_REMOVE_ONE, "data_version": "2024"}
    release = {"session": "ab" * 16, "fingerprint": "aa" * 32, "question": "cc" * 32}
    for kind, fields in (
        (Opened, {"public_key": STATION.public_key().public_bytes_raw().hex()}),
        (Reserved, {**release, **charge, "round": 1}),
        (Persisted, {"reservation": 1, "vector": "dd" * 32}),
        (Marked, {"place": "joined:" + "ab" * 16, "value": "ee" * 32}),
    ):
        entry = kind(number=len(found), previous=digest, time=1_700_000_000, **fields)
        found.append(entry.canonical())
        digest = hashlib.sha256(DOMAIN + found[-1] + STATION.sign(DOMAIN + found[-1])).hexdigest()
    return tuple(found)


def _sealed(bodies: list[bytes]) -> bytes:
    return b"".join(frame(each + STATION.sign(DOMAIN + each)) for each in bodies if len(each) < 60_000)


def _another_chain(held: bytes, rng: random.Random) -> bytes:
    """Records in another order or with other lengths; or entries changed and signed by the station itself."""
    if rng.random() < 0.4:
        return _other_records(held, rng)
    bodies = list(ENTRIES)
    place = rng.randrange(len(bodies))
    bodies[place] = mutations.as_json(bodies[place], rng)
    return _sealed(bodies)


def _other_records(held: bytes, rng: random.Random) -> bytes:
    records = [frame(each.payload) for each in _whole(held)] or [held]
    place = rng.randrange(len(records))
    length = rng.choice((0, 1, 1 << 16, (1 << 16) + 1, 2**32 - 1, rng.randrange(1 << 12)))
    head = b"fcL1" + length.to_bytes(4, "big")
    lie = head + zlib.crc32(head).to_bytes(4, "big") + records[place][12:]
    return b"".join(
        rng.choice(
            (
                records[:place] + records[place + 1 :],
                [*records[:place], records[place], *records[place:]],
                rng.sample(records, len(records)),
                [*records[:place], lie, *records[place + 1 :]],
            )
        )
    )


def _whole(held: bytes) -> list[Frame]:
    try:
        return list(frames(held))
    except FrameError:
        return []


ENTRIES = _entries()
CHAIN = _sealed(list(ENTRIES))
HEADS = (b"0:" + b"0" * 64, b"12:" + b"0123456789abcdef" * 4, b"999999999999999:" + b"f" * 64)


def _decoder(name: str, check: Check, refusal: type[Exception], seeds: tuple[bytes, ...], change: Change) -> Decoder:
    share = {"ledger entry": 130, "ledger records": 60}.get(name, 40)
    return Decoder(name=name, check=check, refusals=(refusal,), seeds=seeds, change=change, share=share)


LEDGERS = (
    _decoder("ledger entry", _entry, ValueError, ENTRIES, mutations.as_json),
    _decoder("ledger records", _frames, FrameError, (CHAIN,), _other_records),
    _decoder("ledger chain", _chain, BrokenLedgerError, (CHAIN,), _another_chain),
    _decoder("ledger head", _head, ValueError, HEADS, mutations.damaged),
)
