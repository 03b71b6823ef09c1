"""The options of ``fedclaims-simulate stream``, and the stream they ask for."""

from __future__ import annotations

import argparse
import os
import shlex
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from client.claims.mapping import load_mapping
from common.command_line import SHELLS, CommandParser
from common.errors import PlanError
from common.features.default import default_spec
from common.plan import Plan, Protection
from common.privacy import Privacy
from simulations.bureaus import WORLD_MAPPING
from simulations.numbers import epsilon, memory, natural, positive
from simulations.stream.scenes import SCENES
from simulations.stream.ticking import StreamRun, StreamTerms
from simulations.world.arriving import ArrivingWorld

DAYS, BUREAUS, CLAIMS_PER_HOUR, CLUSTERS, MINUTES = 2, 5, 8_000, 16, 15
EPSILON_THOUSANDTHS, MEMORY, FEWEST_BUREAUS = 2_000, 900, 2
OPERATIONS = 700
"""Per mille of a window's budget: for surges of operations that are too rare to be a cluster."""

EPILOG = """examples:
  fedclaims-simulate stream                      two days of quarters of an hour, 5 bureaus; a page in fedclaims-stream/
  fedclaims-simulate stream --scene quiet        nothing happens: whatever is told is a false alarm
  fedclaims-simulate stream --epsilon 1 --days 1

exit codes: as fedclaims-simulate
"""


def parser() -> CommandParser:
    """The command line."""
    found = CommandParser(
        prog="fedclaims-simulate stream",
        description="Let several bureaus follow a stream of claims together, window after window, on a virtual clock.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    world = found.add_argument_group("the world")
    world.add_argument("--days", type=positive, default=DAYS, metavar="N", help=f"how long (default {DAYS})")
    world.add_argument("--bureaus", type=positive, default=BUREAUS, metavar="N", help=f"default {BUREAUS}")
    world.add_argument(
        "--claims-per-hour",
        type=positive,
        default=CLAIMS_PER_HOUR,
        metavar="N",
        help=f"of all bureaus, on the mean of a week (default {CLAIMS_PER_HOUR:,})",
    )
    world.add_argument("--scene", choices=tuple(SCENES), default="everything", help="what happens (default everything)")
    world.add_argument("--start", type=date.fromisoformat, default=date(2025, 1, 6), metavar="DAY", help="first day")
    run = found.add_argument_group("the stream")
    run.add_argument("--every", type=positive, default=MINUTES, metavar="MIN", help=f"a window (default {MINUTES})")
    run.add_argument("--clusters", type=positive, default=CLUSTERS, metavar="K", help=f"to begin with ({CLUSTERS})")
    run.add_argument(
        "--epsilon",
        type=epsilon,
        default=EPSILON_THOUSANDTHS,
        metavar="E",
        help=f"of a claim, over the whole stream (default {EPSILON_THOUSANDTHS / 1000:g})",
    )
    run.add_argument(
        "--memory",
        type=memory,
        default=MEMORY,
        metavar="M",
        help=f"what earlier windows weigh, 0 to 0.99 (default {MEMORY / 1000:g})",
    )
    run.add_argument(
        "--protection",
        choices=[str(Protection.SECURE), str(Protection.NOISE)],
        default=str(Protection.SECURE),
        help="of what leaves a bureau (default secure: sums are masked, and bureaus share the noise)",
    )
    run.add_argument("--seed", type=natural, default=0, metavar="S", help="of the world and of the plan (default 0)")
    run.add_argument("--out", type=Path, default=Path("fedclaims-stream"), metavar="DIR", help="for result and page")
    run.add_argument("--json", action="store_true", help="print the result as JSON, and no progress")
    found.add_argument("--completion", choices=SHELLS, help="print a script that completes words for a shell, and end")
    return found


def stream_of(options: argparse.Namespace) -> StreamRun:
    """The stream that parsed options ask for.

    Raises:
        PlanError: If a plan or a world cannot have such figures.
    """
    hours = options.days * 24
    try:
        world = ArrivingWorld(
            seed=options.seed,
            start=options.start,
            hours=hours,
            claims_per_hour=float(options.claims_per_hour),
            n_bureaus=options.bureaus,
            happenings=SCENES[options.scene](hours, options.bureaus),
        )
        base = _base(options)
    except (ValidationError, ValueError) as error:
        msg = f"the stream cannot be like this: {_reason(error)}"
        raise PlanError(msg) from None
    return StreamRun(
        world=world,
        terms=StreamTerms(
            base=base,
            every_s=options.every * 60,
            memory=options.memory,
            fewest_bureaus=FEWEST_BUREAUS,
            n_threads=os.cpu_count() or 1,
        ),
    )


def command_of(arguments: list[str]) -> str:
    """What reproduces it."""
    return shlex.join(["fedclaims-simulate", "stream", *arguments])


def _base(options: argparse.Namespace) -> Plan:
    mapping = load_mapping(WORLD_MAPPING)
    operations = mapping.operations.system if mapping.operations else "icd9cm3"
    privacy = Privacy.model_validate(
        {
            "unit": "claim",
            "weighting": "each_claim",
            "expected_units": 1,
            "epsilon_thousandths": options.epsilon,
            "division": {"operations": OPERATIONS},
        }
    )
    return Plan(
        name="stream",
        features=default_spec(mapping.diagnoses.system, operations),
        n_clusters=options.clusters,
        protection=Protection(options.protection),
        privacy=privacy,
        seed=options.seed,
    )


def _reason(error: ValidationError | ValueError) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    return str(error)
