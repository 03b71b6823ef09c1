"""Making a coordinator's directory: configuration, plan, authority, registry, bundle; all or nothing."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from common.errors import InputError
from common.messages import is_bureau_name
from server.certificates.authority import Authority
from server.consortium.files import PRIVATE, PRIVATE_DIRECTORY, replace
from server.deployment.bundle import bundle_digest, write_app
from server.deployment.commands import HOST
from server.deployment.configuration import load_configuration
from server.deployment.opening import database_of, now
from server.deployment.place import Place
from server.deployment.plan_file import load_plan
from server.deployment.superlink import CERTIFICATE
from server.deployment.templates import coordinator_toml, plan_toml
from server.registry.schema import migrate

PROXY = "proxy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A new coordinator.

    Attributes:
        place: Where it lies.
        name: Of the coordinator.
        bundle: SHA-256 of the bundle that bureaus pin.
    """

    place: Place
    name: str
    bundle: str

    def next_steps(self) -> str:
        """What an operator does now."""
        root = shlex.quote(str(self.place.root))
        consortium, name = shlex.quote(str(self.place.consortium)), shlex.quote(self.name)
        return (
            f"A coordinator begins in {self.place.root}. SHA-256 of the bundle: {self.bundle}\n"
            "Next:\n"
            f"  1. Say in {self.place.plan} what is to be asked, and in {self.place.configuration} when.\n"
            f"  2. Begin the consortium: fedclaims-coordinator roster init --dir {consortium} --name {name} "
            "--organisation ORGANISATION --governance-key HEX --threshold 1\n"
            "     It makes identity.key there; the governance's holders make theirs with `roster key`.\n"
            f"  3. List each bureau: fedclaims-coordinator roster add NAME --request JOIN-REQUEST --dir {consortium}; "
            "have it signed with `roster sign`.\n"
            f"  4. Give the plan to the bureaus: fedclaims-coordinator plan --dir {root} --out plan.json\n"
            f"  5. Let each link in: fedclaims-coordinator link admit LINK-REQUEST --dir {root} --out ADMISSION\n"
            f"  6. Put the proxy in front: fedclaims-coordinator proxy nginx --dir {root}\n"
            f"  7. fedclaims-coordinator doctor --dir {root}; fedclaims-coordinator start --dir {root}\n"
            f"Keep a copy of {self.place.authority} and of identity.key apart from here."
        )


def begin(root: Path, name: str, host: str) -> Begun:
    """Make a coordinator's directory.

    Guarantees:
        * The directory is whole, or it is not there. What exists is never written over.

    Args:
        root: New, or empty.
        name: Of the coordinator, as the roster will list it.
        host: Under which bureaus reach the proxy.

    Raises:
        InputError: If a name or host cannot be used, or the directory cannot be made.
        EngineError: If Flower does not build the bundle.
    """
    if not is_bureau_name(name):
        msg = "a coordinator's name has 1 to 64 characters, none of them a control character"
        raise InputError(msg)
    with _built(root) as place:
        digest = _fill(place, name, host)
    return Begun(place=Place(root), name=name, bundle=digest)


@contextmanager
def _built(root: Path) -> Iterator[Place]:
    """A directory that takes the place of an empty one once it is whole."""
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        built = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    except OSError:
        msg = f"{root} cannot be made: name another directory"
        raise InputError(msg) from None
    try:
        yield Place(built)
        _flush(built)
        built.rename(root)
        _flush_one(root.parent)
    except OSError:
        msg = f"{root} is not empty or cannot be written: a new coordinator takes a new directory"
        raise InputError(msg) from None
    finally:
        shutil.rmtree(built, ignore_errors=True)


def _fill(place: Place, name: str, host: str) -> str:
    replace(place.configuration, coordinator_toml(name, host).encode())
    replace(place.plan, plan_toml().encode())
    configuration = load_configuration(place.configuration)
    load_plan(place.plan)
    for directory in (place.transcripts, place.state, place.superlink):
        directory.mkdir(PRIVATE_DIRECTORY)
    authority = Authority.create(place.authority, f"{name} authority"[:64])
    authority.server(CERTIFICATE, [HOST, "localhost"])
    authority.server(PROXY, [host])
    authority.operator()
    place.registry.touch(PRIVATE, exist_ok=False)
    migrate(database_of(place, configuration), now())
    write_app(place)
    return bundle_digest(place)


def _flush(directory: Path) -> None:
    for path in [directory, *(one for one in directory.rglob("*") if one.is_dir())]:
        _flush_one(path)


def _flush_one(directory: Path) -> None:
    held = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(held)
    finally:
        os.close(held)


def as_json(begun: Begun) -> str:
    """For programs."""
    return json.dumps({"directory": str(begun.place.root), "name": begun.name, "bundle_sha256": begun.bundle})
