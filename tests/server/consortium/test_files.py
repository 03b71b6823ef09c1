"""The coordinator's files: keys for their owner alone, whole files or none."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from common.errors import EngineError, InputError
from server.consortium import files
from server.consortium.files import KeyFileError, alone, load_key, make_directory, read_bounded, replace, write_key
from tests.common.consortium.rosters import identity

ONE = identity(7)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.key"


@pytest.mark.parametrize("passphrase", [None, b"right"])
def test_a_key_comes_back_as_it_was_and_is_for_its_owner_alone(path: Path, passphrase: bytes | None) -> None:
    before = os.umask(0)
    try:
        write_key(path, ONE, passphrase)
    finally:
        os.umask(before)
    assert load_key(path, passphrase).public == ONE.public
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o601])
def test_a_key_open_to_others_is_refused_with_what_to_do(path: Path, mode: int) -> None:
    write_key(path, ONE, None)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_key(path, None)


def test_another_users_key_is_refused_with_what_to_do(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_key(path, ONE, None)
    owner = path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(KeyFileError, match="chown"):
        load_key(path, None)


def test_links_pipes_and_nothing_at_all_are_no_keys(path: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="plain file"):
        load_key(path, None)
    write_key(tmp_path / "elsewhere", ONE, None)
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyFileError, match="plain file"):
        load_key(path, None)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(KeyFileError):
        load_key(tmp_path / "pipe", None)


def test_another_passphrase_opens_nothing(path: Path) -> None:
    write_key(path, ONE, b"right")
    for given in (b"wrong", None):
        with pytest.raises(KeyFileError, match=r"a\.key.*give the right one"):
            load_key(path, given)


def test_a_key_is_never_written_over(path: Path) -> None:
    write_key(path, ONE, None)
    with pytest.raises(InputError, match="never written over"):
        write_key(path, identity(8), None)
    assert load_key(path, None).public == ONE.public


def test_a_consortium_takes_a_new_directory_or_an_empty_one(tmp_path: Path) -> None:
    make_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    make_directory(tmp_path / "a" / "b")
    for taken in (tmp_path / "a", tmp_path / "file" / "below"):
        (tmp_path / "file").touch()
        with pytest.raises(InputError, match="new directory"):
            make_directory(taken)


def test_a_file_is_replaced_as_a_whole_or_not_at_all(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace(path, b"old")
    replace(path, b"new")
    assert path.read_bytes() == b"new"

    def failing(new: Path, held: bytes) -> None:
        new.write_bytes(held[:2])
        raise OSError

    monkeypatch.setattr(files, "_write_new", failing)
    with pytest.raises(EngineError, match="free some space"):
        replace(path, b"newer")
    monkeypatch.undo()
    assert path.read_bytes() == b"new"
    replace(path, b"newest")
    assert path.read_bytes() == b"newest"


def test_a_file_that_is_too_long_or_missing_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="roster init"):
        read_bounded(path)
    path.write_bytes(b"12345")
    monkeypatch.setattr(files, "MOST_BYTES", 4)
    with pytest.raises(InputError, match="larger than 4"):
        read_bounded(path)


def test_a_missing_directory_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--dir"), alone(tmp_path / "nowhere"):
        pass


def test_one_at_a_time_is_in_a_directory(tmp_path: Path) -> None:
    inside: list[str] = []

    def second() -> None:
        with alone(tmp_path):
            inside.append("second")

    waiting = threading.Thread(target=second)
    with alone(tmp_path):
        waiting.start()
        waiting.join(0.3)
        assert inside == []
    waiting.join(30)
    assert inside == ["second"]
