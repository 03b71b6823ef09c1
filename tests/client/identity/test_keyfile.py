"""The bureau's key file: for its owner alone, never replaced, never shown."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from client.identity.keyfile import KEY_FILE, create_identity, load_identity
from client.ledger.errors import KeyFileError
from common.errors import InputError

SEED = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / KEY_FILE


@pytest.mark.parametrize("passphrase", [None, b"right"])
def test_a_key_comes_back_as_it_was(path: Path, passphrase: bytes | None) -> None:
    made = create_identity(path, passphrase, seed=SEED)
    assert load_identity(path, passphrase).public == made.public


def test_a_key_file_is_for_its_owner_alone_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        create_identity(path, None, seed=SEED)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o601])
def test_a_key_open_to_others_is_refused_with_what_to_do(path: Path, mode: int) -> None:
    create_identity(path, None, seed=SEED)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_identity(path, None)


def test_another_users_key_is_refused_with_what_to_do(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_identity(path, None, seed=SEED)
    owner = path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(KeyFileError, match="chown"):
        load_identity(path, None)


def test_a_link_in_the_place_of_a_key_is_refused(path: Path, tmp_path: Path) -> None:
    create_identity(tmp_path / "elsewhere", None, seed=SEED)
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyFileError, match="plain file"):
        load_identity(path, None)


@pytest.mark.parametrize(("under", "given"), [(b"right", b"wrong"), (b"right", None), (None, b"any")])
def test_another_passphrase_opens_nothing_and_the_text_names_the_file(
    path: Path, under: bytes | None, given: bytes | None
) -> None:
    create_identity(path, under, seed=SEED)
    with pytest.raises(KeyFileError, match=f"{KEY_FILE}.*give the right one") as caught:
        load_identity(path, given)
    assert SEED.hex() not in str(caught.value)


def test_a_key_is_never_written_over(path: Path) -> None:
    made = create_identity(path, None, seed=SEED)
    with pytest.raises(InputError, match="never written over"):
        create_identity(path, None, seed=bytes(32))
    assert load_identity(path, None).public == made.public


def test_a_missing_directory_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        create_identity(tmp_path / "nowhere" / KEY_FILE, None, seed=SEED)
