"""What stands in the ledger: four kinds of entries, each with one spelling in bytes. No claim's value fits in any."""

from __future__ import annotations

import json
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, model_validator

from client.ledger.release import DATA_VERSION, FINGERPRINT, MAX_RHO, Charge, ReleaseId, WindowCharge
from common.accounting.guarantee import Neighbouring, Unit

PLACE = r"^[a-z]{1,20}:[0-9a-f]{1,64}(:[0-9]{1,15})?$"
Digest = Annotated[str, StringConstraints(pattern=FINGERPRINT)]
Number = Annotated[int, Field(ge=0, lt=2**53)]

VERSION_OF_WINDOWS: Final = 2
"""Of charges for windows; all other entries are spelled as they were before there were windows."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    version: Literal[1, 2] = 1
    number: Number
    previous: Digest
    time: Number

    def canonical(self) -> bytes:
        """The one spelling: JSON, sorted keys, no blanks, integers and ASCII text only."""
        return json.dumps(self.fields(), sort_keys=True, separators=(",", ":")).encode()

    def fields(self) -> dict[str, object]:
        """What stands in it, by name; what it does not have is not named."""
        return self.model_dump(mode="json", exclude_none=True)

    @model_validator(mode="after")
    def _is_of_its_version(self) -> Self:
        if (self.version == VERSION_OF_WINDOWS) is not self._is_about_a_window():
            msg = "an entry about a window is of the second version, and no other one is"
            raise ValueError(msg)
        return self

    def _is_about_a_window(self) -> bool:
        return False


class Opened(_Entry):
    """The first entry: whose ledger this is.

    Attributes:
        public_key: Ed25519, hexadecimal; it signs every entry.
    """

    kind: Literal["opened"] = "opened"
    public_key: Digest


class Reserved(_Entry):
    """A release is paid for; noise may be drawn once."""

    kind: Literal["reserved"] = "reserved"
    session: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    fingerprint: Digest
    round: Annotated[int, Field(ge=1, lt=2**53)]
    question: Digest
    rho: Annotated[int, Field(ge=1, le=MAX_RHO)]
    unit: Annotated[Unit, Field(strict=False)]
    neighbouring: Annotated[Neighbouring, Field(strict=False)]
    data_version: Annotated[str, StringConstraints(pattern=DATA_VERSION)]
    window: WindowCharge | None = None

    def _is_about_a_window(self) -> bool:
        return self.window is not None

    @property
    def place(self) -> tuple[str, str, int]:
        """Session, plan and round."""
        return self.session, self.fingerprint, self.round


class Persisted(_Entry):
    """The noised vector of a release is kept, so that a retry can be given the same.

    Attributes:
        reservation: Number of the entry that paid.
        vector: SHA-256 of the kept file.
    """

    kind: Literal["persisted"] = "persisted"
    reservation: Number
    vector: Digest


class Marked(_Entry):
    """Something the station will never contradict: which survivors it confirmed, which attempt it opened.

    Attributes:
        place: What it is about.
        value: What was said about it, SHA-256.
    """

    kind: Literal["marked"] = "marked"
    place: Annotated[str, StringConstraints(pattern=PLACE)]
    value: Digest


Entry = Opened | Reserved | Persisted | Marked
_ENTRIES: TypeAdapter[Entry] = TypeAdapter(Annotated[Entry, Field(discriminator="kind")])


def parse_entry(body: bytes) -> Entry:
    """The entry of a canonical form.

    Raises:
        ValueError: If it is not one, byte for byte.
    """
    entry = _ENTRIES.validate_json(body)
    if entry.canonical() != body:
        msg = "not in canonical form"
        raise ValueError(msg)
    return entry


def reserved(release: ReleaseId, charge: Charge, *, number: int, previous: str, time: int) -> Reserved:
    """The entry that pays for a release."""
    return Reserved(
        version=1 if charge.window is None else VERSION_OF_WINDOWS,
        number=number,
        previous=previous,
        time=time,
        session=release.session.hex(),
        fingerprint=release.fingerprint,
        round=release.round,
        question=release.question,
        rho=charge.rho,
        unit=charge.unit,
        neighbouring=charge.neighbouring,
        data_version=charge.data_version,
        window=charge.window,
    )
