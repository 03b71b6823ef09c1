from contextlib import suppress
from pathlib import Path

import pytest

from common.errors import CohortError, EngineError, FedclaimsError, PlanError
from simulations.flower.exchange import Exchange
from simulations.flower.hosting import private_directory
from tests.flower.worlds import over_loopback, small_plan


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path)


def test_a_report_comes_out_as_it_went_in(exchange: Exchange) -> None:
    report = over_loopback(small_plan())
    assert exchange.outcome() is None
    exchange.put_report(report)
    assert exchange.outcome() == report


def test_rounds_come_out_as_they_went_in(exchange: Exchange) -> None:
    first, second, *_ = over_loopback(small_plan()).rounds
    exchange.put_round(first)
    exchange.put_round(second)
    assert (exchange.round(1), exchange.round(2), exchange.round(3)) == (first, second, None)


@pytest.mark.parametrize("error", [CohortError("too few"), PlanError("mend it"), EngineError("install it")])
def test_a_failure_comes_out_as_the_same_error(exchange: Exchange, error: FedclaimsError) -> None:
    exchange.put_failure(error)
    with pytest.raises(type(error), match=f"^{error}$") as caught:
        exchange.outcome()
    assert type(caught.value) is type(error)


@pytest.mark.parametrize("name", ["SystemExit", "NoSuchError", "object"])
def test_an_error_of_no_class_of_ours_is_the_engines(exchange: Exchange, name: str) -> None:
    (exchange.directory / "failure.json").write_text(f'{{"error": "{name}", "text": "hello"}}')
    with pytest.raises(EngineError, match="hello"):
        exchange.outcome()


def test_a_report_that_cannot_be_read_is_an_error(exchange: Exchange) -> None:
    (exchange.directory / "report.json").write_text('{"model": 5}')
    with pytest.raises(EngineError, match="same version"):
        exchange.outcome()


def test_a_file_that_is_being_written_is_not_seen(exchange: Exchange) -> None:
    (exchange.directory / "report.part").write_text('{"model"')
    (exchange.directory / "round-1.part").write_text('{"num')
    assert exchange.outcome() is None
    assert exchange.round(1) is None


def test_a_write_that_breaks_off_leaves_nothing_to_read(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks_off(*_: object) -> None:
        raise OSError

    report = over_loopback(small_plan())
    monkeypatch.setattr(Path, "replace", breaks_off)
    with pytest.raises(OSError):  # noqa: PT011  its text is the system's
        exchange.put_report(report)
    assert exchange.outcome() is None


def test_no_order_is_an_error_that_says_what_to_do(exchange: Exchange) -> None:
    with pytest.raises(EngineError, match="start the simulation again"):
        exchange.order()


def test_an_order_comes_out_as_it_went_in(exchange: Exchange) -> None:
    plan = small_plan()
    exchange.put_order(plan, "abcde", nodes_s=1.5, replies_s=2.5)
    order = exchange.order()
    assert order.plan.encode() == plan.canonical()
    assert (order.names, order.nodes_s, order.replies_s) == (tuple("abcde"), 1.5, 2.5)


def test_a_private_directory_is_private_and_goes_away_even_after_an_error() -> None:
    with suppress(KeyError), private_directory() as directory:
        assert directory.stat().st_mode & 0o777 == 0o700
        (directory / "file").touch()
        raise KeyError
    assert not directory.exists()


def test_a_named_directory_that_exists_is_not_used() -> None:
    with private_directory("test-of-names") as directory:
        with pytest.raises(EngineError, match="exists already"), private_directory("test-of-names"):
            pass
        assert directory.exists()


def test_a_private_directory_has_a_short_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("x" * 80)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with private_directory() as directory:
        assert len(str(directory)) < 40
