"""``fedclaims-bureau feedback`` and ``router habits|calibrate``: what people find comes back to the router.

Verdicts change nothing by themselves: `router calibrate` makes a new calibration and new cards of them, and a router
that serves takes these up when it gets SIGHUP. Every earlier decision still replays with what it was made with.

Exit codes: 0 done; 2 wrong options; 3 a file needs mending; 7 the store failed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from client.claims.sources.several import SeveralFiles
from client.router.bench import Bench
from client.router.commands.deciding import as_json, command, say
from client.router.deciding.reliability import reliability_text
from client.router.desk import Desk
from client.router.reviewing.feedback import read_feedback
from client.router.reviewing.learned import Learned
from client.router.router import now
from common.errors import InputError


def add_feedback(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``feedback`` to the commands; ``run`` is what to call."""
    feedback = command(commands, "feedback", "take reviewers' verdicts from a file", _feedback)
    feedback.add_argument(
        "file", type=Path, help="CSV or Parquet: verdict, reviewer, decision_id or claim_key, stratum"
    )
    feedback.add_argument("--json", action="store_true", help="print JSON")


def add_learning(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``habits`` and ``calibrate`` to the commands below ``router``."""
    habits = command(commands, "habits", "learn what is usual here from the bureau's own claims", _habits)
    habits.add_argument("files", nargs="+", type=Path, metavar="FILE", help="Parquet or CSV files of one layout")
    fitting = command(commands, "calibrate", "fit confidence and cluster cards to what reviewers found", _calibrate)
    for parser in (habits, fitting):
        parser.add_argument("--version", type=int, help="of a model on the shelf (default: the one in force)")
    for parser in (habits, fitting):
        parser.add_argument("--json", action="store_true", help="print JSON")


def _feedback(arguments: argparse.Namespace) -> None:
    with Desk.open(arguments.dir) as desk:
        given = read_feedback(arguments.file, desk.store, now())
        added = desk.store.verdicts.add(given)
    said = {"verdicts": len(given), "new": added}
    say(as_json(said) if arguments.json else f"{len(given):,} verdicts read, {added:,} of them new.")


def _habits(arguments: argparse.Namespace) -> None:
    from client.router.reviewing.learning import learn_habits  # noqa: PLC0415  brings scikit-learn, which only learning needs

    with Desk.open(arguments.dir) as desk:
        ingest = desk.ingest(SeveralFiles(arguments.files))
        habits = learn_habits(desk, _bench(desk, arguments.version), ingest, now())
    said = {"claims": habits.n_claims, "groups": len(habits.groups), "sha256": habits.sha256}
    text = f"Habits of {habits.n_claims:,} claims in {len(habits.groups):,} groups. Now fit a calibration to them."
    say(as_json(said) if arguments.json else text)


def _calibrate(arguments: argparse.Namespace) -> None:
    from client.router.reviewing.learning import calibrate  # noqa: PLC0415  brings scikit-learn, which only learning needs

    with Desk.open(arguments.dir) as desk:
        bench = _bench(desk, arguments.version)
        found = calibrate(desk, bench, now())
    least = bench.artefacts.policy.min_reviewed
    say(as_json(_held(found)) if arguments.json else _spoken(found, least))


def _bench(desk: Desk, version: int | None) -> Bench:
    chosen = desk.shelf.standing().in_force if version is None else version
    if chosen is None:
        msg = "no model was accepted yet: accept one, or give --version of one on the shelf"
        raise InputError(msg)
    return desk.bench(chosen, now())


def _held(found: Learned) -> dict[str, object]:
    fitted = found.calibration
    return {
        "reviewed": found.n_reviewed,
        "found_by_rules": found.n_by_rule,
        "other_features": found.n_other_features,
        "calibrated": fitted is not None,
        "error": fitted and fitted.error,
        "error_by_stratum": fitted and fitted.error_by_stratum,
        "uncalibrated_error": fitted and fitted.raw_error,
    }


def _spoken(found: Learned, least: int) -> str:
    fitted = found.calibration
    if fitted is None:
        return (
            f"{found.n_reviewed:,} reviewed claims, and the policy asks for {least:,}: no calibration, so every claim "
            f"goes to a person. The cards were made.{_left_out(found)}"
        )
    strata = "".join(f"\n  {name}: {error:.4f}" for name, error in fitted.error_by_stratum.items())
    return (
        f"Calibration on {found.n_reviewed:,} reviewed claims ({found.n_by_rule:,} more were found by rules)."
        f"{_left_out(found)}\n"
        f"Expected calibration error {fitted.error:.4f} (uncalibrated: {fitted.raw_error:.4f}){strata}\n\n"
        f"{reliability_text(found.table)}"
    )


def _left_out(found: Learned) -> str:
    """What verdicts under other features teach nothing of; empty if there are none."""
    if not found.n_other_features:
        return ""
    return f" {found.n_other_features:,} verdicts were left out: their claims were decided under other features."
