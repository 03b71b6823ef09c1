"""``coordinator.toml``: addresses, paths and times. Nothing in it can affect privacy: that is the plan's."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from common.errors import InputError
from common.messages import is_bureau_name
from server.deployment.durations import seconds_of
from server.deployment.schedule import DAYS, Schedule, schedule_of

MOST_BYTES = 1 << 20
FilePath = Annotated[Path, Field(strict=False)]
Seconds = Annotated[int, BeforeValidator(seconds_of)]
Port = Annotated[int, Field(ge=1, le=65_535)]
SQLITE = "sqlite"
_MAY_BE_SECRET = ("pass", "secret", "token")


class Part(BaseModel):
    """A part of a file: no unknown keys, no values of another kind."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


_Part = TypeVar("_Part", bound=Part)


class ProxyPart(Part):
    """Where bureaus knock.

    Attributes:
        port: Of the reverse proxy.
        operator: Whether the operator may start runs through it; on this machine nobody needs that.
        directory: The proxy's own.
    """

    port: Port = 443
    operator: bool = False
    directory: FilePath = Path("/var/lib/fedclaims-proxy")


class SuperLinkPart(Part):
    """Flower's SuperLink, which listens on this machine's loopback alone.

    Attributes:
        port: There.
    """

    port: Port = 9092


