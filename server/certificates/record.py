"""What an authority has issued: a list on the disk that is longer before a certificate leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from common.errors import InputError
from server.certificates.issuing import Kind
from server.consortium.files import replace

MOST_BYTES = 1 << 26


class Issued(BaseModel):
    """A certificate that an authority has signed.

    Attributes:
        serial: Its number, hexadecimal.
        name: Whose it is.
        kind: What for.
        begins: Since when it counts, in seconds since 1970.
        ends: Until when.
        revoked: Since when it counts no longer; None while it does.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    serial: Annotated[str, Field(pattern=r"^[0-9a-f]{1,40}$")]
    name: str
    kind: Kind
    begins: int
    ends: int
    revoked: int | None = None

    def counts(self, now: float) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked is None and now < self.ends

    @property
    def number(self) -> int:
        """The serial number as a number."""
        return int(self.serial, 16)


_LIST = TypeAdapter(tuple[Issued, ...])


def read_record(path: Path) -> tuple[Issued, ...]:
    """The list in a file.

    Raises:
        InputError: If it is not there or damaged: certificates that nobody knows cannot be revoked.
    """
    try:
        with path.open("rb") as file:
            return _LIST.validate_json(file.read(MOST_BYTES))
    except (OSError, ValidationError):
        msg = f"{path} is missing or damaged: restore it from your copy, for it knows which certificates to revoke"
        raise InputError(msg) from None


def write_record(path: Path, record: tuple[Issued, ...]) -> None:
    """Put a list in the place of another, durably.

    Raises:
        EngineError: If the disk fails.
    """
    replace(path, json.dumps(_LIST.dump_python(record, mode="json"), indent=1, ensure_ascii=False).encode())
