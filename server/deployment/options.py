"""The options of a coordinator's commands."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from server.certificates.command import DEFAULT_DIRECTORY

MOST_SHOWN, DEFAULT_SHOWN = 10_000, 20

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001  it has no public name
Run = Callable[[argparse.Namespace], None]

_HELP = {
    "init": "make a coordinator's directory: configuration, plan, authority, registry, bundle",
    "plan": "the plan as bureaus look at it, in its one spelling",
    "start": "serve until it is told to stop",
    "run": "order one run now",
    "status": "whether it runs, what is under way, what comes next",
    "runs": "the last runs, and what became of them",
    "show": "one run with its rounds, cohort, refusals and ledger heads",
    "stop": "end the service after the run that is under way, or now",
    "doctor": "check what usually goes wrong, and say the fix for each",
}
_LINKS = {
    "admit": "let a bureau's link in, and write its admission",
    "revoke": "let a bureau's link in no longer",
    "list": "whose links were let in",
}


def add_options(commands: Commands, run: Mapping[str, Run], about: str) -> None:
    """Add every command; ``run`` is what to call for each, ``about`` what stands in their help."""
    found = {name: _command(commands, name, help_, about, run[name]) for name, help_ in _HELP.items()}
    found["init"].add_argument("--name", required=True, help="what the roster calls this coordinator")
    found["init"].add_argument("--host", required=True, help="under which bureaus reach the proxy")
    found["plan"].add_argument("--out", type=Path, metavar="FILE", help="write it here (default: print it)")
    for name in ("plan", "run"):
        counting = "count how past claims of the newest model's clusters were decided, instead of new clusters"
        found[name].add_argument("--outcomes", action="store_true", help=counting)
    found["run"].add_argument("--wait", action="store_true", help="until it is closed")
    found["runs"].add_argument("--limit", type=_count, default=DEFAULT_SHOWN, help=f"so many ({DEFAULT_SHOWN})")
    found["show"].add_argument("number", type=_count, metavar="RUN", help="as `runs` has it")
    found["stop"].add_argument("--now", action="store_true", help="end the run that is under way, too")
    right = "what the registry holds of later than now is the work of a clock that ran ahead"
    found["doctor"].add_argument("--clock-is-right", action="store_true", help=right)
    found["doctor"].add_argument("--webhook", action="store_true", help="ask the stream's webhook, too")
    _add_models(commands, run, about)
    _add_links(commands, run, about)


def _add_models(commands: Commands, run: Mapping[str, Run], about: str) -> None:
    models = _command(commands, "models", "what was published", about, run["models"])
    below = models.add_subparsers(dest="models_command")
    export = _command(below, "export", "write a model and its publication to files", about, run["models export"])
    export.add_argument("version", type=_count, help="as `models` has it")
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="write them here")
    help_ = "bring a model to bureaus that have not confirmed it, without a run"
    bringing = _command(below, "deliver", help_, about, run["models deliver"])
    bringing.add_argument("version", type=_count, help="as `models` has it")
    approve = below.add_parser("approve", help="an auditor's signature under a model", description=about)
    approve.set_defaults(run=run["models approve"])
    approve.add_argument("publication", type=Path, metavar="PUBLICATION.json", help="as `models export` wrote it")
    approve.add_argument("model", type=Path, metavar="MODEL.json", help="the model it is about")
    approve.add_argument("--name", required=True, help="of the auditor, as the roster has it")
    approve.add_argument("--key", type=Path, required=True, metavar="FILE", help="the auditor's key file")
    approve.add_argument("--passphrase", action="store_true", help="ask for the passphrase of the key file")
    approve.add_argument("--out", type=Path, required=True, metavar="FILE", help="write the publication here")
    approve.add_argument("--json", action="store_true", help="print JSON")


def _add_links(commands: Commands, run: Mapping[str, Run], about: str) -> None:
    link = commands.add_parser("link", help="whose connections are let in", description=about)
    below = link.add_subparsers(dest="link_command", required=True)
    found = {name: _command(below, name, help_, about, run[f"link {name}"]) for name, help_ in _LINKS.items()}
    found["admit"].add_argument("request", type=Path, metavar="LINK-REQUEST.json", help="what the bureau sent")
    found["admit"].add_argument("--out", type=Path, required=True, metavar="FILE", help="write the admission here")
    found["revoke"].add_argument("name", help="of the bureau")


def _command(commands: Commands, name: str, help_: str, about: str, run: Run) -> argparse.ArgumentParser:
    found = commands.add_parser(
        name, help=help_, description=help_, epilog=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    found.add_argument("--dir", type=Path, default=DEFAULT_DIRECTORY, help=f"its directory ({DEFAULT_DIRECTORY})")
    if name != "start":
        found.add_argument("--json", action="store_true", help="print JSON")
    found.set_defaults(run=run)
    return found


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= MOST_SHOWN:
        msg = f"a whole number from 1 to {MOST_SHOWN}, please"
        raise argparse.ArgumentTypeError(msg)
    return int(text)
