"""The byte form of messages: MessagePack maps with sorted keys, one spelling each.

Guarantees:
    * ``decode(encode(m)) == m`` and ``encode(decode(b)) == b``: bytes that decode at all are the canonical ones, so
      a digest of the bytes is a digest of the message.
    * Sizes are checked before anything is parsed; nothing but maps, arrays, integers, texts and bytes is accepted.
      Lengths that are only announced, however nested, cost at most some tens of megabytes.
    * An error quotes nothing of the bytes.

References:
    "MessagePack specification", msgpack.org.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgpack
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from common.errors import MessageError
from common.masked_messages import MaskedMessage
from common.messages import Message

MAX_BYTES = 1 << 26
"""No message is larger: 64 MiB, thirty times the answer of 1,024 clusters; proxies take as much."""

MAX_ITEMS = {"max_array_len": 10_000, "max_map_len": 20, "max_str_len": 1024, "max_ext_len": 0}
"""Above what any message holds: the largest cohort, the most fields, the longest name. MessagePack makes room for a
list as soon as its length is announced, and lists may be announced within lists."""

AnyMessage = Message | MaskedMessage

_ADAPTER: TypeAdapter[AnyMessage] = TypeAdapter(
    Annotated[AnyMessage, Field(discriminator="kind")], config=ConfigDict(hide_input_in_errors=True)
)


def encode(message: AnyMessage) -> bytes:
    """The one byte form of a message."""
    held = message.model_dump(mode="python")
    return bytes(msgpack.packb({key: _plain(held[key]) for key in sorted(held)}, use_bin_type=True))


def decode(held: bytes, max_bytes: int = MAX_BYTES) -> AnyMessage:
    """The message of some bytes.

    Raises:
        MessageError: If they are too many, not a message of this protocol version, or not its canonical form.
    """
    if len(held) > max_bytes:
        msg = f"a message of {len(held)} bytes is over the limit of {max_bytes}"
        raise MessageError(msg)
    try:
        fields = msgpack.unpackb(held, raw=False, strict_map_key=True, ext_hook=_no_extensions, **MAX_ITEMS)
        message = _ADAPTER.validate_python(fields)
    except (ValueError, TypeError, ValidationError, msgpack.UnpackException, RecursionError) as error:
        msg = "the bytes are not a message of this protocol version"
        raise MessageError(msg) from error
    if encode(message) != held:
        msg = "the bytes are not in canonical form"
        raise MessageError(msg)
    return message


def digest(held: bytes) -> str:
    """SHA-256 of a message's bytes, hexadecimal."""
    return hashlib.sha256(held).hexdigest()


def _plain(value: object) -> object:
    """Enums as their text, tuples as lists."""
    if isinstance(value, str):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _no_extensions(code: int, _: bytes) -> object:
    msg = f"extension type {code} is not part of the protocol"
    raise ValueError(msg)
