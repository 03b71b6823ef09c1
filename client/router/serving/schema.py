"""The messages of ``router.proto``, built when this is imported: no generated code to keep in step.

A test compiles ``router.proto`` and compares: the file for others and the messages here are one.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "fedclaims.router.v1"
SERVICE = f"{PACKAGE}.Router"
FILE = "client/router/serving/router.proto"

_FIELD = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "bytes": _FIELD.TYPE_BYTES,
    "string": _FIELD.TYPE_STRING,
    "bool": _FIELD.TYPE_BOOL,
    "double": _FIELD.TYPE_DOUBLE,
}
_LANES = ("LANE_UNSPECIFIED", "FAST", "REVIEW", "HUMAN", "HOLD")
_MESSAGES = {
    "DecideRequest": ("bytes claim", "bool with_record"),
    "Decision": ("Lane lane", "string decision_id", "optional double confidence", "bytes record", "string refusal"),
    "DecideBatchRequest": ("repeated bytes claims", "bool with_records"),
    "DecideBatchReply": ("repeated Decision decisions",),
}
_METHODS = (
    ("Decide", "DecideRequest", "Decision", False),
    ("DecideStream", "DecideRequest", "Decision", True),
    ("DecideBatch", "DecideBatchRequest", "DecideBatchReply", False),
)


def file_descriptor() -> descriptor_pb2.FileDescriptorProto:
    """What ``router.proto`` says."""
    file = descriptor_pb2.FileDescriptorProto(name=FILE, package=PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, field in enumerate(fields, start=1):
            _add_field(message, field.split(), number)
    enum = file.enum_type.add(name="Lane")
    for number, lane in enumerate(_LANES):
        enum.value.add(name=lane, number=number)
    service = file.service.add(name="Router")
    for name, asked, answered, streams in _METHODS:
        method = service.method.add(name=name, input_type=f".{PACKAGE}.{asked}", output_type=f".{PACKAGE}.{answered}")
        if streams:
            method.client_streaming = method.server_streaming = True
    return file


def _add_field(message: Any, words: list[str], number: int) -> None:
    *marks, kind, name = words
    label = _FIELD.LABEL_REPEATED if "repeated" in marks else _FIELD.LABEL_OPTIONAL
    field = message.field.add(name=name, number=number, label=label, json_name=_camel(name))
    if kind in _TYPES:
        field.type = _TYPES[kind]
    else:
        field.type = _FIELD.TYPE_ENUM if kind == "Lane" else _FIELD.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{kind}"
    if "optional" in marks:
        field.proto3_optional = True
        field.oneof_index = len(message.oneof_decl)
        message.oneof_decl.add(name=f"_{name}")


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


_POOL = descriptor_pool.Default()
_POOL.Add(file_descriptor())


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))


DecideRequest: Any = _message("DecideRequest")
Decision: Any = _message("Decision")
DecideBatchRequest: Any = _message("DecideBatchRequest")
DecideBatchReply: Any = _message("DecideBatchReply")

LANE_NUMBERS: dict[str, int] = {lane: number for number, lane in enumerate(_LANES)}
