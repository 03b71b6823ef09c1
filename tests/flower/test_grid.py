import logging
from collections.abc import Callable, Iterable

import pytest
from flwr.app import ConfigRecord, Error, Message, MessageType, MetricRecord, RecordDict

from server.grid import LONGEST_PAUSE_S, GridTransport, Patience
from tests.flower.grids import Clock, MemoryGrid, Node, echo, held_by, reply_with, silent

PATIENCE = Patience(nodes_s=5.0, replies_s=60.0)


def transport_over(grid: MemoryGrid, n_nodes: int = 3) -> tuple[GridTransport, Clock]:
    clock = Clock()
    return GridTransport(grid, n_nodes, PATIENCE, clock, clock.sleep), clock


def answers(nodes: dict[int, Node], requests: dict[str, bytes]) -> list[tuple[str, bytes]]:
    return list(transport_over(MemoryGrid(nodes))[0].exchange(requests))


def record(**fields: object) -> ConfigRecord:
    return ConfigRecord(fields)  # type: ignore[arg-type]


def test_each_reply_is_yielded_with_its_node_whatever_the_order() -> None:
    found = answers(dict.fromkeys((5, 6, 7), echo), {"5": b"a", "6": b"b", "7": b"c"})
    assert found == [("7", b"re: c"), ("6", b"re: b"), ("5", b"re: a")]


def test_a_request_is_a_query_of_one_field_of_bytes_that_lives_as_long_as_we_wait() -> None:
    grid = MemoryGrid({5: echo})
    list(transport_over(grid)[0].exchange({"5": b"a"}))
    (message,) = grid.pushed
    assert held_by(message) == b"a"
    assert message.metadata.message_type == MessageType.QUERY
    assert message.metadata.ttl == 60.0
    assert message.metadata.dst_node_id == 5


def test_a_node_that_errs_is_not_yielded_and_is_waited_for_no_longer(caplog: pytest.LogCaptureFixture) -> None:
    def errs(message: Message) -> list[Message]:
        reply = Message(Error(2, "NAME=Jane Doe"), reply_to=message)
        reply.metadata.__dict__["_src_node_id"] = 1  # Flower sends errors from its own node
        return [reply]

    grid = MemoryGrid({5: echo, 6: errs})
    transport, clock = transport_over(grid)
    assert list(transport.exchange({"5": b"a", "6": b"b"})) == [("5", b"re: a")]
    assert clock.now == 0.0
    assert "node 6 answered with error 2" in caplog.text
    assert "Jane" not in caplog.text


def test_of_two_replies_to_one_message_the_first_counts() -> None:
    def twice(message: Message) -> list[Message]:
        return [reply_with(message, b"first"), reply_with(message, b"second")]

    assert answers({5: twice}, {"5": b"a"}) == [("5", b"first")]


def test_a_reply_to_a_message_we_do_not_wait_for_is_not_passed_on() -> None:
    def stranger(message: Message) -> list[Message]:
        strange = reply_with(message, b"strange")
        strange.metadata.__dict__["_reply_to_message_id"] = "never sent"
        return [strange, reply_with(message, b"mine")]

    assert answers({5: stranger}, {"5": b"a"}) == [("5", b"mine")]


def test_a_reply_from_another_node_than_was_asked_is_not_passed_on() -> None:
    def impostor(message: Message) -> list[Message]:
        reply = reply_with(message, b"mine")
        reply.metadata.__dict__["_src_node_id"] = 6
        return [reply]

    assert answers({5: impostor, 6: echo}, {"5": b"a", "6": b"b"}) == [("6", b"re: b")]


@pytest.mark.parametrize(
    "content",
    [
        RecordDict(),
        RecordDict({"a": record(x=b"1", y=b"2")}),
        RecordDict({"a": record(x=b"1"), "b": record(x=b"2")}),
        RecordDict({"a": record(x="text")}),
        RecordDict({"a": record(x=[b"1"])}),
        RecordDict({"a": record(x=b"1"), "m": MetricRecord({"x": 1})}),
    ],
)
def test_a_reply_of_another_form_is_not_passed_on(content: RecordDict) -> None:
    def odd(message: Message) -> list[Message]:
        return [Message(content, reply_to=message)]

    assert answers({5: odd, 6: echo}, {"5": b"a", "6": b"b"}) == [("6", b"re: b")]


def test_a_silent_node_ends_the_wait_at_the_deadline_with_ever_longer_pauses(caplog: pytest.LogCaptureFixture) -> None:
    grid = MemoryGrid({5: echo, 6: silent})
    transport, clock = transport_over(grid)
    with caplog.at_level(logging.WARNING):
        assert list(transport.exchange({"5": b"a", "6": b"b"})) == [("5", b"re: a")]
    assert clock.now == pytest.approx(60.0)
    assert clock.pauses[0] < clock.pauses[5] < max(clock.pauses) == LONGEST_PAUSE_S
    assert grid.pulls < 150
    assert "1 nodes did not answer" in caplog.text


@pytest.mark.parametrize("not_taken", [[], [None]])
def test_a_message_that_the_grid_does_not_take_shifts_no_other_reply(not_taken: list[None]) -> None:
    class Picky(MemoryGrid):
        def push_messages(self, messages: Iterable[Message]) -> list[str]:
            (message,) = messages
            return not_taken if message.metadata.dst_node_id == 5 else super().push_messages(messages)  # type: ignore[return-value]

    grid = Picky(dict.fromkeys((5, 6, 7), echo))
    transport, clock = transport_over(grid)
    assert list(transport.exchange({"5": b"a", "6": b"b", "7": b"c"})) == [("7", b"re: c"), ("6", b"re: b")]
    assert clock.now == 0.0


def test_no_request_takes_no_time() -> None:
    transport, clock = transport_over(MemoryGrid({}))
    assert list(transport.exchange({})) == []
    assert clock.now == 0.0


class Filling(MemoryGrid):
    """A grid where one more node appears at each look."""

    def __init__(self, n_nodes: int) -> None:
        super().__init__({})
        self._coming = iter(range(2**63, 2**63 + n_nodes))

    def get_node_ids(self) -> list[int]:
        found = super().get_node_ids()
        self.answering.update(dict.fromkeys([next(self._coming, 2**63)], echo))
        return found


def test_nodes_are_waited_for_until_all_are_there() -> None:
    transport, clock = transport_over(Filling(9), n_nodes=4)
    assert transport.nodes() == [str(2**63 + place) for place in range(4)]
    assert clock.now < 1.0


def test_nodes_that_never_come_are_given_up_at_the_deadline() -> None:
    transport, clock = transport_over(Filling(2), n_nodes=4)
    assert transport.nodes() == [str(2**63), str(2**63 + 1)]
    assert clock.now == pytest.approx(5.0, abs=0.2)


@pytest.mark.parametrize("call", [GridTransport.nodes, lambda transport: list(transport.exchange({"5": b"a"}))])
def test_the_grids_own_slow_call_is_never_used(call: Callable[[GridTransport], object]) -> None:
    call(transport_over(MemoryGrid({5: echo}), 1)[0])  # ``MemoryGrid.send_and_receive`` raises
