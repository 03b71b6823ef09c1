"""The standard health service of gRPC beside a station: whether its process lives, and whether it would answer.

The service without a name says that the process answers; ``fedclaims.Station`` whether a request would be answered.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2

from client.service import SERVICE, TlsAddress, channel_to
from common.errors import EngineError

HEALTH, CHECK = "grpc.health.v1.Health", "Check"
MAX_BYTES = 256
"""A name of a service; more is not looked at."""

_SERVING, _NOT = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


def health_service(is_ready: Callable[[], bool]) -> grpc.GenericRpcHandler:
    """The service for ``client.service.serve_station``; who watches is told to ask now and then instead.

    Args:
        is_ready: Whether a request would be answered; asked at every call.
    """

    def check(request: health_pb2.HealthCheckRequest, context: grpc.ServicerContext) -> health_pb2.HealthCheckResponse:
        if request.service not in {"", SERVICE}:
            context.abort(grpc.StatusCode.NOT_FOUND, "")
        fine = not request.service or _tried(is_ready)
        return health_pb2.HealthCheckResponse(status=_SERVING if fine else _NOT)

    handler = grpc.unary_unary_rpc_method_handler(check, _bounded, health_pb2.HealthCheckResponse.SerializeToString)
    return grpc.method_handlers_generic_handler(HEALTH, {CHECK: handler})


def is_ready_at(station: Path | TlsAddress, timeout_s: float) -> bool:
    """Whether the station at a door would answer.

    Raises:
        EngineError: If nobody is there in time; the text names a status code.
    """
    with channel_to(station, MAX_BYTES) as channel:
        call = channel.unary_unary(
            f"/{HEALTH}/{CHECK}",
            health_pb2.HealthCheckRequest.SerializeToString,
            health_pb2.HealthCheckResponse.FromString,
        )
        try:
            found = call(health_pb2.HealthCheckRequest(service=SERVICE), timeout=timeout_s)
            return bool(found.status == _SERVING)
        except grpc.RpcError as error:
            msg = f"the station does not answer: {error.code().name}"
    raise EngineError(msg)


def _bounded(held: bytes) -> health_pb2.HealthCheckRequest | None:
    """The request, unless it is too long to be one; None makes gRPC refuse it."""
    return health_pb2.HealthCheckRequest.FromString(held) if len(held) <= MAX_BYTES else None


def _tried(is_ready: Callable[[], bool]) -> bool:
    try:
        return is_ready()
    except Exception:  # noqa: BLE001  gRPC would send its text
        return False
