"""kill -9 of a station in a stream, at random instants; and of one that enters claims too late, which must show."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulations.ledgers import in_memory

MUST_BE_ZERO = (
    "claims_in_two_answers",
    "answers_changed",
    "drawn_twice",
    "charged_twice",
    "entered_twice",
    "persons_over_their_year",
)


def killed(directory: Path, kills: int, seed: int) -> dict[str, Counter[str]]:
    """In a process without threads, so that it can fork; the counts of each kind of station."""
    command = [sys.executable, "-m", "tests.client.windows.killed_stream", str(directory), str(kills), str(seed)]
    alone = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    root = Path(__file__).parents[3]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root, env=alone)  # noqa: S603  our own
    print(ran.stdout)  # noqa: T201  shown with -rP
    return {name: Counter(figures) for name, figures in json.loads(ran.stdout).items()}


def check(found: dict[str, Counter[str]], kills: int) -> None:
    sound = found["Windows"]
    assert {name: sound[name] for name in MUST_BE_ZERO} == dict.fromkeys(MUST_BE_ZERO, 0)
    assert sound["kills"] == kills
    assert sound["windows_answered"] > kills / 4
    assert sound["persons_whose_year_is_spent"] > 0, "the filter has had something to do"
    assert found["EntersLate"]["claims_in_two_answers"] > 0, "the twin is caught"


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=in_memory()) as found:
        yield Path(found)


def test_killed_at_any_instant_a_station_has_no_claim_in_two_answers_and_charges_nobody_twice(place: Path) -> None:
    check(killed(place, 25, 1), 25)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(50))
def test_the_same_of_fifty_seeds(place: Path, seed: int) -> None:
    found = killed(place, 12, seed)["Windows"]
    assert {name: found[name] for name in MUST_BE_ZERO} == dict.fromkeys(MUST_BE_ZERO, 0)
    assert found["kills"] == 12
