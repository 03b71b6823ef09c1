"""The router's process tells what it lacks when it starts, and what it keeps when it cannot take up what is new."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.client.router.homes import Home
from tests.client.router.serving.test_killing import PATIENCE_S, SERVE


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "r").begin().accept()


@pytest.fixture
def served(home: Home) -> Iterator[subprocess.Popen[bytes]]:
    with (home.root / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", SERVE, str(home.root)], stderr=log)  # noqa: S603
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def line(home: Home, process: subprocess.Popen[bytes], text: str) -> dict[str, Any]:
    """The first line of the log in which a text stands, once it is there."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        for one in (home.root / "log").read_text().splitlines():
            if text in one:
                found: dict[str, Any] = json.loads(one)
                return found
        assert process.poll() is None, (home.root / "log").read_text()
        time.sleep(0.05)
    raise AssertionError(text)


def test_it_says_what_it_lacks_and_goes_on_where_it_cannot_swap(home: Home, served: subprocess.Popen[bytes]) -> None:
    said = line(home, served, "refusal of automated decisions")
    assert (said["level"], said["missing"]) == ("warning", "opted_out")
    held = home.place.policy.read_text()
    home.place.policy.write_text("unknown = 1")
    served.send_signal(signal.SIGHUP)
    said = line(home, served, "goes on with what it had")
    assert (said["level"], said["error"], said["model_version"]) == ("error", "InputError", 1)
    assert "router.toml" in said["text"]
    home.place.policy.write_text(held)
    served.send_signal(signal.SIGHUP)
    assert line(home, served, "swapped")["model_version"] == 1
