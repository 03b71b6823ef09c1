"""The other end: asks a router over gRPC. For a bureau's programs, and for tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc

from client.router.serving import schema
from client.router.serving.service import MOST_BATCH_BYTES

_OPTIONS = [("grpc.max_receive_message_length", MOST_BATCH_BYTES * 4), ("grpc.enable_http_proxy", 0)]


class RouterLink:
    """Asks the router at an address.

    Guarantees:
        * An answer is that of the very claim: asked again after a lost answer, it is the same decision.
    """

    def __init__(self, channel: grpc.Channel, timeout_s: float = 30.0) -> None:
        """Use a channel; ``to_socket`` and ``to_address`` make one."""
        self._channel, self._timeout_s = channel, timeout_s
        self._decide = channel.unary_unary(f"/{schema.SERVICE}/Decide")
        self._batch = channel.unary_unary(f"/{schema.SERVICE}/DecideBatch")
        self._stream = channel.stream_stream(f"/{schema.SERVICE}/DecideStream")

    @classmethod
    def to_socket(cls, path: Path, timeout_s: float = 30.0) -> Self:
        """Over a unix socket."""
        return cls(grpc.insecure_channel(f"unix:{path.absolute()}", options=_OPTIONS), timeout_s)

    @classmethod
    def to_address(cls, address: str, *, ca: bytes, key: bytes, certificate: bytes, timeout_s: float = 30.0) -> Self:
        """Over the network, with certificates on both sides, PEM."""
        credentials = grpc.ssl_channel_credentials(ca, key, certificate)
        return cls(grpc.secure_channel(address, credentials, options=_OPTIONS), timeout_s)

    def decide(self, claim: bytes, *, with_record: bool = False) -> Any:
        """What the router decides about a claim as JSON: a ``Decision`` of ``router.proto``."""
        request = schema.DecideRequest(claim=claim, with_record=with_record).SerializeToString()
        return schema.Decision.FromString(self._decide(request, timeout=self._timeout_s))

    def decide_batch(self, claims: Sequence[bytes], *, with_records: bool = False) -> Sequence[Any]:
        """Decisions in the order of the claims."""
        request = schema.DecideBatchRequest(claims=claims, with_records=with_records).SerializeToString()
        reply = schema.DecideBatchReply.FromString(self._batch(request, timeout=self._timeout_s))
        return list(reply.decisions)

    def decide_stream(self, claims: Iterable[bytes]) -> Iterator[Any]:
        """Decisions in the order of the claims, as they come."""
        requests = (schema.DecideRequest(claim=claim).SerializeToString() for claim in claims)
        return map(schema.Decision.FromString, self._stream(requests, timeout=self._timeout_s))

    def close(self) -> None:
        """Hang up."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
