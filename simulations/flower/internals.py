"""What of Flower's inside the engine of processes builds on, in one place: semi-private names of the pinned version.

Where one of them is gone, importing fails and nothing starts. Moving on to another version begins here.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from flwr.app import Context, Error, Message
from flwr.clientapp import ClientApp
from flwr.common.constant import SubStatus
from flwr.common.serde import context_from_proto
from flwr.proto.node_pb2 import Node
from flwr.proto.runtime_pb2 import (
    AcquireTaskRequest,
    PullAppMessagesRequest,
    PullTaskInputRequest,
    PushTaskOutputRequest,
    SendTaskHeartbeatRequest,
)
from flwr.supercore.constant import TaskType
from flwr.supercore.inflatable.inflatable_protobuf_utils import (
    make_confirm_message_received_fn_protobuf,
    make_pull_object_fn_protobuf,
)
from flwr.supercore.inflatable.inflatable_utils import pull_and_inflate_object_from_tree
from flwr.supercore.interceptors import (
    RuntimeTokenHttpInterceptor,
    RuntimeVersionHttpInterceptor,
    SuperExecAuthHttpInterceptor,
)
from flwr.supercore.protobuf.client import ProtobufCall, ProtobufRequestContext
from flwr.supercore.runtime import RuntimeHttpClient
from flwr.supercore.task_identity import TaskIdentity
from flwr.supernode.runtime.run_clientapp import push_message

__all__ = [
    "AcquireTaskRequest",
    "ClientApp",
    "Context",
    "Error",
    "Message",
    "Node",
    "ProtobufCall",
    "ProtobufRequestContext",
    "PullAppMessagesRequest",
    "PullTaskInputRequest",
    "PushTaskOutputRequest",
    "RuntimeHttpClient",
    "RuntimeTokenHttpInterceptor",
    "RuntimeVersionHttpInterceptor",
    "SendTaskHeartbeatRequest",
    "SubStatus",
    "SuperExecAuthHttpInterceptor",
    "TaskIdentity",
    "TaskType",
    "context_from_proto",
    "grid_module",
    "make_confirm_message_received_fn_protobuf",
    "make_pull_object_fn_protobuf",
    "pull_and_inflate_object_from_tree",
    "push_message",
    "supernode_program",
]


def supernode_program() -> tuple[ModuleType, Callable[[], None]]:
    """The module with a SuperNode's loop, and what the command ``flower-supernode`` runs."""
    from flwr.supernode import start_client_internal  # noqa: PLC0415  a courier needs no SuperNode
    from flwr.supernode.cli.flower_supernode import flower_supernode  # noqa: PLC0415

    return start_client_internal, flower_supernode


def grid_module() -> ModuleType:
    """The module of the grid that a ServerApp is given."""
    from flwr.superlink.grid import http_grid  # noqa: PLC0415  a courier needs no grid

    return http_grid