class SchedulePart(Part):
    """When runs start by themselves; never, if nothing is said.

    Attributes:
        every: Between two runs, counted from midnight UTC of the first of January 1970.
        at: Times of the day, ``HH:MM``.
        days: On which ``at`` counts; empty for all.
        timezone: Of ``at`` and ``days``.
    """

    every: Seconds | None = None
    at: Annotated[
        tuple[Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")], ...], Field(strict=False)
    ] = ()
    days: Annotated[tuple[Literal[DAYS], ...], Field(strict=False)] = ()  # type: ignore[valid-type]
    timezone: str = "UTC"

    @model_validator(mode="after")
    def _can_be_kept(self) -> Self:
        if self.days and not self.at:
            raise ValueError("days go with times of the day: say at = [...], too")
        self.schedule()
        return self

    def schedule(self) -> Schedule:
        """The schedule that this says."""
        return schedule_of(every=self.every, at=self.at, days=self.days, timezone=self.timezone)


class RunPart(Part):
    """How long a run waits.

    Attributes:
        patience: For all bureaus to be there; then it goes on with those that are.
        replies: For the answers to one question.
        limit: For the whole of it.
    """

    patience: Annotated[Seconds, Field(ge=1, le=86_400)] = 120
    replies: Annotated[Seconds, Field(ge=5, le=86_400)] = 600
    limit: Annotated[Seconds, Field(ge=60, le=30 * 86_400)] = 6 * 3600


class ModelsPart(Part):
    """How models are published.

    Attributes:
        last: From when it is issued until nothing may be decided with a model any more.
    """

    last: Annotated[Seconds, Field(ge=3600, le=3660 * 86_400)] = 90 * 86_400


class RegistryPart(Part):
    """Where runs, models and nodes are kept.

    Attributes:
        url: ``sqlite`` for a file in this directory, or an address of SQLAlchemy without a password.
        password_file: Holds the account's password; None if it needs none.
    """

    url: str = SQLITE
    password_file: FilePath | None = None

    @field_validator("url")
    @classmethod
    def _holds_no_password(cls, url: str) -> str:
        if url == SQLITE:
            return url
        try:
            found = make_url(url)
        except ArgumentError:
            raise ValueError("no address of a database") from None
        if found.password is not None or any(word in key for key in found.query for word in _MAY_BE_SECRET):
            raise ValueError("a password belongs into password_file, not into the address")
        return url


class StreamPart(Part):
    """How claims are followed as they come; nothing is, if the section is not there.

    Attributes:
        plan: Of a window in which clusters are looked for; the others follow from it.
        every: Between two ticks.
        memory: What earlier windows weigh in the next one, per mille.
        fewest_bureaus: A new cluster stays in quarantine until it was seen in so many.
        reseed: When clusters are looked for anew.
        alerts_file: What people are told, a JSON line each.
        alerts_webhook: Where it is posted, too.
        alerts_token_file: Holds the bearer token of that; None if it asks for none.
        alerts_roots_file: Certificates that its own must come from, PEM; None for those that everybody trusts.
    """

    plan: FilePath = Path("plan.toml")
    every: Annotated[Seconds, Field(ge=60, le=7 * 86_400)] = 900
    memory: Annotated[int, Field(ge=0, le=990)] = 700
    fewest_bureaus: Annotated[int, Field(ge=1, le=1000)] = 2
    reseed: Literal["when drift demands", "never"] = "when drift demands"
    alerts_file: FilePath = Path("alerts.jsonl")
    alerts_webhook: str | None = None
    alerts_token_file: FilePath | None = None
    alerts_roots_file: FilePath | None = None

    @field_validator("alerts_webhook")
    @classmethod
    def _is_https(cls, url: str | None) -> str | None:
        try:
            found = urlsplit(url or "https://none")
            usable = found.scheme == "https" and bool(found.hostname) and (found.port or 1) > 0
        except ValueError:
            usable = False
        if not usable or "@" in found.netloc:
            raise ValueError("an address begins with https://; what it asks for belongs into alerts_token_file")
        return url

    @model_validator(mode="after")
    def _tells_somebody(self) -> Self:
        if self.alerts_webhook is None and (self.alerts_token_file or self.alerts_roots_file):
            raise ValueError("alerts_token_file and alerts_roots_file go with alerts_webhook")
        return self


class KeysPart(Part):
    """How the coordinator's identity is opened.

    Attributes:
        passphrase_file: Of its key file; None if it has no passphrase.
    """

    passphrase_file: FilePath | None = None


class AuthorityPart(Part):
    """Where the key of the authority lies.

    Attributes:
        key: Its file; None for the one in the authority's directory. The service never reads it.
    """

    key: FilePath | None = None


class LogPart(Part):
    """How much is logged."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Configuration(Part):
    """A coordinator's deployment.

    Attributes:
        name: Of the coordinator, in the roster.
        host: Under which bureaus reach the proxy.
    """

    name: str
    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,253}$")]
    proxy: ProxyPart = ProxyPart()
    superlink: SuperLinkPart = SuperLinkPart()
    schedule: SchedulePart = SchedulePart()
    run: RunPart = RunPart()
    models: ModelsPart = ModelsPart()
    registry: RegistryPart = RegistryPart()
    keys: KeysPart = KeysPart()
    authority: AuthorityPart = AuthorityPart()
    log: LogPart = LogPart()
    stream: StreamPart | None = None

    @field_validator("name")
    @classmethod
    def _can_stand_in_messages(cls, name: str) -> str:
        if not is_bureau_name(name):
            raise ValueError("a name has 1 to 64 characters, none of them a control character")
        return name


def load_configuration(path: Path) -> Configuration:
    """The configuration in a file.

    Raises:
        InputError: If it cannot be read, or a key is unknown, missing or not allowed; the text names it.
    """
    return read_toml(path, Configuration)


def read_toml(path: Path, kind: type[_Part]) -> _Part:
    """What a TOML file of some kind holds.

    Raises:
        InputError: If it cannot be read, or a key is unknown, missing or not allowed; the text names it.
    """
    try:
        with path.open("rb") as file:
            held = file.read(MOST_BYTES + 1)
        given = tomllib.loads(held.decode("utf-8")) if len(held) <= MOST_BYTES else {}
        return kind.model_validate(given)
    except OSError:
        msg = f"{path} cannot be read: make a directory with `fedclaims-coordinator init`, or name it with --dir"
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in error.errors())
        msg = f"{path} needs mending: {faults}"
    except ValueError:
        msg = f"{path} is not valid TOML in UTF-8"
    raise InputError(msg)
