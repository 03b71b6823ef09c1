"""``fedclaims-bureau model list|follow|import|accept|shadow|refuse|rollback``: with which version a router decides.

A router that serves takes up a new choice when it gets SIGHUP, without dropping a request. Where the policy allows it
(``accept_stream_models``) it follows a stream by itself; ``follow`` does so once, for a router that does not serve.

Exit codes: 0 done; 2 wrong options; 3 a file needs mending; 5 the model is refused: by its signatures, its age, the
bureau's earlier choice, or its canaries.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

from client.router.commands.deciding import as_json, command, console, say
from client.router.desk import Desk
from client.router.models.canaries import Moves
from client.router.models.choosing import choose, go_back
from client.router.models.following import Followed, arrivals, follow
from client.router.models.shelf import MODEL_FILE, MOST_MODEL_BYTES, PUBLICATION_FILE
from client.router.models.standing import Entry, Standing
from client.router.router import now
from client.router.shadowing import NOT_RUNNING, Shadow
from common.consortium.publishing import MOST_BYTES
from common.errors import InputError, RefusedError


def add_model(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``model`` to the commands; ``run`` is what to call."""
    model = commands.add_parser("model", help="which version of the model the router decides with", description=__doc__)
    below = model.add_subparsers(dest="model_command", required=True)
    listing = command(below, "list", "versions, what was said of them, and how a shadow agrees", _list)
    following = command(below, "follow", "accept the newest of a stream, if the policy says so", _follow)
    taking = command(below, "import", "take a version from files, as if it had come in; it waits", _import)
    taking.add_argument("file", type=Path, metavar="FILE", help="publication.json, or the folder that holds it")
    taking.add_argument(
        "model", nargs="?", type=Path, metavar="MODEL", help="its model (default: model.json beside it)"
    )
    accept = command(below, "accept", "put a version in force, if it moves few canary claims", _accept)
    shadow = command(below, "shadow", "let a version decide in parallel; it changes nothing", _shadow)
    refuse = command(below, "refuse", "never use a version", _refuse)
    back = command(below, "rollback", "put a version in force again that was accepted before", _roll_back)
    for parser in (accept, shadow):
        parser.add_argument("publication", nargs="?", type=Path, metavar="PUBLICATION", help="what was signed")
        parser.add_argument("model", nargs="?", type=Path, metavar="MODEL", help="the model it is about")
        parser.add_argument("--version", type=int, help="a version that was received before, instead of files")
    for parser in (refuse, back):
        parser.add_argument("version", type=int, metavar="VERSION", help="its number")
    for parser in (listing, following, taking, accept, shadow, refuse, back):
        parser.add_argument("--json", action="store_true", help="print JSON")


def _list(arguments: argparse.Namespace) -> None:
    with Desk.open(arguments.dir) as desk:
        arrived, standing = arrivals(desk, now()), desk.shelf.standing()
        stream = _stream(desk, standing)
        agreement, fault = _agreement(desk, standing), _shadow_fault(desk, standing)
    if arguments.json:
        say(
            as_json(
                {
                    **standing.model_dump(mode="json"),
                    "shadow_agreement": _spoken(agreement),
                    "shadow_fault": fault or None,
                    "arrivals_refused": arrived.refused,
                    "stream": stream,
                }
            )
        )
        return
    table = Table("version", "said", "since", "expires", "digest", "", title="Models")
    for one in standing.entries:
        published = one.publication
        use = {standing.in_force: "in force", standing.shadow: "shadow"}.get(published.version, "")
        times = (_day(one.since), _day(published.expires))
        table.add_row(str(published.version), one.stance.value, *times, published.digest[:16], use)
    console().print(table)
    for name, reason in arrived.refused.items():
        say(f"Not taken from the station, {name}: {reason}")
    lines = [f"The model in force follows the stream {stream}."] if stream else []
    lines += [_waiting_line(one) for one in standing.entries if one.held_back]
    lines += [_agreement_line(agreement)] if agreement else []
    lines += [f"{NOT_RUNNING.capitalize()}: {fault}"] if fault else []
    for line in lines:
        say(line)


def _waiting_line(one: Entry) -> str:
    return f"Model version {one.publication.version} waits for a person: {one.held_back}"


def _stream(desk: Desk, standing: Standing) -> str | None:
    """The stream that the model in force is of; None if it is of none, or its file cannot be used."""
    try:
        window = None if standing.in_force is None else desk.shelf.held(standing.in_force).model.plan.window
    except (InputError, RefusedError):  # the list is told all the same
        return None
    return None if window is None else window.stream


def _follow(arguments: argparse.Namespace) -> None:
    with Desk.open(arguments.dir) as desk:
        found = follow(desk, now())
    if arguments.json:
        held = {"accepted": found.accepted, "waiting": found.waiting, "kept": found.kept, "pruned": found.pruned}
        say(as_json(held | {"arrivals_refused": found.arrived.refused}))
        return
    say("\n".join(_followed_lines(found)))


