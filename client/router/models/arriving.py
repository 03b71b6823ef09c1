"""Models that came to the station: put on the router's shelf, once they have passed its own checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from client.router.models.shelf import MODEL_FILE, MOST_MODEL_BYTES, PUBLICATION_FILE, ModelShelf, Trust
from common.consortium.publishing import MOST_BYTES, SignedPublication
from common.errors import InputError, RefusedError


@dataclass(frozen=True, slots=True)
class Arrived:
    """What became of models that came.

    Attributes:
        received: Versions that wait on the shelf now.
        refused: Why others were not put there, by the name of their folder.
    """

    received: list[int] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def take_arrivals(shelf: ModelShelf, directory: Path, trust: Trust, now: int) -> Arrived:
    """Put every model of a station's directory on the shelf that is not there yet, the oldest first.

    Guarantees:
        * A station is not believed: every model passes all checks of the shelf.
        * One that fails keeps no other from being taken, and is told with its reason.

    Args:
        shelf: The router's.
        directory: ``models`` of the station; may not exist yet.
        trust: Whom the bureau believes.
        now: Unix seconds.
    """
    found, known = Arrived(), {one.publication for one in shelf.standing().entries}
    for folder in _folders(directory):
        try:
            held = _bounded(folder / PUBLICATION_FILE, MOST_BYTES)
            if SignedPublication.from_json(held).publication in known:
                continue
            model = _bounded(folder / MODEL_FILE, MOST_MODEL_BYTES)
            found.received.append(shelf.receive(held, model, trust, now).publication.version)
        except (InputError, RefusedError) as error:
            found.refused[folder.name] = str(error)
    return found


def _folders(directory: Path) -> Iterator[Path]:
    named = [path for path in directory.glob("*-*") if path.name.partition("-")[0].isdecimal()]
    yield from sorted(named, key=lambda path: int(path.name.partition("-")[0]))


def _bounded(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError:
        msg = f"{path} cannot be read: the router's user must be in the group that the station's models belong to"
        raise InputError(msg) from None
