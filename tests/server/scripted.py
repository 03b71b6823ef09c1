"""A transport that plays a script: what happens to each reply, and in which order replies come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from common.messages import Message
from common.wire import decode, encode
from tests.parties import Answer

Post = tuple[str, bytes]
Script = Callable[[str, Message, bytes], Iterable[Post]]
"""From a node, the request it got and the reply it made to what arrives: pairs of a node and bytes."""


def as_it_is(node: str, _: Message, reply: bytes) -> Iterable[Post]:
    """Every reply arrives."""
    return [(node, reply)]


class Scripted:
    """Carries requests to stations; every exchange is remembered."""

    def __init__(
        self,
        stations: Mapping[str, Answer],
        script: Script = as_it_is,
        order: Callable[[list[Post]], Sequence[Post]] = list,
    ) -> None:
        self._stations, self._script, self._order = dict(stations), script, order
        self.asked: list[tuple[Message, tuple[str, ...]]] = []

    def nodes(self) -> Sequence[str]:
        """All of them."""
        return list(self._stations)

    def exchange(self, requests: Mapping[str, bytes]) -> Iterator[Post]:
        """Ask every station at once, then let the script decide what arrives."""
        if requests:
            self.asked.append((decode(next(iter(requests.values()))), tuple(requests)))
        posts = [
            post
            for node, request in requests.items()
            for post in self._script(node, decode(request), self._stations[node](request))
        ]
        yield from self._order(posts)

    def asked_of(self, node: str, kind: type[Message]) -> list[Any]:
        """The requests of a kind that a node was sent."""
        return [message for message, nodes in self.asked if node in nodes and isinstance(message, kind)]


def with_fields(reply: bytes, **changes: object) -> bytes:
    """The reply with other fields."""
    message = decode(reply)
    return encode(type(message).model_validate(message.model_dump() | changes))
