"""An hour of a bureau at its own pace: 28 claims a second, kills and a new model amid them, and how callers waited.

The slow test of the same hour goes as fast as it can; here claims fall due at their moments, and a wait counts from
then, also if the router was not there. Afterwards everything is checked as in the test.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.pairing import options, show_heading, show_machine, show_row
from tests.client.router.serving.hour import Hour
from tests.client.router.serving.mishaps import at_moments, happenings
from tests.client.router.serving.reckoning import checked
from tests.client.router.serving.town import town_claims, town_router

SECONDS_A_MINUTE = 60
CALLERS = 16
"""More than are ever under way at the pace, so that no claim waits for a caller."""


def main(arguments: list[str] | None = None) -> None:
    """Print what callers waited, and what became of the claims."""
    parser = options(__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long claims fall due (default 60)")
    parser.add_argument("--per-second", type=float, default=28.0, help="claims that fall due (default 28)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments at which something happens")
    chosen = parser.parse_args(arguments)
    minutes = 1.0 if chosen.quick else chosen.minutes
    show_machine("fedclaims", "grpcio", "sqlalchemy")
    with tempfile.TemporaryDirectory() as directory:
        _run(Path(directory), round(minutes * SECONDS_A_MINUTE * chosen.per_second), chosen.per_second, chosen.seed)


def _run(directory: Path, n_claims: int, per_second: float, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    home, second = town_router(directory / "r")
    claims = list(town_claims(n_claims))
    hour = Hour(home=home, claims=claims, at_once=(1,) * CALLERS, per_second=per_second)
    with hour.lasting():
        at_moments(hour, happenings(hour, second, rng), rng)
    _show_waits(np.array([told.wait_s for told in hour.answers.values()]))
    print()
    show_heading(["after the hour", ""])
    for name, found in checked(hour).items():
        show_row([name, found])


def _show_waits(waits_s: np.ndarray) -> None:
    show_heading(["claims", "p50, ms", "p99, ms", "longest, s", "waited over 1 s"])
    p50, p99 = np.percentile(waits_s * 1e3, [50, 99]).tolist()
    show_row([len(waits_s), p50, p99, float(waits_s.max()), f"{np.mean(waits_s > 1):.2%}"])


if __name__ == "__main__":
    main()
