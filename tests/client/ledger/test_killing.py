"""kill -9 of a releasing process, at random instants."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client.ledger import killing

MUST_BE_ZERO = (
    "releases_without_entry",
    "draws_without_entry",
    "draws_repeated",
    "double_charges",
    "sent_with_other_bytes",
    "other_bytes_after_restart",
    "heads_forgotten",
)


def killed(directory: Path, kills: int, seed: int) -> dict[str, int]:
    """In a process without threads, so that it can fork."""
    command = [sys.executable, "-m", "tests.client.ledger.killing", str(directory), str(kills), str(seed)]
    root = Path(killing.__file__).parents[3]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)  # noqa: S603  our own Python
    return dict(json.loads(ran.stdout))


@pytest.mark.parametrize("kills", [30, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_killed_at_any_instant_every_release_has_one_entry_and_the_same_bytes(tmp_path: Path, kills: int) -> None:
    figures = killed(tmp_path, kills, seed=kills)
    print(figures)  # noqa: T201  shown with -rP
    assert {name: figures[name] for name in MUST_BE_ZERO} == dict.fromkeys(MUST_BE_ZERO, 0)
    assert figures["kills"] == kills
    assert figures["releases"] > kills / 10
