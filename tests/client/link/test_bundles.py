"""The bureau's list of bundles: what cannot be read for certain lists nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from client.link.bundles import MOST_BYTES, as_lines, digest_of, listed

ONE, OTHER = "ab" * 32, "cd" * 32


def test_a_list_comes_back_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(as_lines((ONE, OTHER)))
    assert listed(tmp_path / "list") == {ONE, OTHER}


def test_an_officer_may_write_remarks_and_take_lines_off(tmp_path: Path) -> None:
    (tmp_path / "list").write_text(f"# of May\n\n{ONE}  # agreed\n# {OTHER}\n")
    assert listed(tmp_path / "list") == {ONE}


@pytest.mark.parametrize(
    "held",
    [b"", b"# nothing\n", b"\xff\n", f"{ONE}\nabc\n".encode(), f"{ONE.upper()}\n".encode(), f"{ONE} {OTHER}\n".encode(),
     f"{ONE}\n".encode() + b"#" * MOST_BYTES],
)  # fmt: skip
def test_what_is_no_list_lists_nothing(tmp_path: Path, held: bytes) -> None:
    (tmp_path / "list").write_bytes(held)
    assert listed(tmp_path / "list") == frozenset()


def test_a_list_that_is_not_there_lists_nothing(tmp_path: Path) -> None:
    assert listed(tmp_path / "list") == frozenset()


def test_a_digest_is_that_of_all_bytes() -> None:
    assert digest_of(b"bundle") == hashlib.sha256(b"bundle").hexdigest()
