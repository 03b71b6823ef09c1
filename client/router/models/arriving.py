"""Models that came to the station: put on the router's shelf, once they have passed its own checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from client.router.models.shelf import MODEL_FILE, MOST_MODEL_BYTES, PUBLICATION_FILE, ModelShelf, Trust
from common.consortium.publishing import MOST_BYTES, SignedPublication
from common.errors import InputError, RefusedError

HAND_OVER = "run the router as the station's user, or take each version with `fedclaims-bureau model import FILE`"


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
        * What was here and was taken from the shelf again is not taken anew.
        * A directory that this user may not look into is told as such, not taken for an empty one.

    Args:
        shelf: The router's.
        directory: ``models`` of the station; may not exist yet.
        trust: Whom the bureau believes.
        now: Unix seconds.

    Raises:
        InputError: If the directory cannot be looked into.
    """
    found, standing = Arrived(), shelf.standing()
    known = {one.publication for one in standing.entries}
    for folder in _folders(directory):
        try:
            held = _bounded(folder / PUBLICATION_FILE, MOST_BYTES)
            published = SignedPublication.from_json(held).publication
            if published in known or published.version <= (standing.pruned or 0):
                continue
            model = _bounded(folder / MODEL_FILE, MOST_MODEL_BYTES)
            found.received.append(shelf.receive(held, model, trust, now).publication.version)
        except (InputError, RefusedError) as error:
            found.refused[folder.name] = str(error)
    return found


def _folders(directory: Path) -> Sequence[Path]:
    try:
        found = list(directory.iterdir())
    except FileNotFoundError:
        return ()
    except OSError:
        msg = f"{directory} cannot be looked into: the station keeps it for its own user; {HAND_OVER}"
        raise InputError(msg) from None
    named = [path for path in found if "-" in path.name and path.name.partition("-")[0].isdecimal()]
    return sorted(named, key=lambda path: int(path.name.partition("-")[0]))


def _bounded(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except PermissionError:
        msg = f"{path} may not be read: the station keeps it for its own user; {HAND_OVER}"
    except OSError:
        msg = f"{path} cannot be read: restore it, or take the version with `fedclaims-bureau model import FILE`"
    raise InputError(msg)
