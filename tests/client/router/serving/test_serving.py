"""The service: the router's answers over gRPC, refusals that show nothing, and nothing dropped at a swap or a stop."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from client.router.deciding.record import DecisionRecord
from client.router.desk import Desk
from client.router.router import Router, now
from client.router.serving import schema
from client.router.serving.asking import RouterLink
from client.router.serving.process import _until, serving
from client.router.serving.service import MOST_BATCH
from common.claim import Claim
from common.errors import InputError
from tests.client.router.deciding.worlds import claims
from tests.client.router.homes import Home, belongings, chain, model_bytes
from tests.client.tables import write_csv

CANARY = "CANARY4711"


@pytest.fixture
def router(tmp_path: Path) -> Iterator[Router]:
    with Home(tmp_path / "r").begin().accept().open() as found, serving(found):
        yield found


@pytest.fixture
def link(router: Router) -> Iterator[RouterLink]:
    with RouterLink.to_socket(socket_of(router)) as found:
        yield found


def socket_of(router: Router) -> Path:
    return router.desk.place.root / "run" / "router.sock"


def claim_bytes(number: int) -> bytes:
    held: Claim = claims(200, 3)[number]
    return held.model_copy(update={"claim_key": f"K{number}"}).model_dump_json().encode()


def test_one_claim_a_batch_and_a_stream_get_the_same_decisions(link: RouterLink) -> None:
    asked = [claim_bytes(number) for number in range(30)]
    alone = [link.decide(one) for one in asked]
    assert [one.SerializeToString() for one in link.decide_batch(asked)] == [one.SerializeToString() for one in alone]
    assert [one.SerializeToString() for one in link.decide_stream(asked)] == [one.SerializeToString() for one in alone]
    assert len({one.decision_id for one in alone}) == 30


def test_an_answer_is_in_the_store_with_its_record(router: Router, link: RouterLink) -> None:
    answer = link.decide(claim_bytes(1), with_record=True)
    kept = router.desk.store.decisions.by_id(answer.decision_id)
    assert router.desk.store.decisions.record(kept) == answer.record
    record = DecisionRecord.from_json(answer.record)
    assert schema.LANE_NUMBERS[record.lane] == answer.lane
    assert answer.confidence == record.confidence
    assert link.decide(claim_bytes(1)).record == b""


@pytest.mark.parametrize(
    "held",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"claim_key": "' + CANARY.encode() + b'"}',
        json.dumps({CANARY: 1}).encode(),
        json.dumps({"claim_key": CANARY, "psn_key": CANARY, "medfee_sumamt": CANARY, "diseinfo": CANARY}).encode(),
        b"[" * 5000,
        b"\xff\xfe",
        b'{"claim_key": "\\ud800"}',
    ],
)
def test_what_is_no_claim_is_refused_without_a_word_of_it(link: RouterLink, held: bytes) -> None:
    with pytest.raises(grpc.RpcError) as found:
        link.decide(held)
    assert found.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert CANARY not in found.value.details()
    assert link.decide_batch([held, claim_bytes(2)])[0].refusal == found.value.details()


def test_dates_with_and_without_a_time_zone_break_nothing(link: RouterLink) -> None:
    mixed = json.loads(claim_bytes(3)) | {"adm_time": "2024-01-01T00:00:00", "dscg_time": "2024-01-02T00:00:00Z"}
    assert link.decide(json.dumps(mixed | {"act_ipt_days": 1}).encode()).decision_id


def test_who_refused_is_heard_however_the_claim_spells_the_key(tmp_path: Path) -> None:
    home = Home(tmp_path / "r").begin().accept()
    write_csv(home.root / "opted-out.csv", [{"psn_key": "P１ "}])
    home.configure('# opted_out = "opted-out.csv"', 'opted_out = "opted-out.csv"')
    with home.open() as router, serving(router), RouterLink.to_socket(socket_of(router)) as link:
        asked = [
            json.dumps(json.loads(claim_bytes(place)) | {"psn_key": key}).encode()
            for place, key in enumerate(["P1", "\u3000Ｐ1", "P1\u00a0", "P2"])
        ]
        for answers in (
            link.decide_batch(asked, with_records=True),
            [link.decide(one, with_record=True) for one in asked],
        ):
            refused = ["refused_automation" in json.loads(one.record)["reasons"] for one in answers]
            assert refused == [True, True, True, False]


def test_one_unreadable_claim_spoils_no_batch_and_no_stream(link: RouterLink) -> None:
    asked = [claim_bytes(1), b"{", claim_bytes(2)]
    for answers in (link.decide_batch(asked), list(link.decide_stream(asked))):
        assert [bool(one.refusal) for one in answers] == [False, True, False]
        assert not answers[1].decision_id


def test_what_is_too_large_is_refused_before_it_is_parsed(link: RouterLink) -> None:
    with pytest.raises(grpc.RpcError) as found:
        link.decide(b" " * (1 << 16) + claim_bytes(1))
    assert found.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(grpc.RpcError) as found:
        link.decide_batch([b"{}"] * (MOST_BATCH + 1))
    assert found.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(grpc.RpcError) as found:
        link.decide(b" " * (1 << 25))
    assert found.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_bytes_that_are_no_message_are_refused(router: Router) -> None:
    with grpc.insecure_channel(f"unix:{socket_of(router)}") as channel:
        for name in ("Decide", "DecideBatch"):
            with pytest.raises(grpc.RpcError) as found:
                channel.unary_unary(f"/{schema.SERVICE}/{name}")(b"\xff\xff\xff\xff")
            assert found.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_callers_at_once_share_commits_and_all_are_answered(router: Router, link: RouterLink) -> None:
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda start=start: answers.extend(
            link.decide(claim_bytes(number)).decision_id for number in range(start, 80, 8)))
        for start in range(8)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 80
    assert sum(router.desk.store.decisions.counts().values()) == 80


def test_a_new_model_is_swapped_in_while_claims_are_decided_and_none_is_dropped(
    router: Router, link: RouterLink
) -> None:
    answers: list[bytes] = []
    asking = threading.Thread(
        target=lambda: answers.extend(
            link.decide(claim_bytes(number), with_record=True).record for number in range(120)
        )
    )
    asking.start()
    with Desk.open(router.desk.place.root) as desk:
        trust, held = desk.trust(now()), chain(2)[1]
        desk.shelf.receive(held.to_json(), model_bytes(2), trust, now())
        desk.shelf.accept(2, trust, now())
        belongings(desk, held.publication.model_sha256)
    router.swap()
    asking.join()
    versions = [json.loads(record)["model_version"] for record in answers]
    assert len(versions) == 120
    assert versions == sorted(versions)
    assert json.loads(link.decide(claim_bytes(150), with_record=True).record)["model_version"] == 2


@pytest.mark.parametrize("error", [ValueError("S1"), InputError("mend router.toml"), OSError(28, "full")])
def test_a_swap_that_fails_keeps_the_model_in_force_and_says_so(
    router: Router,
    link: RouterLink,
    error: Exception,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(_: bytes) -> None:
        raise error

    caplog.set_level("INFO")
    stop, again = threading.Event(), threading.Event()
    waiting = threading.Thread(target=_until, args=(stop, again, router))
    waiting.start()
    monkeypatch.setattr("client.router.place.parse_router_policy", lambda held, _: fails(held))
    again.set()
    seen(caplog, "goes on with what it had")
    monkeypatch.undo()
    assert json.loads(link.decide(claim_bytes(1), with_record=True).record)["model_version"] == 1
    again.set()
    seen(caplog, "swapped")
    stop.set()
    again.set()
    waiting.join(5)
    assert not waiting.is_alive()
    assert "S1" not in caplog.text


def seen(caplog: pytest.LogCaptureFixture, text: str) -> None:
    deadline = time.monotonic() + 20
    while text not in caplog.text:
        assert time.monotonic() < deadline, text
        time.sleep(0.02)


def test_health_says_what_serves_and_reflection_what_there_is(router: Router) -> None:
    with grpc.insecure_channel(f"unix:{socket_of(router)}") as channel:
        asked = health_pb2.HealthCheckRequest(service=schema.SERVICE)
        found = health_pb2_grpc.HealthStub(channel).Check(asked)
        assert found.status == health_pb2.HealthCheckResponse.SERVING
        request = reflection_pb2.ServerReflectionRequest(file_containing_symbol=schema.SERVICE)
        [reply] = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([request]))
        file = descriptor_pb2.FileDescriptorProto.FromString(reply.file_descriptor_response.file_descriptor_proto[0])
        assert file == schema.file_descriptor()


def test_the_file_for_others_says_what_the_messages_are(tmp_path: Path) -> None:
    protoc = pytest.importorskip("grpc_tools.protoc")
    source = Path(schema.__file__).with_name("router.proto")
    out = tmp_path / "found"
    assert protoc.main(["protoc", f"-I{source.parents[3]}", f"--descriptor_set_out={out}", schema.FILE]) == 0
    [found] = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file
    assert found == schema.file_descriptor()


def test_the_socket_is_for_its_owner_and_group_alone(router: Router) -> None:
    assert socket_of(router).stat().st_mode & 0o777 == 0o660
