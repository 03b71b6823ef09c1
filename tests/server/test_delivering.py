"""Delivering a published model: to every node that is there, and what each one said."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from client.station import Station
from server.session import deliver
from tests.client.deployment.test_arrivals import arrivals, publication, published, station
from tests.common.consortium.rosters import STRANGER


class Three:
    """One node keeps what it gets, one answers nonsense, one is silent."""

    def __init__(self, keeping: Station) -> None:
        self._keeping = keeping

    def nodes(self) -> Sequence[str]:
        return ["keeping", "mad", "silent"]

    def exchange(self, requests: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
        yield "keeping", self._keeping.answer(requests["keeping"])
        yield "mad", b"nonsense"


def test_every_node_is_told_and_what_it_said_is_known(tmp_path: Path) -> None:
    said = deliver(published(publication()), Three(station(tmp_path)))
    assert said == {"keeping": "received", "mad": "unreadable"}
    assert arrivals(tmp_path).newest() == publication()


def test_a_refusal_is_told_by_its_code(tmp_path: Path) -> None:
    said = deliver(published(publication(), STRANGER), Three(station(tmp_path)))
    assert said["keeping"] == "signature"
