"""Results appear together and whole, or nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from simulations.writing import directory_for_results, replace_all


def test_files_are_written_and_nothing_else(tmp_path: Path) -> None:
    replace_all({tmp_path / "a": b"one", tmp_path / "b": b"two"})
    replace_all({tmp_path / "b": b"three"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"one", "b": b"three"}


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_failure_in_the_middle_keeps_all_files_of_the_run_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    files = {tmp_path / name: b"old" for name in "abc"}
    replace_all(files)
    write = Path.write_bytes

    def failing(path: Path, held: bytes) -> int:
        if "c" in path.name:
            write(path, held[:1])
            raise error
        return write(path, held)

    monkeypatch.setattr(Path, "write_bytes", failing)
    with pytest.raises(error):
        replace_all(dict.fromkeys(files, b"new"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == dict.fromkeys("abc", b"old")


def test_a_directory_is_there_from_the_start_and_gone_when_the_run_fails(tmp_path: Path) -> None:
    out = tmp_path / "new" / "deep"
    seen: list[bool] = []
    with pytest.raises(KeyboardInterrupt):
        _interrupted(out, lambda: seen.append(out.is_dir()))
    assert seen == [True]
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_holds_something_stays(tmp_path: Path) -> None:
    for out in (tmp_path, tmp_path / "new"):
        mine = out / "mine.txt"
        with pytest.raises(KeyboardInterrupt):
            _interrupted(out, lambda mine=mine: mine.write_text("kept"))
        assert mine.read_text() == "kept"


def test_a_directory_that_was_there_stays_even_if_it_is_empty(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        _interrupted(tmp_path, lambda: None)
    assert tmp_path.is_dir()


def _interrupted(out: Path, work: Callable[[], object]) -> None:
    with directory_for_results(out):
        work()
        raise KeyboardInterrupt