def _followed_lines(found: Followed) -> list[str]:
    """What became of a stream's models, for people."""
    lines = [f"Not taken from the station, {name}: {reason}" for name, reason in found.arrived.refused.items()]
    if not found.allowed:
        return [*lines, "Nothing is accepted without a person: accept_stream_models in router.toml is false."]
    if found.accepted is not None:
        lines.append(f"Model version {found.accepted} is in force, by the policy.")
    if found.waiting is not None:
        lines.append(f"Model version {found.waiting[0]} waits for a person: {found.waiting[1]}")
    reasons = ", ".join(f"{count} {why}" for why, count in found.kept.items())
    return [*lines, f"On the shelf: {reasons or 'nothing'}. {found.pruned} older were taken from it; records replay."]


def _import(arguments: argparse.Namespace) -> None:
    publication = arguments.file / PUBLICATION_FILE if arguments.file.is_dir() else arguments.file
    with Desk.open(arguments.dir) as desk:
        version = _taken(desk, publication, arguments.model or publication.with_name(MODEL_FILE))
        stance = desk.shelf.standing().entry(version).stance.value
    _told(
        arguments,
        f"Model version {version} is on the shelf ({stance}). Next: model accept --version {version}",
        version,
    )


def _accept(arguments: argparse.Namespace) -> None:
    with Desk.open(arguments.dir) as desk:
        version = _received(desk, arguments)
        found = choose(desk, version, now())
    _told(arguments, f"Model version {version} is in force.{_moved(found)}", version)


def _shadow(arguments: argparse.Namespace) -> None:
    with Desk.open(arguments.dir) as desk:
        version = _received(desk, arguments)
        desk.shelf.shadow(version)
    _told(arguments, f"Model version {version} decides in parallel from now on, and changes nothing.", version)


def _refuse(arguments: argparse.Namespace) -> None:
    with Desk.open(arguments.dir) as desk:
        desk.shelf.refuse(arguments.version, now())
    _told(arguments, f"Model version {arguments.version} is refused.", arguments.version)


def _roll_back(arguments: argparse.Namespace) -> None:
    with Desk.open(arguments.dir) as desk:
        go_back(desk, arguments.version, now())
    _told(arguments, f"Model version {arguments.version} is in force again.", arguments.version)


def _received(desk: Desk, arguments: argparse.Namespace) -> int:
    """The version that is meant: one that is here, or the one in the files, once it was checked."""
    files = arguments.publication is not None and arguments.model is not None
    if files is (arguments.version is not None):
        msg = "give a publication and its model, or --version of one that was received before"
        raise InputError(msg)
    if arguments.version is not None:
        return int(arguments.version)
    return _taken(desk, arguments.publication, arguments.model)


def _taken(desk: Desk, publication: Path, model: Path) -> int:
    """The version in some files, once it was checked and is on the shelf."""
    held = _bounded(publication, MOST_BYTES), _bounded(model, MOST_MODEL_BYTES)
    return desk.shelf.receive(*held, desk.trust(now()), now()).publication.version


def _bounded(path: Path, most: int) -> bytes:
    """A file, and one byte more than it may have, so that whoever reads it sees that it is too large."""
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError:
        msg = f"{path} cannot be read: name the file that the coordinator published"
        raise InputError(msg) from None


def _told(arguments: argparse.Namespace, text: str, version: int) -> None:
    say(as_json({"version": version, "said": text}) if arguments.json else text)


def _moved(found: Moves | None) -> str:
    if found is None or not found.n_claims:
        return ""
    return f" It moves {found.n_moved} of {found.n_claims} canary claims ({found.share_moved:.1%})."


def _agreement(desk: Desk, standing: Standing) -> Mapping[tuple[str, str], int]:
    if standing.shadow is None:
        return {}
    return desk.store.decisions.shadowed(standing.entry(standing.shadow).publication.model_sha256)


def _shadow_fault(desk: Desk, standing: Standing) -> str:
    """Why the shadow does not run; empty if it could, or there is none."""
    version = standing.shadow
    return "" if version is None else Shadow(lambda: desk.bench(version, now())).fault


def _spoken(agreement: Mapping[tuple[str, str], int]) -> dict[str, int]:
    return {f"{lane} {shadow_lane}": n_claims for (lane, shadow_lane), n_claims in agreement.items()}


def _agreement_line(agreement: Mapping[tuple[str, str], int]) -> str:
    total, same = sum(agreement.values()), sum(n for (lane, other), n in agreement.items() if lane == other)
    elsewhere = ", ".join(f"{n} from {lane} to {other}" for (lane, other), n in agreement.items() if lane != other)
    return f"The shadow agrees on {same:,} of {total:,} claims ({same / total:.1%}). {elsewhere}".rstrip()


def _day(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).date().isoformat()
