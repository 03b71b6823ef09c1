"""The methods of the gRPC service: limits, parsing, waiting for the commit, and status codes that say no value."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTimeError
from contextlib import suppress
from dataclasses import dataclass
from queue import Full, Queue
from threading import Thread
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from client.router.grouping import BusyError, GroupCommit
from client.router.serving import schema
from client.router.serving.reading import MOST_CLAIM_BYTES, UnreadableClaimError, read_claim
from common.claim import Claim
from common.errors import FedclaimsError

_LOG = logging.getLogger(__name__)

MOST_BATCH = 4_096
MOST_BATCH_BYTES = 1 << 24
MOST_REQUEST_BYTES = MOST_CLAIM_BYTES + 64
STREAM_WINDOW = 256
"""Claims of one stream that are under way at once; then the stream waits."""

LONGEST_WAIT_S = 30.0
LOOK_AGAIN_S = 1.0

Method = Callable[[bytes, grpc.ServicerContext], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A claim and whether its record is wanted.

    Attributes:
        claim: As it was read.
        with_record: Whether the answer holds the record.
    """

    claim: Claim
    with_record: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was decided, after it is on the disk.

    Attributes:
        decision_id: Of the record.
        lane: Where the claim goes.
        confidence: Calibrated; None without a calibration.
        record: In its one spelling; empty unless it was wanted.
    """

    decision_id: str
    lane: str
    confidence: float | None
    record: bytes


Decides = GroupCommit[Question, Answer]
UnderWayItem = Future[Sequence[Answer]] | Exception | None
UnderWay = Queue[UnderWayItem]


class RouterService:
    """The methods, over bytes.

    Guarantees:
        * Nothing is parsed beyond its limit, and whatever comes in, what goes out is an answer, a refusal or a status
          code with a text of our own: never an exception's text.
        * An answer is given only after its decision is on the disk.
        * Streams and batches hold a bounded number of claims in memory, and no thread once whoever asked is gone.
    """

    def __init__(self, decides: Decides) -> None:
        """Answer through a group commit."""
        self._decides = decides

    def handlers(self) -> grpc.GenericRpcHandler:
        """For a gRPC server; messages are taken and given as bytes."""
        methods = {
            "Decide": grpc.unary_unary_rpc_method_handler(_guarded(self.decide)),
            "DecideBatch": grpc.unary_unary_rpc_method_handler(_guarded(self.decide_batch)),
            "DecideStream": grpc.stream_stream_rpc_method_handler(self.decide_stream),
        }
        return grpc.method_handlers_generic_handler(schema.SERVICE, methods)

    def decide(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        """One claim."""
        question = _question(request)
        [answer] = self._decides.answer([question], _patience(context))
        return bytes(_reply(answer).SerializeToString())

    def decide_batch(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        """Many claims."""
        asked = _parsed(schema.DecideBatchRequest, request, MOST_BATCH_BYTES)
        if len(asked.claims) > MOST_BATCH:
            msg = f"a batch has at most {MOST_BATCH} claims: send several"
            raise UnreadableClaimError(msg)
        read = [_read(held, with_record=asked.with_records) for held in asked.claims]
        questions = [one for one in read if isinstance(one, Question)]
        answers: Iterator[Answer] = iter(())
        if questions:
            answers = iter(_result(self._decides.ask(questions, _patience(context)), context))
        replies = [_reply(next(answers)) if isinstance(one, Question) else _refusal(one) for one in read]
        return bytes(schema.DecideBatchReply(decisions=replies).SerializeToString())

    def decide_stream(self, requests: Iterable[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        """Claims as they come; a thread of its own reads ahead, up to the window."""
        under_way: UnderWay = Queue(STREAM_WINDOW)
        if not context.add_callback(lambda: _wake(under_way)):
            return
        Thread(target=self._read_ahead, args=(requests, under_way, context), daemon=True).start()
        try:
            while (one := under_way.get()) is not None:
                if isinstance(one, UnreadableClaimError):
                    yield _refusal(one).SerializeToString()
                elif isinstance(one, Exception):
                    _end(context, one)
                    return
                else:
                    yield _reply(_result(one, context)[0]).SerializeToString()
        except Exception as error:  # noqa: BLE001  gRPC would send the exception's text
            _end(context, error)

    def _read_ahead(self, requests: Iterable[bytes], under_way: UnderWay, context: grpc.ServicerContext) -> None:
        for one in self._asked(requests, context):
            while context.is_active():  # whoever reads the answers may be gone, and the queue full for ever
                try:
                    under_way.put(one, timeout=LOOK_AGAIN_S)
                except Full:
                    continue
                break

    def _asked(self, requests: Iterable[bytes], context: grpc.ServicerContext) -> Iterator[UnderWayItem]:
        """What becomes of each request of a stream; None at its end."""
        try:
            for request in requests:
                try:
                    yield self._decides.ask([_question(request)], LONGEST_WAIT_S)
                except UnreadableClaimError as error:
                    yield error
        except Exception as error:  # noqa: BLE001  told to whoever reads the answers
            yield error if context.is_active() else None
        yield None


def _wake(under_way: UnderWay) -> None:
    """Whoever waits for more of a stream that has ended need not; where the queue is full, nobody waits."""
    with suppress(Full):
        under_way.put_nowait(None)


def _question(request: bytes) -> Question:
    asked = _parsed(schema.DecideRequest, request, MOST_REQUEST_BYTES)
    return Question(claim=read_claim(asked.claim), with_record=asked.with_record)


def _parsed(kind: Any, held: bytes, limit: int) -> Any:
    if len(held) > limit:
        msg = f"the request has more than {limit} bytes"
        raise UnreadableClaimError(msg)
    try:
        return kind.FromString(held)
    except DecodeError:
        msg = "the request is no message of this service"
        raise UnreadableClaimError(msg) from None


def _read(held: bytes, *, with_record: bool) -> Question | UnreadableClaimError:
    try:
        return Question(claim=read_claim(held), with_record=with_record)
    except UnreadableClaimError as error:
        return error


def _reply(answer: Answer) -> Any:
    reply = schema.Decision(lane=schema.LANE_NUMBERS[answer.lane], decision_id=answer.decision_id, record=answer.record)
    if answer.confidence is not None:
        reply.confidence = answer.confidence
    return reply


def _refusal(error: UnreadableClaimError) -> Any:
    return schema.Decision(refusal=str(error))


def _result(answer: Future[Sequence[Answer]], context: grpc.ServicerContext) -> Sequence[Answer]:
    return answer.result(_patience(context))


def _patience(context: grpc.ServicerContext) -> float:
    """As long as whoever asks waits, and no longer than we do."""
    left = context.time_remaining()
    return LONGEST_WAIT_S if left is None else max(0.0, min(left, LONGEST_WAIT_S))


def _guarded(method: Method) -> Method:
    """A method that lets no exception out."""

    def guarded(request: bytes, context: grpc.ServicerContext) -> bytes:
        try:
            return method(request, context)
        except Exception as error:  # noqa: BLE001  gRPC would send the exception's text, and it could hold a value
            _end(context, error)
        return b""

    return guarded


def _end(context: grpc.ServicerContext, error: Exception) -> None:
    """Say by a status code what to do; texts are only ever our own."""
    code = grpc.StatusCode.INTERNAL
    if isinstance(error, UnreadableClaimError):
        code = grpc.StatusCode.INVALID_ARGUMENT
    elif isinstance(error, BusyError):
        code = grpc.StatusCode.RESOURCE_EXHAUSTED
    elif isinstance(error, NotInTimeError):
        code = grpc.StatusCode.DEADLINE_EXCEEDED
    elif isinstance(error, FedclaimsError):
        code = grpc.StatusCode.UNAVAILABLE
    if code in {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE}:
        _LOG.error("a claim could not be decided: %s", type(error).__name__)
    context.set_code(code)
    context.set_details(str(error) if isinstance(error, UnreadableClaimError | BusyError) else code.name)
