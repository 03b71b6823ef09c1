"""``service.toml``: where a router's claims, store, registers and sockets are. What it may decide is the policy's."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from common.consortium.roster import Role
from common.errors import InputError

MOST_BYTES = 1 << 20

FilePath = Annotated[Path, Field(strict=False)]
_MAY_BE_SECRET = ("pass", "secret", "token")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class ClaimsPart(_Part):
    """What claims look like.

    Attributes:
        mapping: A ready-made mapping's name, or a file.
        canaries: A file of claims, in the same layout, by which a new model is judged; None for none.
    """

    mapping: Annotated[str, Field(min_length=1)]
    canaries: FilePath | None = None


class StorePart(_Part):
    """Where decisions are kept.

    Attributes:
        url: Of SQLAlchemy, without a password: SQLite in a file, or PostgreSQL.
        password_file: Holds the account's password; None if it needs none.
    """

    url: str = "sqlite:///store.sqlite"
    password_file: FilePath | None = None

    @field_validator("url")
    @classmethod
    def _holds_no_password(cls, url: str) -> str:
        try:
            found = make_url(url)
        except ArgumentError:
            raise ValueError("no address of a database") from None
        if found.password is not None or any(word in key for key in found.query for word in _MAY_BE_SECRET):
            raise ValueError("a password belongs into password_file, not into the address")
        if found.get_backend_name() == "sqlite" and not found.database:
            raise ValueError("decisions must outlive the process: name a file")
        return url

    def address(self) -> URL:
        """The address, still without a password."""
        return make_url(self.url)


class ModelsPart(_Part):
    """Whose models are used.

    Attributes:
        consortium: Directory of a membership: the roster that was accepted. A station's will do.
        roles: Whose signatures a model needs.
        arrivals: Directory into which the station puts published models; None to name files by hand.
    """

    consortium: FilePath = Path("consortium")
    arrivals: FilePath | None = None
    roles: Annotated[tuple[Annotated[Role, Field(strict=False)], ...], Field(strict=False, min_length=1)] = (
        Role.COORDINATOR,
    )


class RegistersPart(_Part):
    """Files of what the bureau knows besides claims; each may be left out. CSV with a header.

    Persons are looked up by the mapping's ``person_key``, which must then be a single column.

    Attributes:
        opted_out: ``psn_key`` of those who refused decisions made by automation alone.
        deaths: ``psn_key`` and ``day``.
        requested_operations: ``claim_key`` and ``oprn_oprt_code``.
        drug_items: ``psn_key``, ``claim_key``, ``code``, ``day``, ``days_supplied``.
    """

    opted_out: FilePath | None = None
    deaths: FilePath | None = None
    requested_operations: FilePath | None = None
    drug_items: FilePath | None = None


class TlsPart(_Part):
    """Mutual TLS: whoever asks must show a certificate.

    Attributes:
        certificate: Of this router, with its chain, PEM.
        key: Its private key, PEM, for its owner alone.
        client_ca: Whoever signs the certificates of those who may ask, PEM.
    """

    certificate: FilePath
    key: FilePath
    client_ca: FilePath


class ServicePart(_Part):
    """Where the router is asked.

    Attributes:
        socket: A unix socket.
        group: May connect to it; empty for the router's own group.
        address: ``host:port`` instead of the socket; empty for the socket. Needs ``tls``.
        tls: For the address.
        connections: Calls at once; each takes a thread.
        waiting: Claims that may wait for a decision; more are turned away.
    """

    socket: FilePath = Path("run/router.sock")
    group: Annotated[str, Field(max_length=64)] = ""
    address: Annotated[str, Field(max_length=256)] = ""
    tls: TlsPart | None = None
    connections: Annotated[int, Field(ge=2, le=1024)] = 64
    waiting: Annotated[int, Field(ge=1, le=1_000_000)] = 16_384

    @model_validator(mode="after")
    def _is_protected(self) -> Self:
        if bool(self.address) != (self.tls is not None):
            raise ValueError("an address needs tls, and tls an address: without both, the unix socket is used")
        return self


class RouterConfiguration(_Part):
    """A router's deployment."""

    claims: ClaimsPart
    store: StorePart = StorePart()
    models: ModelsPart = ModelsPart()
    registers: RegistersPart = RegistersPart()
    service: ServicePart = ServicePart()
    log: Literal["debug", "info", "warning", "error"] = "info"


def load_router_configuration(path: Path) -> RouterConfiguration:
    """The configuration in a file.

    Raises:
        InputError: If it cannot be read, or a key is unknown, missing or not allowed; the text names it.
    """
    try:
        with path.open("rb") as file:
            held = file.read(MOST_BYTES + 1)
        given = tomllib.loads(held.decode("utf-8")) if len(held) <= MOST_BYTES else {}
        return RouterConfiguration.model_validate(given)
    except OSError:
        msg = (
            f"{path} cannot be read: make a router's directory with `fedclaims-bureau router init`, or name it by --dir"
        )
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in error.errors())
        msg = f"{path} needs mending: {faults}"
    except ValueError:
        msg = f"{path} is not valid TOML in UTF-8"
    raise InputError(msg)


def service_toml(mapping: str) -> str:
    """A configuration file with every key and what it means, for a bureau to change."""
    return f"""\
# Where this router's claims, store and sockets are. What it may decide by itself is said in router.toml, not here.
# Paths are seen from this file's directory unless they begin with a slash.
log = "info"

[claims]
# A ready-made mapping (nhsa_4101_wide, sih_sus, de_synpuf) or a file; `fedclaims-bureau profile FILE` proposes one.
mapping = {json.dumps(mapping, ensure_ascii=False)}
# Claims of the same layout by which a new model is judged: it may not move too many of their lanes.
# canaries = "canaries.parquet"

[store]
# Every decision is kept here before it is answered. SQLite, or PostgreSQL:
# url = "postgresql+psycopg://fedclaims_router@database.example/router"
# password_file = "store.password"     # mode 600
url = "sqlite:///store.sqlite"

[models]
# Directory with the roster that was accepted: `fedclaims-bureau join --dir DIR --accept ROSTER`. A station's will do.
consortium = "consortium"
# Where the station puts the models that the coordinator published; `model list` looks there.
# arrivals = "/var/lib/fedclaims/station/models"
# Whose signatures a model needs: coordinator, auditor.
roles = ["coordinator"]

[registers]
# What this bureau knows besides claims; CSV files with these columns. Rules that need a missing one do not run, and
# without opted_out nobody's refusal of automated decisions is heard. Persons are found by the mapping's person_key,
# which must be a single column.
# opted_out = "opted-out.csv"                  # psn_key
# deaths = "deaths.csv"                        # psn_key,day
# requested_operations = "requested.csv"       # claim_key,oprn_oprt_code
# drug_items = "drugs.csv"                     # psn_key,claim_key,code,day,days_supplied

[service]
socket = "run/router.sock"
group = ""
connections = 64
waiting = 16384
# Instead of the socket, over the network, with certificates on both sides:
# address = "0.0.0.0:9443"
# [service.tls]
# certificate = "router.pem"
# key = "router.key"
# client_ca = "clients-ca.pem"
"""
