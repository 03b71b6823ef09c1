"""The options of ``fedclaims-simulate``, and the job they ask for."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

from pydantic import ValidationError

from client.claims.mapping import ClaimMapping, load_mapping
from common.accounting.guarantee import Unit
from common.codes import CODE_SYSTEMS
from common.command_line import SHELLS, CommandParser
from common.errors import PlanError
from common.features.default import default_spec
from common.features.spec import FeatureSpec
from common.plan import Plan, Protection
from common.privacy import Privacy
from common.weighting import Weighting
from simulations.bureaus import MAX_BUREAUS, WORLD_MAPPING, Claims, FileClaims, WorldClaims
from simulations.cards import CodeNames
from simulations.conducting import Record, unrecorded
from simulations.engines import Engine, flower_engine, loopback_engine, processes_engine
from simulations.job import Job
from simulations.numbers import delta, epsilon, natural, positive
from simulations.world import World, code_names, group_names

DEFAULT_BUREAUS = 8
DEFAULT_CLAIMS = 200_000
DEFAULT_CLUSTERS = 32

ENGINES: Mapping[str, Callable[[Record], Engine] | None] = {
    "loopback": None,
    "flower": flower_engine,
    "processes": processes_engine,
}
"""By name; None is this very process, which is told how many threads it may use."""

EPILOG = """examples:
  fedclaims-simulate                                   8 bureaus, 200,000 generated claims, a report in fedclaims-out/
  fedclaims-simulate --bureaus 31 --claims-total 1000000 --clusters 32
  fedclaims-simulate --claims claims.parquet --mapping nhsa_4101_wide --bureau-column insu_admdvs
  fedclaims-simulate --engine flower                   the same run over Flower's simulation
  fedclaims-simulate --engine processes --bureaus 3    the same over the programs of a real deployment, with TLS
  fedclaims-simulate stream                            days of quarters of an hour: clusters that follow the claims

