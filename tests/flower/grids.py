"""Flower's grid in memory, and a clock that only moves when somebody sleeps."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn
from uuid import uuid4

from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid

Node = Callable[[Message], Iterable[Message]]
"""What a node does with a message: any number of replies."""


@dataclass
class Clock:
    now: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


class MemoryGrid(Grid):
    """Nodes answer when they are pulled from, in the opposite order of the messages."""

    def __init__(self, nodes: Mapping[int, Node]) -> None:
        self.answering = dict(nodes)
        self.pushed: list[Message] = []
        self.pulls = 0
        self._replies: list[Message] = []

    def get_node_ids(self) -> list[int]:
        return list(self.answering)

    def push_messages(self, messages: Iterable[Message]) -> list[str]:
        for message in messages:
            message.metadata.__dict__["_message_id"] = str(uuid4())
            self.pushed.append(message)
            self._replies[:0] = self.answering[message.metadata.dst_node_id](message)
        return [message.metadata.message_id for message in messages]

    def pull_messages(self, message_ids: Iterable[str]) -> list[Message]:
        assert list(message_ids), "nobody waits for anything"
        self.pulls += 1
        found, self._replies = self._replies, []
        return found

    def set_run(self, run: object) -> NoReturn:
        raise NotImplementedError

    @property
    def run(self) -> NoReturn:
        raise NotImplementedError

    def create_message(self, *arguments: object, **named: object) -> NoReturn:
        raise NotImplementedError

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> NoReturn:
        raise NotImplementedError


def held_by(message: Message) -> bytes:
    """The one field of a message."""
    ((held,),) = [list(record.values()) for record in message.content.config_records.values()]
    assert isinstance(held, bytes)
    return held


def reply_with(message: Message, held: bytes) -> Message:
    return Message(RecordDict({"any": ConfigRecord({"name": held})}), reply_to=message)


def echo(message: Message) -> list[Message]:
    return [reply_with(message, b"re: " + held_by(message))]


def silent(_: Message) -> list[Message]:
    return []


def context_of(node_config: dict[str, object], run_config: dict[str, object], run_id: int = 7) -> Context:
    return Context(run_id, 5, node_config, RecordDict(), run_config)  # type: ignore[arg-type]


def couriers(app: ClientApp, n_nodes: int, run_config: dict[str, object], run_id: int = 7) -> dict[int, Node]:
    """Nodes that run a ClientApp, numbered as Flower's simulation numbers them."""

    def node(place: int) -> Node:
        config = {"partition-id": place, "num-partitions": n_nodes}
        return lambda message: [app(message, context_of(config, run_config, run_id))]

    return {1000 + place: node(place) for place in range(n_nodes)}
