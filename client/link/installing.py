"""The stock courier's apps, put in beforehand where nobody may write: any other app dies before its code is loaded."""

from __future__ import annotations

import io
import os
import subprocess
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from client.link.bundles import digest_of, listed
from client.link.place import LinkPlace
from client.link.programs import environment, scripts
from common.errors import EngineError, InputError

MOST_BYTES = 1 << 20
MANIFEST = ".info/"
PROJECT = "pyproject.toml"
SHOWN_OF_DIGEST = 8
"""How many digits of a bundle's digest Flower keeps in a directory's name."""

OPEN, CLOSED, CLOSED_FILE = 0o700, 0o500, 0o400


def install_bundle(place: LinkPlace, bundle: Path) -> str:
    """Put a bundle where the stock courier finds it.

    Guarantees:
        * Only a bundle of the bureau's list that holds no code is put in.
        * Afterwards, also after a failure, nobody but root may write there.

    Returns:
        The bundle's digest.

    Raises:
        InputError: If the bundle cannot be read, is not on the list, or holds code.
        EngineError: If Flower does not take it.
    """
    held = _insist_code_free(bundle)
    digest = _insist_listed(place, held)
    if _is_there(place, digest):
        return digest
    place.apps.chmod(OPEN)
    try:
        with TemporaryDirectory(dir=place.home) as own:
            copy = Path(own) / bundle.name
            copy.write_bytes(held)  # what was checked, whatever becomes of the file meanwhile
            done = _install(place, copy)
    finally:
        _close(place.apps)
    if done.returncode or not _is_there(place, digest):
        msg = f"Flower does not take {bundle}: give the file the name that `flwr build` gave it"
        raise EngineError(msg)
    return digest


def _is_there(place: LinkPlace, digest: str) -> bool:
    return any(one.name.endswith(f".{digest[:SHOWN_OF_DIGEST]}") for one in place.apps.iterdir())


def _install(place: LinkPlace, bundle: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603  a command of our own environment, without a shell
        [str(scripts() / "flwr"), "install", str(bundle)],
        cwd=place.home,
        env=environment(os.environ, place.home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


def _insist_code_free(bundle: Path) -> bytes:
    """The bundle's bytes, if it holds a project file and nothing else."""
    try:
        with bundle.open("rb") as file:
            held = file.read(MOST_BYTES + 1)
        with zipfile.ZipFile(io.BytesIO(held)) as archive:
            names = {name for name in archive.namelist() if not name.startswith(MANIFEST)}
    except (OSError, zipfile.BadZipFile):
        msg = f"{bundle} is no app bundle that can be read: ask the coordinator for it"
        raise InputError(msg) from None
    if names != {PROJECT} or len(held) > MOST_BYTES:
        msg = f"{bundle} holds more than a project file: ask the coordinator for the bundle without code"
        raise InputError(msg)
    return held


def _insist_listed(place: LinkPlace, held: bytes) -> str:
    digest = digest_of(held)
    if digest not in listed(place.bundles):
        msg = f"the bundle {digest} is not on the list {place.bundles}: accept an admission that names it first"
        raise InputError(msg)
    return digest


def _close(directory: Path) -> None:
    """Let nobody write in a directory and below it."""
    for path in [*directory.rglob("*"), directory]:
        path.chmod(CLOSED if path.is_dir() else CLOSED_FILE)
