"""``link.toml``: where the station listens and how the two programs run. Nothing in it can affect what leaves."""

from __future__ import annotations

import json
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from client.service import LONGEST_SOCKET_PATH
from common.consortium.roster import ReadableText
from common.consortium.signed import faults
from common.errors import InputError

MOST_BYTES = 1 << 16
RUNTIME_PORT = 9094
"""Flower's own choice for a SuperNode's door."""


FilePath = Annotated[Path, Field(strict=False)]


class CourierKind(StrEnum):
    """Who answers messages."""

    OWN = "own"
    STOCK = "stock"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class StationPart(_Part):
    """Where the station listens: at a unix socket, or over TLS where it lives on another machine.

    Attributes:
        socket: Its unix socket, absolute; None for an address.
        address: ``host:port`` as in its certificate; empty for a socket.
        certificate: Of this link, from the authority that the station asks for, PEM; for an address.
        key: Of that certificate, PEM; for an address.
        root: The authority of the station's own certificate, PEM; for an address.
    """

    socket: FilePath | None = None
    address: Annotated[str, Field(pattern=r"^$|^([A-Za-z0-9.-]+|\[[0-9a-f:]+\]):[0-9]{1,5}$")] = ""
    certificate: FilePath | None = None
    key: FilePath | None = None
    root: FilePath | None = None

    @field_validator("socket")
    @classmethod
    def _can_be_a_socket(cls, path: Path | None) -> Path | None:
        if path is not None and (not path.is_absolute() or len(str(path).encode()) > LONGEST_SOCKET_PATH):
            msg = f"a socket has an absolute path of at most {LONGEST_SOCKET_PATH} bytes"
            raise ValueError(msg)
        return path

    @field_validator("socket", "certificate", "key", "root")
    @classmethod
    def _can_be_told_to_flower(cls, path: Path | None) -> Path | None:
        if path is not None and '"' in str(path):
            raise ValueError("a path here has no quotation marks")
        return path

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        given = [one is not None for one in (self.certificate, self.key, self.root)]
        if bool(self.address) == (self.socket is not None):
            raise ValueError("name the station's socket, or its address: one of the two")
        if any(given) if self.socket else not all(given):
            raise ValueError("an address goes with certificate, key and root, a socket with none of them")
        return self


class SuperNodePart(_Part):
    """How the SuperNode runs.

    Attributes:
        port: Of its door on the loopback, where the courier knocks.
        longest_pause_s: Between two looks at the SuperLink, beside our own courier.
    """

    port: Annotated[int, Field(ge=1, le=65_535)] = RUNTIME_PORT
    longest_pause_s: Annotated[float, Field(ge=0.05, le=60.0)] = 0.5


class CourierPart(_Part):
    """Who answers messages.

    Attributes:
        kind: Our courier that stays, or Flower's own way.
    """

    kind: Annotated[CourierKind, Field(strict=False)] = CourierKind.OWN


class LogPart(_Part):
    """How much is logged."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class LinkConfiguration(_Part):
    """A link's deployment.

    Attributes:
        name: Of the bureau, in messages and in the roster.
    """

    name: ReadableText
    station: StationPart
    supernode: SuperNodePart = SuperNodePart()
    courier: CourierPart = CourierPart()
    log: LogPart = LogPart()


def load_link(path: Path) -> LinkConfiguration:
    """The configuration in a file.

    Raises:
        InputError: If it cannot be read, or a key is unknown, missing or not allowed; the text names it.
    """
    try:
        with path.open("rb") as file:
            held = file.read(MOST_BYTES + 1)
        return LinkConfiguration.model_validate(tomllib.loads(held[:MOST_BYTES].decode("utf-8")))
    except OSError:
        msg = f"{path} cannot be read: make a link's directory with `fedclaims-bureau link init`, or name it with --dir"
    except ValidationError as error:
        msg = f"{path} needs mending: {faults(error)}"
    except ValueError:
        msg = f"{path} is not valid TOML in UTF-8"
    raise InputError(msg)


def link_toml(given: LinkConfiguration) -> str:
    """A configuration file with every key and what it means, for a bureau to change."""
    return f"""\
# A bureau's link: a SuperNode and a courier. They hold no claim and may read none; give them a user of their own.

# What this bureau is called in messages and in the roster.
name = {json.dumps(given.name, ensure_ascii=False)}

[station]
# Where the station listens, as in its station.toml. At a unix socket, this link's user must be in the socket's group:
# socket = "/run/fedclaims/station.sock"
# On another machine: its address as in its certificate; the authority of that; and what this link shows there, a
# certificate under a name that the station.toml lists. Files are looked for in this directory.
# address = "station.north.example:7443"
# root = "station-root.pem"
# certificate = "station-client.pem"
# key = "station-client.key"
{_station_lines(given.station)}

[supernode]
# Its door on the loopback, where the courier knocks. Any free port.
port = {given.supernode.port}
# Between two looks for messages; each costs the SuperLink some milliseconds. Among more than 25 bureaus, take 0.02
# times their number, up to 3.
longest_pause_s = {given.supernode.longest_pause_s}

[courier]
# "own": one process that stays, and serves only the bundles of bundles.txt. "stock": Flower's own way, a process for
# every message, slower; it needs the apps put in beforehand with `fedclaims-bureau link install BUNDLE`.
kind = "{given.courier.kind}"

[log]
level = "{given.log.level}"
"""


def _station_lines(station: StationPart) -> str:
    held = station.model_dump(mode="json", exclude_defaults=True)
    return "\n".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in held.items())
