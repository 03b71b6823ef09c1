from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from flwr.app import Message

from common.errors import CohortError, EngineError, PlanError
from common.plan import Plan
from server.session import RoundReport, SessionReport
from simulations.flower import client_app, server_app
from simulations.flower.exchange import Exchange
from simulations.flower.hosting import EXCHANGE_KEY, host_stations, private_directory
from simulations.loopback import Answer
from tests.flower.grids import MemoryGrid, Node, context_of, couriers, silent
from tests.flower.worlds import BUREAUS, failing_from, over_loopback, small_plan, stations_of

Changed = Callable[[dict[int, Node]], dict[int, Node]]


@contextmanager
def meeting(plan: Plan, stations: Mapping[str, Answer], n_nodes: int = 4) -> Iterator[tuple[MemoryGrid, Exchange]]:
    """A grid whose nodes run the simulation's ClientApp, and stations behind real sockets."""
    with private_directory() as directory, host_stations(stations, directory):
        exchange = Exchange(directory)
        exchange.put_order(plan, stations, nodes_s=0.2, replies_s=5.0)
        yield MemoryGrid(couriers(client_app.app, n_nodes, {EXCHANGE_KEY: str(directory)})), exchange


def session(plan: Plan, stations: Mapping[str, Answer], changed: Changed = dict) -> SessionReport:
    with meeting(plan, stations) as (grid, exchange):
        grid.answering = changed(grid.answering)
        return server_app.conduct(grid, exchange, lambda _: None)


def test_the_centroids_are_those_of_loopback_bit_for_bit() -> None:
    plan = small_plan()
    report, expected = session(plan, stations_of(plan)), over_loopback(plan)
    assert report.model.centroids_sha256 == expected.model.centroids_sha256
    assert report.model.clusters == expected.model.clusters
    assert report.bytes_up == expected.bytes_up
    assert report.model.provenance.cohort == BUREAUS
    assert report.lost == report.refused == ()


@pytest.mark.parametrize("n_nodes", [0, 1, 3])
def test_with_fewer_nodes_than_bureaus_no_session_starts(n_nodes: int) -> None:
    plan = small_plan(min_cohort=1)
    with meeting(plan, stations_of(plan)) as (grid, exchange):
        grid.answering = dict(list(grid.answering.items())[:n_nodes])
        with pytest.raises(CohortError, match=rf"has {n_nodes} nodes for 4 bureaus: .*num-supernodes=4"):
            server_app.conduct(grid, exchange, lambda _: None)
        assert grid.pushed == []


def test_with_more_nodes_than_bureaus_no_session_starts() -> None:
    plan = small_plan()
    with (
        meeting(plan, stations_of(plan), n_nodes=5) as (grid, exchange),
        pytest.raises(CohortError, match="has 5 nodes for 4 bureaus"),
    ):
        server_app.conduct(grid, exchange, lambda _: None)


def test_a_courier_refuses_a_federation_of_another_size_than_there_are_stations() -> None:
    plan = small_plan(min_cohort=1)
    with meeting(plan, stations_of(plan), n_nodes=5) as (grid, exchange):
        del grid.answering[1004]  # four nodes are seen, but each of them knows of five
        with pytest.raises(CohortError, match="4 of 4 bureaus did not answer the offer"):
            server_app.conduct(grid, exchange, lambda _: None)


def test_a_bureau_that_leaves_the_offer_unanswered_is_not_left_out_silently() -> None:
    plan = small_plan(min_cohort=1)
    stations = stations_of(plan) | {"north": failing_from(stations_of(plan)["north"], 1)}
    with pytest.raises(CohortError, match="1 of 4 bureaus did not answer the offer"):
        session(plan, stations)


def test_a_bureau_that_dies_in_mid_round_is_gone_without_and_named() -> None:
    plan = small_plan()
    report = session(plan, stations_of(plan) | {"north": failing_from(stations_of(plan)["north"], 4)})
    assert report.lost == ("north",)
    assert report.model.provenance.cohort == ("east", "south", "west")
    assert sum(cluster.count for cluster in report.model.clusters) == 3 * 300


def test_a_bureau_whose_death_leaves_too_few_ends_the_session() -> None:
    plan = small_plan(min_cohort=4)
    with pytest.raises(CohortError, match="3 bureaus take part"):
        session(plan, stations_of(plan) | {"north": failing_from(stations_of(plan)["north"], 4)})


def test_a_lost_reply_is_asked_for_again_and_changes_nothing() -> None:
    plan = small_plan()

    def losing_one(nodes: dict[int, Node]) -> dict[int, Node]:
        replies = iter(range(1_000_000))

        def node(message: Message) -> list[Message]:
            found = list(nodes[1002](message))  # the station answers; the answer is lost on its way
            return silent(message) if next(replies) == 5 else found

        return nodes | {1002: node}

    with meeting(plan, stations_of(plan)) as (grid, exchange):
        exchange.put_order(plan, "abcd", nodes_s=0.2, replies_s=0.3)
        grid.answering = losing_one(grid.answering)
        report = server_app.conduct(grid, exchange, lambda _: None)
    assert report.model.centroids_sha256 == over_loopback(plan).model.centroids_sha256
    assert report.lost == ()


def test_the_app_leaves_its_rounds_and_its_report_in_the_exchange() -> None:
    plan = small_plan()
    with meeting(plan, stations_of(plan)) as (grid, exchange):
        server_app.app(grid, context_of({}, {EXCHANGE_KEY: str(exchange.directory)}))
        report = exchange.outcome()
        assert report is not None
        assert tuple(exchange.round(place + 1) for place in range(len(report.rounds))) == report.rounds
        assert exchange.round(len(report.rounds) + 1) is None
    assert report.model.centroids_sha256 == over_loopback(plan).model.centroids_sha256


def test_a_session_that_fails_leaves_an_error_of_the_same_class() -> None:
    plan = small_plan().model_copy(update={"n_clusters": 1024})
    with meeting(plan, stations_of(plan, BUREAUS[:3]), n_nodes=3) as (grid, exchange):
        server_app.answer_order(grid, exchange)
        with pytest.raises(PlanError, match="900 claims cannot form 1024 clusters"):
            exchange.outcome()


def test_what_nobody_expected_leaves_no_text() -> None:
    class Broken(MemoryGrid):
        def get_node_ids(self) -> list[int]:
            msg = "NAME=Jane Doe"
            raise ValueError(msg)

    plan = small_plan()
    with meeting(plan, stations_of(plan)) as (_, exchange):
        server_app.answer_order(Broken({}), exchange)
        with pytest.raises(EngineError, match=r"^the session failed inside Flower \(ValueError\)$"):
            exchange.outcome()


def test_rounds_are_told_as_they_are_closed() -> None:
    plan, told = small_plan(), list[RoundReport]()
    with meeting(plan, stations_of(plan)) as (grid, exchange):
        report = server_app.conduct(grid, exchange, told.append)
    assert tuple(told) == report.rounds


@pytest.mark.parametrize("mode", [0o755, 0o770, None])
def test_a_directory_open_to_others_is_no_exchange(tmp_path: Path, mode: int | None) -> None:
    directory = tmp_path / "exchange"
    if mode is not None:
        directory.mkdir()
        directory.chmod(mode)
    with pytest.raises(EngineError, match="missing or open to others"):
        server_app.app(MemoryGrid({}), context_of({}, {EXCHANGE_KEY: str(directory)}))
