"""The windows in a file of evidence: each with its number of claims and their digest, beside what the ledger marked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from client.deployment.evidence import WINDOWS, EvidenceError
from client.deployment.place import Place
from client.ledger.chain import Chain
from client.ledger.entry import PLACE, Digest, Marked, Number
from client.windows.marks import KIND
from client.windows.odometer import worked_out


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    claims: Number
    digest: Digest
    place: Annotated[str, StringConstraints(pattern=PLACE)]
    rho: Annotated[int, Field(ge=1)]
    unit: str


def windows_of(place: Place) -> bytes:
    """Every window of the claim book on a line, as it follows from the claims in the book; none if there is no book.

    Raises:
        EngineError: If the book cannot be read.
    """
    lines = [
        _Line(
            claims=one.claims, digest=one.digest.hex(), place=one.name.place, rho=one.rho, unit=one.unit.value
        ).model_dump()
        for one in worked_out(place.ledger)
    ]
    return b"".join(json.dumps(line, sort_keys=True).encode() + b"\n" for line in lines)


def first_contradicted(held: bytes, chain: Chain) -> Marked | None:
    """The first mark of a window in the chain that these lines do not bear out, or None."""
    found = _digests(held)
    return next((one for one in _marks(chain) if found.get(one.place) != one.value), None)


def check_windows(files: Mapping[str, bytes], chain: Chain) -> int | None:
    """How many windows bear out what the ledger marked of them; None where the evidence has no windows to compare.

    Raises:
        EvidenceError: If one contradicts the ledger, or the ledger knows nothing of it.
    """
    if WINDOWS not in files:
        return None
    found = _digests(files[WINDOWS])
    wrong = first_contradicted(files[WINDOWS], chain)
    if wrong is not None:
        raise EvidenceError(WINDOWS, "a window is missing, or has other claims than were marked", entry=wrong.number)
    if found.keys() - {one.place for one in _marks(chain)}:
        raise EvidenceError(WINDOWS, "it has a window that the ledger does not know")
    return len(found)


def _marks(chain: Chain) -> Iterator[Marked]:
    return (one for one in chain.book.entries if isinstance(one, Marked) and one.place.startswith(KIND))


def _digests(held: bytes) -> dict[str, str]:
    try:
        lines = [_Line.model_validate_json(line) for line in held.splitlines()]
    except ValidationError:
        raise EvidenceError(WINDOWS, "it is no list of windows") from None
    return {one.place: one.digest for one in lines}
