"""Opening a coordinator's directory: its configuration and its registry."""

from __future__ import annotations

import time

from server.certificates.authority import Authority
from server.deployment.configuration import SQLITE, Configuration, load_configuration
from server.deployment.office import Office
from server.deployment.place import Place
from server.deployment.secrets_file import first_line
from server.registry.opening import Database, open_database
from server.registry.registry import Registry
from server.registry.schema import insist_current


def now() -> int:
    """Seconds since 1970."""
    return int(time.time())


def database_of(place: Place, configuration: Configuration) -> Database:
    """The registry's database; nothing is asked of it yet.

    Raises:
        InputError: If its address or password file cannot be used.
    """
    given = configuration.registry
    url = f"sqlite:///{place.registry.absolute()}" if given.url == SQLITE else given.url
    password = first_line(place.within(given.password_file)).decode() if given.password_file else None
    return open_database(url, password)


def authority_of(place: Place, configuration: Configuration) -> Authority:
    """The authority with its key, wherever that is kept.

    Raises:
        InputError: If the key is not there, or a file is damaged.
    """
    key = configuration.authority.key
    return Authority.open(place.authority, None if key is None else place.within(key))


def open_office(place: Place) -> Office:
    """Everything that a directory names.

    Raises:
        InputError: If the configuration needs mending.
        RegistryError: If the registry cannot be used, or is not of this software's version.
    """
    configuration = load_configuration(place.configuration)
    database = database_of(place, configuration)
    insist_current(database)
    return Office(place=place, configuration=configuration, registry=Registry(database), clock=now)
