"""What of Flower's inside a link builds on, in one place: semi-private names of the pinned version.

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
    PullTaskInputResponse,
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
from flwr.supercore.protobuf.client import ProtobufCall, ProtobufClient, ProtobufRequestContext
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
    "ProtobufClient",
    "ProtobufRequestContext",
    "PullAppMessagesRequest",
    "PullTaskInputRequest",
    "PullTaskInputResponse",
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
    "fleet_module",
    "goodbye_of",
    "loop_module",
    "make_confirm_message_received_fn_protobuf",
    "make_pull_object_fn_protobuf",
    "pull_and_inflate_object_from_tree",
    "push_message",
    "supernode_program",
]


def loop_module() -> ModuleType:
    """The module with a SuperNode's loop."""
    from flwr.supernode import start_client_internal  # noqa: PLC0415  a courier needs no SuperNode

    return start_client_internal


def fleet_module() -> ModuleType:
    """The module in which a SuperNode makes its connection to the SuperLink."""
    from flwr.supernode import fleet_http_connection  # noqa: PLC0415  a courier needs no SuperNode

    return fleet_http_connection


def goodbye_of(node_id: int) -> object:
    """The request with which a node signs off."""
    from flwr.proto.fleet_pb2 import DeactivateNodeRequest  # noqa: PLC0415  a courier needs no SuperNode

    return DeactivateNodeRequest(node_id=node_id)


def supernode_program() -> Callable[[], None]:
    """What the command ``flower-supernode`` runs."""
    from flwr.supernode.cli.flower_supernode import flower_supernode  # noqa: PLC0415  a courier needs no SuperNode

    return flower_supernode
