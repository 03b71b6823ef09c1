"""What a bureau of an arriving world receives, as the claims that features, rules and router take."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from client.claims.ingest import Ingest
from client.claims.mapping import ClaimMapping, load_mapping
from client.router.claims import RoutedClaims
from client.router.files import routed
from client.router.registers import Registers
from simulations.bureaus import WORLD_MAPPING, pseudonym_key
from simulations.world.arriving import ArrivingBureau


def receive(bureau: ArrivingBureau, opens: int, closes: int) -> Iterator[RoutedClaims]:
    """The claims of a window, in the order of arrival, a batch for each hour in which some arrive.

    Guarantees:
        * ``settled`` is the second of arrival.
        * A person has the same pseudonym in every window.

    Raises:
        ValueError: If that is no time of this world.
    """
    key = pseudonym_key(bureau.name, bureau.world.seed)
    registers = Registers()
    for found in Ingest(bureau.received(opens, closes), _mapping(), pseudonym_key=key, particulars=True):
        yield routed(found, registers)


@cache
def _mapping() -> ClaimMapping:
    return load_mapping(WORLD_MAPPING)
