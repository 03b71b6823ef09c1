"""``station.toml``: where claims, socket and logs are. Nothing in it can affect what leaves: that is the policy's."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from client.ledger.chain import Head
from common.errors import InputError
from common.messages import is_bureau_name

MOST_BYTES = 1 << 20
CONTENT = "content"
"""Data version of files: their SHA-256."""
SNAPSHOT = "snapshot"
"""Data version of a database: the SHA-256 of the rows that one read-only transaction sees."""

FilePath = Annotated[Path, Field(strict=False)]
Column = Annotated[str, Field(min_length=1, max_length=256)]
_MAY_BE_SECRET = ("pass", "secret", "token")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class SqlClaims(_Part):
    """Claims in a database.

    Attributes:
        url: Of SQLAlchemy, without a password.
        password_file: Holds the account's password; None if it needs none.
        table: What is read, unless ``query`` says it.
        query: A SELECT.
        columns: The only columns that are ever asked for.
    """

    url: str
    password_file: FilePath | None = None
    table: str = ""
    query: str = ""
    columns: Annotated[tuple[Column, ...], Field(strict=False, min_length=1)]

    @field_validator("url")
    @classmethod
    def _holds_no_password(cls, url: str) -> str:
        try:
            found = make_url(url)
        except ArgumentError:
            raise ValueError("no address of a database") from None
        if found.password is not None or any(word in key for key in found.query for word in _MAY_BE_SECRET):
            raise ValueError("a password belongs into password_file, not into the address")
        return url

    @model_validator(mode="after")
    def _reads_one_thing(self) -> Self:
        if bool(self.table) == bool(self.query):
            raise ValueError("name a table, or give a query")
        return self


class ClaimsPart(_Part):
    """Where claims come from.

    Attributes:
        mapping: A ready-made mapping's name, or a file.
        files: Parquet or CSV files of one layout; empty if ``sql`` is given.
        sql: A database.
        data_version: ``content`` for the SHA-256 of the files, ``snapshot`` for that of a database's rows, or the
            bureau's own name for this state of the claims.
    """

    mapping: Annotated[str, Field(min_length=1)]
    files: Annotated[tuple[FilePath, ...], Field(strict=False)] = ()
    sql: SqlClaims | None = None
    data_version: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = CONTENT

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if bool(self.files) == (self.sql is not None):
            raise ValueError("name files, or a database: one of the two")
        if self.sql is not None and self.data_version == CONTENT:
            raise ValueError('"content" is for files: for a database say "snapshot", or a name of your own')
        if self.files and self.data_version == SNAPSHOT:
            raise ValueError('"snapshot" is for a database: for files say "content", or a name of your own')
        return self


class SocketPart(_Part):
    """Where the courier asks: at a unix socket, or over TLS where it lives on another machine.

    Attributes:
        path: Of the unix socket.
        group: May connect; empty for the station's own group.
        address: ``host:port`` instead of the unix socket; empty for that.
        certificate: Of the station, PEM; for an address.
        key: Of the station, PEM; for an address.
        client_root: The authority that the courier's certificate comes from, PEM; for an address.
        couriers: Common names in certificates that may ask; for an address.
    """

    path: FilePath = Path("run/station.sock")
    group: Annotated[str, Field(max_length=64)] = ""
    address: Annotated[str, Field(pattern=r"^$|^([A-Za-z0-9.-]+|\[[0-9a-f:]+\]):[0-9]{1,5}$")] = ""
    certificate: FilePath | None = None
    key: FilePath | None = None
    client_root: FilePath | None = None
    couriers: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=64)], ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        given = [one is not None for one in self._files()]
        if self.address and not (all(given) and self.couriers):
            raise ValueError(
                "an address needs certificate, key, client_root and couriers: without them anybody may ask"
            )
        if not self.address and (any(given) or self.couriers):
            raise ValueError("certificate, key, client_root and couriers go with an address")
        return self

    def _files(self) -> tuple[Path | None, ...]:
        return self.certificate, self.key, self.client_root


class ResourcesPart(_Part):
    """What the station may use.

    Attributes:
        threads: Of its sums.
        memory_share: Of the machine's memory that rows may take before they move to a temporary file.
    """

    threads: Annotated[int, Field(ge=1, le=256)] = 1
    memory_share: Annotated[float, Field(gt=0, le=0.9)] = 0.1


class KeysPart(_Part):
    """How keys are opened.

    Attributes:
        passphrase_file: Of the ledger's and the identity's key file; None if they have no passphrase.
    """

    passphrase_file: FilePath | None = None


class LedgerPart(_Part):
    """What others have seen of the ledger.

    Attributes:
        seen_head: ``number:digest``; empty if nobody has told one.
    """

    seen_head: str = ""

    @field_validator("seen_head")
    @classmethod
    def _is_a_head(cls, text: str) -> str:
        if text:
            Head.parse(text)
        return text

    def head(self) -> Head | None:
        """The head that others have seen, if one is known."""
        return Head.parse(self.seen_head) if self.seen_head else None


class LogPart(_Part):
    """How much is logged; never a claim's value."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Configuration(_Part):
    """A station's deployment.

    Attributes:
        name: Of the bureau, in messages and in the roster.
    """

    name: str
    claims: ClaimsPart
    socket: SocketPart = SocketPart()
    resources: ResourcesPart = ResourcesPart()
    keys: KeysPart = KeysPart()
    ledger: LedgerPart = LedgerPart()
    log: LogPart = LogPart()

    @field_validator("name")
    @classmethod
    def _can_stand_in_messages(cls, name: str) -> str:
        if not is_bureau_name(name):
            raise ValueError("a bureau's name has 1 to 64 characters, none of them a control character")
        return name

    def to_toml(self) -> str:
        """Everything that counts, without comments, as TOML."""
        return "\n".join(_lines("", self.model_dump(mode="json", exclude_none=True)))


def load_configuration(path: Path) -> Configuration:
    """The configuration in a file.

    Raises:
        InputError: If it cannot be read, or a key is unknown, missing or not allowed; the text names it.
    """
    try:
        with path.open("rb") as file:
            held = file.read(MOST_BYTES + 1)
        given = tomllib.loads(held[: MOST_BYTES + 1].decode("utf-8")) if len(held) <= MOST_BYTES else {}
        return Configuration.model_validate(given)
    except OSError:
        msg = f"{path} cannot be read: make a station's directory with `fedclaims-bureau init`, or name it with --dir"
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in error.errors())
        msg = f"{path} needs mending: {faults}"
    except ValueError:
        msg = f"{path} is not valid TOML in UTF-8"
    raise InputError(msg)


def _lines(name: str, table: dict[str, object]) -> list[str]:
    """A table: its own keys first, then the tables in it. What JSON spells, TOML reads."""
    lines = [f"\n[{name}]"] if name else []
    lines += [
        f"{key} = {json.dumps(value, ensure_ascii=False)}"
        for key, value in table.items()
        if not isinstance(value, dict)
    ]
    for key, value in table.items():
        if isinstance(value, dict):
            lines += _lines(f"{name}.{key}".lstrip("."), value)
    return lines
