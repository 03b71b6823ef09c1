"""Whatever is sent to the router: a decision, or a documented refusal that tells nothing; no crash, and no growth."""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grpc
import psutil
import pytest

from client.router.serving import schema
from tests.client.router.fuzz import claims, frames
from tests.client.router.fuzz.doors import Doors, doors, insist_decided, insist_quiet
from tests.client.router.homes import Home
from tests.client.router.routed import claim_json
from tests.client.router.serving.hour import Hour
from tests.common.fuzzing import Figures, fuzz, seeded

SHORT, LONG, TO_A_SERVER = 3_000, 930_000, 30_000
A_MILLION = 1_000_000
"""What ``LONG`` inputs come to, since a file is as many requests as rows of it were read."""

MEBIBYTE = 1 << 20
GROWS = 96 * MEBIBYTE
"""Decisions of claims that were accepted after all are remembered, and a file's rows are held while it is read."""

ALLOWED = {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT}


@pytest.fixture
def ways(tmp_path: Path) -> Iterator[Doors]:
    with Home(tmp_path / "r").begin().accept().open() as router, doors(router, tmp_path) as found:
        yield found


def tried(ways: Doors, n_inputs: int, name: str) -> dict[str, Figures]:
    decoders = ways.decoders()
    total = sum(one.share for one in decoders)
    return {one.name: fuzz(one, 6 + n_inputs * one.share // total, seeded(f"{one.name} {name}")) for one in decoders}


def requests_in(found: dict[str, Figures], ways: Doors) -> int:
    """A file is as many as rows of it were read; none if it was refused as a whole."""
    files = found["csv"].inputs + found["parquet"].inputs
    return sum(one.inputs for one in found.values()) - files + sum(one.ingest.seen for one in ways.reports)


def test_whatever_comes_in_is_decided_or_refused_as_documented_and_nothing_of_it_is_told(ways: Doors) -> None:
    found = tried(ways, SHORT, "short")
    assert [wrong for one in found.values() for wrong in one.wrong] == []
    for one in found.values():
        assert one.accepted > 2
        assert one.refused.total() + one.accepted == one.inputs
    assert found["claim"].refused.total() > found["claim"].inputs // 2
    assert sum(sum(one.ingest.rejected.values()) for one in ways.reports) > 100


def test_two_versions_of_a_claim_in_one_batch_are_both_decided_though_their_records_are_alike(ways: Doors) -> None:
    asked = frames.together([claim_json(1), claim_json(1, adm_way="9"), claim_json(2)])
    answers = schema.DecideBatchReply.FromString(ways.answered("DecideBatch", asked)).decisions
    assert len({one.decision_id for one in answers}) == 3
    for one in answers:
        insist_decided(one)


@pytest.mark.slow
@pytest.mark.timeout(7_200)
def test_a_million_malformed_requests_find_no_crash_no_growth_and_nothing_told(ways: Doors) -> None:
    tried(ways, LONG // 50, "warm")
    ways.reports.clear()
    began = time.monotonic()
    held = psutil.Process().memory_info().rss
    found = tried(ways, LONG, "long")
    grown = psutil.Process().memory_info().rss - held
    show(ways, found, {"seconds": round(time.monotonic() - began), "grown_mib": grown / MEBIBYTE})
    assert [wrong for one in found.values() for wrong in one.wrong] == []
    assert requests_in(found, ways) >= A_MILLION
    assert grown < GROWS


def show(ways: Doors, found: dict[str, Figures], more: dict[str, object]) -> None:
    """The figures of a long run are its result."""
    rejected = Counter[str]()
    for one in ways.reports:
        rejected.update({str(reason): count for reason, count in one.ingest.rejected.items()})
    for name, figures in found.items():
        print(name, figures.inputs, "accepted", figures.accepted, dict(figures.refused), f"{figures.slowest_s:.2f} s")  # noqa: T201
    print("requests", requests_in(found, ways), more)  # noqa: T201
    print("rows refused", dict(rejected.most_common()))  # noqa: T201
    print("texts", len(ways.said), json.dumps(ways.said.most_common(25), indent=1))  # noqa: T201


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_a_server_outlives_tens_of_thousands_of_malformed_requests_and_decides_as_before(tmp_path: Path) -> None:
    hour, rng = Hour(home=Home(tmp_path / "r").begin().accept(), claims=[]), seeded("to a server")
    hour.start()
    try:
        with grpc.insecure_channel(f"unix:{hour.home.root / 'run' / 'router.sock'}") as channel:
            before = good(channel, wait=True)
            bombard(channel, TO_A_SERVER // 5, rng)
            settled = hour.memory()
            codes = bombard(channel, TO_A_SERVER, rng)
            assert good(channel) == before
            grown = hour.memory() - settled
    finally:
        hour.end(signal.SIGTERM)
    print(codes, f"{grown / MEBIBYTE:.1f} MiB more")  # noqa: T201
    assert set(codes) <= ALLOWED
    assert min(codes.values()) > TO_A_SERVER // 100
    assert grown < GROWS
    assert claims.CANARY not in hour.log.read_text()


def good(channel: grpc.Channel, *, wait: bool = False) -> bytes:
    """What is decided about a claim with which nothing is wrong, with its record."""
    decide = channel.unary_unary(f"/{schema.SERVICE}/Decide")
    return bytes(decide(frames.alone(claim_json(3), with_record=True), timeout=60, wait_for_ready=wait))


def bombard(channel: grpc.Channel, n_requests: int, rng: random.Random) -> Counter[object]:
    """Damaged requests, alone, in batches and in streams; how they ended."""
    codes = Counter[object]()
    seeds = (*frames.seeds_alone(), *frames.seeds_together())
    for _ in range(n_requests):
        held = frames.changed(rng.choice(seeds), rng)
        try:
            sent(channel, held, rng)
            codes[grpc.StatusCode.OK] += 1
        except grpc.RpcError as error:
            insist_quiet(str(error.details()))
            codes[error.code()] += 1
    return codes


def sent(channel: grpc.Channel, held: bytes, rng: random.Random) -> None:
    """A message by one of the methods; whichever it was made for."""
    name = rng.choice(("Decide", "Decide", "DecideBatch", "DecideStream"))
    if name == "DecideStream":
        for one in channel.stream_stream(f"/{schema.SERVICE}/{name}")(iter([held] * 3), timeout=60):
            insist_decided(schema.Decision.FromString(one))
    else:
        answer = channel.unary_unary(f"/{schema.SERVICE}/{name}")(held, timeout=60)
        kind = schema.Decision if name == "Decide" else schema.DecideBatchReply
        found = kind.FromString(answer)
        for one in [found] if name == "Decide" else found.decisions:
            insist_decided(one)