exit codes: 0 done; 2 wrong options; 3 mend the claims or the mapping; 4 mend the plan; 5 refused by a policy;
6 a round was lost; 7 mend the engine's environment; 130 interrupted
"""


def parser() -> CommandParser:
    """The command line of ``fedclaims-simulate``."""
    found = CommandParser(
        prog="fedclaims-simulate",
        description="Let several bureaus cluster their claims together on this machine, without pooling them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    claims = found.add_argument_group("claims (generated ones unless files are given)")
    claims.add_argument("--claims", nargs="+", metavar="FILE", help="Parquet or CSV files of one layout")
    claims.add_argument(
        "--mapping", metavar="NAME|FILE", help="what the columns mean; a ready-made name or a TOML file"
    )
    claims.add_argument(
        "--bureau-column", metavar="COL", help="its values name the bureaus; else claims are dealt at random"
    )
    claims.add_argument("--bureaus", type=positive, metavar="N", help=f"how many bureaus (default {DEFAULT_BUREAUS})")
    claims.add_argument(
        "--claims-total",
        type=positive,
        metavar="N",
        help=f"how many generated claims (default {DEFAULT_CLAIMS:,})",
    )
    claims.add_argument(
        "--write-claims", type=Path, metavar="DIR", help="write the generated claims, too: one Parquet file a bureau"
    )
    run = found.add_argument_group("run")
    run.add_argument(
        "--clusters",
        type=positive,
        metavar="K",
        help=f"how many clusters (default: as many as generated groups; {DEFAULT_CLUSTERS} for files)",
    )
    run.add_argument("--engine", choices=tuple(ENGINES), default="loopback", help="over what the parties talk")
    run.add_argument(
        "--protection",
        choices=[str(one) for one in Protection],
        default=str(Protection.SECURE),
        help="of what leaves a bureau (default secure: sums are masked, and bureaus share the noise)",
    )
    privacy = found.add_argument_group("privacy (unless --protection none)")
    privacy.add_argument("--epsilon", type=epsilon, metavar="E", help="of the whole run (default 1)")
    privacy.add_argument("--delta", type=delta, metavar="D", help="of the whole run (default 1e-6)")
    privacy.add_argument(
        "--unit", choices=[str(one) for one in Unit], help="whom it protects (default person: all claims of one)"
    )
    privacy.add_argument(
        "--claims-per-person",
        type=positive,
        metavar="M",
        help="count at most M claims of a person (default: all of them, sharing one weight)",
    )
    run.add_argument(
        "--seed", type=natural, default=0, metavar="S", help="of generated claims and of the plan (default 0)"
    )
    run.add_argument("--no-reference", action="store_true", help="do not fit scikit-learn on the pooled rows beside it")
    run.add_argument(
        "--out", type=Path, default=Path("fedclaims-out"), metavar="DIR", help="for result, model and report"
    )
    run.add_argument("--json", action="store_true", help="print the result as JSON, and no progress")
    found.add_argument("--completion", choices=SHELLS, help="print a script that completes words for a shell, and end")
    found.add_argument("--version", action="version", version=f"%(prog)s {version('fedclaims')}")
    return found


def job_of(options: argparse.Namespace, arguments: list[str], record: Record = unrecorded) -> Job:
    """The job that parsed options ask for; ``record`` takes the transcript of masked sums.

    Raises:
        PlanError: If a plan cannot have such figures.
        InputError: If the mapping cannot be used.
    """
    n_threads = os.cpu_count() or 1
    claims, n_groups, names = _files(options) if options.claims else _world(options)
    mapping = load_mapping(options.mapping or WORLD_MAPPING)
    operations = mapping.operations.system if mapping.operations else "icd9cm3"
    for system in (mapping.diagnoses.system, operations):
        if system not in CODE_SYSTEMS:
            msg = f"mapping {mapping.name} names the code system {system!r}; known are {', '.join(CODE_SYSTEMS)}"
            raise PlanError(msg)
    _insist_on_persons(options, mapping)
    return Job(
        claims=claims,
        plan=_plan(options, default_spec(mapping.diagnoses.system, operations), n_groups),
        engine=_engine(options.engine, n_threads, record),
        engine_name=options.engine,
        with_reference=not options.no_reference,
        names=names,
        n_threads=n_threads,
        command=shlex.join(["fedclaims-simulate", *arguments]),
    )


def contradiction(options: argparse.Namespace) -> str | None:
    """What is wrong with options that do not go together, or None."""
    unprotected = options.protection == Protection.NONE and _privacy_options(options)
    wrong = {
        "--claims needs --mapping: try fedclaims-bureau profile FILE, which proposes one": (
            options.claims and not options.mapping
        ),
        "--claims-total is for generated claims; leave it out with --claims": options.claims and options.claims_total,
        "--write-claims is for generated claims; leave it out with --claims": options.claims and options.write_claims,
        "--mapping and --bureau-column go with --claims": (
            not options.claims and (options.mapping or options.bureau_column)
        ),
        f"{', '.join(_privacy_options(options))} goes with a protection: leave out --protection none": unprotected,
        "--claims-per-person goes with --unit person": options.unit == Unit.CLAIM and options.claims_per_person,
        "--bureau-column and --bureaus exclude each other: bureaus are named by the column or dealt at random": (
            options.bureau_column and options.bureaus
        ),
    }
    return next((text for text, applies in wrong.items() if applies), None)


def _plan(options: argparse.Namespace, features: FeatureSpec, n_groups: int) -> Plan:
    try:
        return Plan(
            name="simulation",
            features=features,
            n_clusters=options.clusters or n_groups,
            protection=Protection(options.protection),
            privacy=_privacy(options),
            seed=options.seed,
        )
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        msg = f"no plan has such {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}"
        raise PlanError(msg) from None


def _privacy(options: argparse.Namespace) -> Privacy | None:
    """What the plan guarantees; estimates of the claims are filled in once they are read."""
    if options.protection == Protection.NONE:
        return None
    unit, cap = Unit(options.unit or Unit.PERSON), options.claims_per_person
    each_person = Weighting.CAPPED if cap else Weighting.SHARED
    return Privacy(
        epsilon_thousandths=options.epsilon or 1000,
        delta_billionths=options.delta or 1000,
        unit=unit,
        weighting=Weighting.EACH_CLAIM if unit is Unit.CLAIM else each_person,
        claims_per_person=cap or 1,
        expected_units=1,
    )


def _privacy_options(options: argparse.Namespace) -> list[str]:
    """The options about privacy that were given."""
    names = ("epsilon", "delta", "unit", "claims_per_person")
    return [f"--{name.replace('_', '-')}" for name in names if getattr(options, name)]


def _insist_on_persons(options: argparse.Namespace, mapping: ClaimMapping) -> None:
    """A guarantee per person needs to know whose the claims are."""
    per_person = options.protection != Protection.NONE and options.unit != Unit.CLAIM
    if per_person and mapping.person_key == "each_claim":
        msg = (
            f"mapping {mapping.name} names no insured persons, so no guarantee per person can be given: "
            "add --unit claim, or map the column that tells persons apart"
        )
        raise PlanError(msg)


def _world(options: argparse.Namespace) -> tuple[Claims, int, CodeNames]:
    n_bureaus = options.bureaus or DEFAULT_BUREAUS
    try:
        world = World(n_bureaus=n_bureaus, n_claims=options.claims_total or DEFAULT_CLAIMS, seed=options.seed)
    except ValueError as error:
        raise PlanError(str(error)) from error
    named = code_names() | group_names(world.groups) | {region.code: region.name for region in world.regions}
    return WorldClaims(world=world), len(world.groups), {code: (name.en, name.zh) for code, name in named.items()}


def _files(options: argparse.Namespace) -> tuple[Claims, int, CodeNames]:
    if (options.bureaus or 0) > MAX_BUREAUS:
        msg = f"--bureaus is at most {MAX_BUREAUS}"
        raise PlanError(msg)
    claims = FileClaims(
        paths=options.claims,
        mapping_name=options.mapping,
        bureau_column=options.bureau_column,
        n_bureaus=options.bureaus or DEFAULT_BUREAUS,
        seed=options.seed,
    )
    return claims, DEFAULT_CLUSTERS, {code: (name.en, name.zh) for code, name in code_names().items()}


def _engine(name: str, n_threads: int, record: Record) -> Engine:
    made = ENGINES[name]
    return loopback_engine(n_threads, record) if made is None else made(record)
