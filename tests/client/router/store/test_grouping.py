"""Group commit: everybody is answered, nobody waits without bound, and one failure spoils no other answer."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from client.router.grouping import BusyError, GroupCommit
from client.router.store.opening import StoreError


class Slow:
    """Doubles numbers, once it is let go; remembers its groups."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.go = threading.Event()
        self.entered = threading.Event()

    def decide(self, asked: Sequence[int]) -> list[int]:
        self.entered.set()
        assert self.go.wait(20)
        self.groups.append(list(asked))
        if -1 in asked:
            raise ZeroDivisionError
        if -2 in asked:
            raise StoreError("full")
        return [2 * one for one in asked]


def test_what_waits_together_is_decided_together_and_in_order() -> None:
    slow = Slow()
    with GroupCommit(slow.decide) as group:
        first = group.ask([1])
        assert slow.entered.wait(20)
        others = [group.ask([number, number + 1]) for number in (10, 20, 30)]
        slow.go.set()
        assert list(first.result(20)) == [2]
        assert [list(one.result(20)) for one in others] == [[20, 22], [40, 42], [60, 62]]
    assert slow.groups == [[1], [10, 11, 20, 21, 30, 31]]


def test_more_than_may_wait_are_turned_away_at_once() -> None:
    slow = Slow()
    with GroupCommit(slow.decide, most_waiting=5) as group:
        taken = [group.ask([0])]
        assert slow.entered.wait(20)
        taken += [group.ask([number]) for number in range(5)]
        with pytest.raises(BusyError):
            group.ask([9])
        slow.go.set()
        assert len([one.result(20) for one in taken]) == 6


def test_who_has_patience_gets_room() -> None:
    slow = Slow()
    with GroupCommit(slow.decide, most_waiting=1) as group:
        group.ask([0])
        assert slow.entered.wait(20)
        group.ask([1])
        threading.Timer(0.05, slow.go.set).start()
        assert list(group.ask([2], patience_s=20).result(20)) == [4]


def test_one_question_that_fails_spoils_no_other() -> None:
    slow = Slow()
    with GroupCommit(slow.decide) as group:
        group.ask([0])
        assert slow.entered.wait(20)
        good, bad, also_good = group.ask([1]), group.ask([-1]), group.ask([3])
        slow.go.set()
        assert list(good.result(20)) == [2]
        assert list(also_good.result(20)) == [6]
        with pytest.raises(ZeroDivisionError):
            bad.result(20)
        assert list(group.ask([5]).result(20)) == [10]


def test_a_store_that_fails_is_not_asked_again_one_by_one() -> None:
    slow = Slow()
    with GroupCommit(slow.decide) as group:
        group.ask([0])
        assert slow.entered.wait(20)
        failed = [group.ask([one]) for one in (1, -2, 3)]
        slow.go.set()
        for one in failed:
            with pytest.raises(StoreError):
                one.result(20)
    assert slow.groups == [[0], [1, -2, 3]]


def test_groups_stay_below_their_limit_unless_one_caller_brings_more() -> None:
    slow = Slow()
    with GroupCommit(slow.decide, most_at_once=3) as group:
        group.ask([0])
        assert slow.entered.wait(20)
        taken = [group.ask([number]) for number in range(4)] + [group.ask(list(range(7)))]
        slow.go.set()
        for one in taken:
            one.result(20)
    assert [len(found) for found in slow.groups] == [1, 3, 1, 7]


def test_what_was_taken_is_answered_before_it_ends_and_nothing_is_taken_after() -> None:
    slow = Slow()
    slow.go.set()
    group = GroupCommit(slow.decide)
    taken = [group.ask([number]) for number in range(50)]
    group.close()
    assert all(one.done() for one in taken)
    with pytest.raises(BusyError):
        group.ask([1])


def test_who_asks_while_nobody_waits_decides_in_its_own_thread() -> None:
    threads: list[threading.Thread] = []

    def decide(asked: Sequence[int]) -> list[int]:
        threads.append(threading.current_thread())
        return [2 * one for one in asked]

    with GroupCommit(decide) as group:
        assert list(group.answer([4, 5], 20)) == [8, 10]
        assert list(group.ask([6]).result(20)) == [12]
    assert threads[0] is threading.current_thread()
    assert threads[1] is not threading.current_thread()


def test_who_asks_while_another_is_deciding_waits_for_the_group() -> None:
    slow, answers = Slow(), []
    with GroupCommit(slow.decide) as group:
        first = threading.Thread(target=lambda: answers.append(group.answer([1], 20)))
        first.start()
        assert slow.entered.wait(20)
        others = [group.ask([2]), group.ask([3])]
        last = threading.Thread(target=lambda: answers.append(group.answer([4], 20)))
        last.start()
        slow.go.set()
        assert [list(one.result(20)) for one in others] == [[4], [6]]
        for thread in (first, last):
            thread.join(20)
    assert sorted(map(tuple, answers)) == [(2,), (8,)]
    assert slow.groups[0] == [1]
    assert sorted(one for group in slow.groups[1:] for one in group) == [2, 3, 4]


def test_a_failure_in_the_callers_thread_is_raised_there_and_ends_with_it() -> None:
    slow = Slow()
    slow.go.set()
    with GroupCommit(slow.decide) as group:
        with pytest.raises(ZeroDivisionError):
            group.answer([-1], 20)
        assert list(group.answer([1], 20)) == [2]


def test_closing_waits_for_who_decides_in_its_own_thread() -> None:
    slow, answers = Slow(), []
    group = GroupCommit(slow.decide)
    asking = threading.Thread(target=lambda: answers.append(group.answer([1], 20)))
    asking.start()
    assert slow.entered.wait(20)
    closing = threading.Thread(target=group.close)
    closing.start()
    closing.join(0.2)
    assert closing.is_alive()
    slow.go.set()
    for thread in (closing, asking):
        thread.join(20)
    assert [list(one) for one in answers] == [[2]]
    with pytest.raises(BusyError):
        group.answer([1], 0.0)
