"""Files that say something about claims: for their owner alone, whole or not there, and never over another."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.router.whole import whole_file
from common.errors import EngineError, InputError


def test_nobody_else_may_read_it_while_it_is_written_or_after(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a") as file:
        file.write(b"claim")
        (part,) = tmp_path.iterdir()
        assert part.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "a").read_bytes() == b"claim"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        _write_half(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def _write_half(path: Path) -> None:
    with whole_file(path) as file:
        file.write(b"claim")
        raise ZeroDivisionError


def test_a_file_that_came_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    with pytest.raises(InputError), whole_file(tmp_path / "a"):
        (tmp_path / "a").write_bytes(b"other")
    assert (tmp_path / "a").read_bytes() == b"other"
    with pytest.raises(InputError), whole_file(tmp_path / "a"):
        pytest.fail("it was opened")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="name another folder"), whole_file(tmp_path / "none" / "a"):
        pytest.fail("it was opened")
