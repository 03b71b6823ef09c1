"""Laws over any sequence of reserving, keeping, retrying, restarting and power cuts."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from client.ledger import durable
from client.ledger.errors import BudgetError, ReleaseError
from client.ledger.ledger import Ledger, inspect
from client.ledger.spending import Limits
from tests.client.ledger.releases import Clock, charge, release

CAP = 40
LIMITS = Limits(release=10**9, session=10**9, data_version=CAP, year=10**9, releases_per_day=10**9)

actions = st.lists(
    st.one_of(
        st.tuples(st.just("release"), st.integers(1, 5), st.integers(1, 12)),
        st.tuples(st.just("reserve"), st.integers(1, 5), st.integers(1, 12)),
        st.tuples(st.just("restart"), st.just(0), st.just(0)),
        st.tuples(st.just("cut"), st.integers(1, 8), st.integers(0, 1000)),
    ),
    max_size=25,
)


class _PowerCutError(BaseException):
    """The power goes: no handler of ours may swallow it."""


@dataclass
class Disk:
    """Forgets, at a power cut, what was not made durable: bytes behind the last sync, names in unsynced directories."""

    countdown: int = -1
    kept_per_mille: int = 0
    synced: dict[Path, int] = field(default_factory=dict)
    unnamed: set[Path] = field(default_factory=set)

    @contextmanager
    def spinning(self) -> Iterator[None]:
        write, sync = os.write, os.fsync
        with (
            mock.patch.object(durable.os, "write", lambda file, held: self._write(write, file, held)),
            mock.patch.object(durable.os, "fsync", lambda file: self._sync(sync, file)),
        ):
            yield

    def _write(self, write, file, held):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        path = _path_of(file)
        if path not in self.synced:
            self.synced[path] = os.fstat(file).st_size
            if self.synced[path] == 0:
                self.unnamed.add(path)
        self._tick()
        return write(file, held[: max(1, len(held) // 2)])

    def _sync(self, sync, file):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        self._tick()
        path = _path_of(file)
        if path.is_dir():
            self.unnamed = {one for one in self.unnamed if one.parent != path}
        else:
            self.synced[path] = os.fstat(file).st_size
        return sync(file)

    def _tick(self) -> None:
        self.countdown -= 1
        if self.countdown == 0:
            raise _PowerCutError

    def lose(self) -> None:
        for path, safe in self.synced.items():
            if path.exists():
                size = path.stat().st_size
                os.truncate(path, safe + (size - safe) * self.kept_per_mille // 1000)
        for path in self.unnamed:
            if self.kept_per_mille < 500:
                path.unlink(missing_ok=True)
        self.synced, self.unnamed, self.countdown = {}, set(), -1


@dataclass
class Station:
    """A station with one release after another, and what an onlooker remembers of it."""

    directory: Path
    disk: Disk = field(default_factory=Disk)
    charged: dict[int, int] = field(default_factory=dict)
    drawn: set[int] = field(default_factory=set)
    sent: dict[int, bytes] = field(default_factory=dict)
    draws: int = 0

    def __post_init__(self) -> None:
        Ledger.create(self.directory, clock=Clock())
        self.ledger = Ledger.open(self.directory, clock=Clock())

    def act(self, what: str, number: int, amount: int) -> None:
        if what == "cut":
            self.disk.countdown, self.disk.kept_per_mille = number, amount
        elif what == "restart":
            self.restart()
        else:
            try:
                with self.disk.spinning():
                    self.release(number, amount, keep=what == "release")
            except _PowerCutError:
                self.disk.lose()
                self.restart()

    def release(self, number: int, rho: int, *, keep: bool) -> None:
        vector = self.ledger.vector_of(release(number))
        if vector is None:
            try:
                reservation = self.ledger.reserve(release(number), charge(rho), LIMITS)
            except (ReleaseError, BudgetError):
                return
            self.charged[number] = rho
            assert number not in self.drawn
            self.drawn.add(number)
            self.draws += 1
            vector = b"noise %d" % self.draws
            if not keep:
                return
            reservation.persist(vector)
        assert self.sent.setdefault(number, vector) == vector

    def restart(self) -> None:
        self.ledger.close()
        self.ledger = Ledger.open(self.directory, clock=Clock())


@settings(derandomize=True, deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(actions)
def test_whatever_happens_nothing_is_drawn_unpaid_or_twice_and_retries_are_the_same(
    todo: list[tuple[str, int, int]],
) -> None:
    with tempfile.TemporaryDirectory() as place:
        station = Station(Path(place) / "ledger")
        for action in todo:
            station.act(*action)
        station.restart()
        entries = {entry.round: entry.rho for entry in inspect(station.directory).book.charges}
        assert station.charged.items() <= entries.items()
        assert station.drawn <= entries.keys()
        assert station.ledger.spending.total == sum(entries.values()) <= CAP
        assert all(station.ledger.vector_of(release(number)) == sent for number, sent in station.sent.items())
        station.ledger.close()


def test_a_ledger_that_did_not_sync_would_be_caught(tmp_path: Path) -> None:
    station = Station(tmp_path / "ledger")
    with mock.patch.object(Disk, "_sync", lambda disk, _sync, _file: disk._tick()):
        station.act("release", 1, 5)
        station.act("cut", 1, 0)
        station.act("release", 2, 5)
    assert station.sent.keys() == {1}
    with pytest.raises(AssertionError):
        station.act("release", 1, 5)
    station.ledger.close()


def _path_of(file: int) -> Path:
    return Path(f"/proc/self/fd/{file}").readlink()
