"""What is kept of decided claims, and what an earlier version of the program kept of them."""

from __future__ import annotations

import msgpack
import numpy as np
import pytest

from client.router.memories import Piece
from client.router.rules.event import EVENT_WIDTH, FIRST_WIDTH, UNKNOWN, Field, events_of
from client.router.store.opening import StoreError
from tests.client.router.deciding.worlds import routed

CLAIMS = routed(50, 4)


def piece() -> Piece:
    return Piece.of(CLAIMS, events_of(CLAIMS, 7), np.arange(50), "f" * 64)


def changed(**changes: object) -> bytes:
    return bytes(msgpack.packb(msgpack.unpackb(piece().to_bytes()) | changes))


def test_a_piece_survives_its_spelling() -> None:
    again = Piece.from_bytes(piece().to_bytes())
    assert (again.events == piece().events).all()
    assert (again.clusters.tolist(), again.family, again.day) == (list(range(50)), "f" * 64, 7)
    assert (again.events[:, Field.CARE] != UNKNOWN).all()


def test_a_piece_of_an_earlier_version_is_read_and_says_what_it_does_not_know() -> None:
    events = piece().events[:, :FIRST_WIDTH]
    held = msgpack.unpackb(changed(events=events.astype("<i8").tobytes()))
    del held["width"]
    old = Piece.from_bytes(msgpack.packb(held))
    assert (old.events[:, :FIRST_WIDTH] == events).all()
    assert (old.events[:, FIRST_WIDTH:] == UNKNOWN).all()
    assert old.events.shape == (50, EVENT_WIDTH)


@pytest.mark.parametrize("width", [0, 5, FIRST_WIDTH, EVENT_WIDTH + 1, "x", None])
def test_a_piece_of_no_version_is_refused(width: object) -> None:
    with pytest.raises(StoreError, match="damaged"):
        Piece.from_bytes(changed(width=width))
