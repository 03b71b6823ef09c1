"""``link.toml``: where the station listens and how the two programs run. Nothing in it can affect what leaves."""

from __future__ import annotations

import json
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from client.service import LONGEST_SOCKET_PATH
from common.consortium.roster import ReadableText
from common.consortium.signed import faults
from common.errors import InputError

MOST_BYTES = 1 << 16
RUNTIME_PORT = 9094
"""Flower's own choice for a SuperNode's door."""


class CourierKind(StrEnum):
    """Who answers messages."""

    OWN = "own"
    STOCK = "stock"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class StationPart(_Part):
    """Where the station listens.

    Attributes:
        socket: Its unix socket; absolute.
    """

    socket: Annotated[Path, Field(strict=False)]

    @field_validator("socket")
    @classmethod
    def _can_be_a_socket(cls, path: Path) -> Path:
        if not path.is_absolute() or len(str(path).encode()) > LONGEST_SOCKET_PATH or '"' in str(path):
            msg = f"a socket has an absolute path of at most {LONGEST_SOCKET_PATH} bytes, without quotation marks"
            raise ValueError(msg)
        return path


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
# Where the station listens, as in its station.toml. This link's user must be in the socket's group.
socket = {json.dumps(str(given.station.socket), ensure_ascii=False)}

[supernode]
# Its door on the loopback, where the courier knocks. Any free port.
port = {given.supernode.port}
# Between two looks for messages; each costs the SuperLink some milliseconds.
longest_pause_s = {given.supernode.longest_pause_s}

[courier]
# "own": one process that stays, and serves only the bundles of bundles.txt. "stock": Flower's own way, a process for
# every message, slower; it needs the apps put in beforehand with `fedclaims-bureau link install BUNDLE`.
kind = "{given.courier.kind}"

[log]
level = "{given.log.level}"
"""
