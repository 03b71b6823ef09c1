"""A router's desk: its directory, its configuration, its store and its shelf of models, opened together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy.engine import URL

from client.claims.ingest import Ingest
from client.claims.mapping import ClaimMapping, load_mapping, ready_made
from client.claims.sources.several import SeveralFiles
from client.claims.sources.source import ClaimSource
from client.identity.membership import Membership
from client.ledger.durable import read_private
from client.router.belonging import Belongings
from client.router.bench import Bench, lot_of, set_up
from client.router.configuration import RouterConfiguration, StorePart, load_router_configuration
from client.router.deciding.policy import RouterPolicy
from client.router.known import insist_persons_known, read_registers
from client.router.models.shelf import Held, ModelShelf, Trust
from client.router.place import RouterPlace
from client.router.registers import Registers
from client.router.rules.history import DEFAULT_DAYS
from client.router.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every command of a router begins with. Close it after use.

    Attributes:
        place: The directory.
        configuration: ``service.toml``.
        store: Open.
        shelf: The models.
        key: Of the pseudonyms.
        history_days: For how long rules remember a claim.
    """

    place: RouterPlace
    configuration: RouterConfiguration
    store: Store
    shelf: ModelShelf
    key: bytes
    history_days: int = DEFAULT_DAYS

    @classmethod
    def open(cls, root: Path) -> Self:
        """The desk of a directory.

        Raises:
            InputError: If something needs mending.
            StoreError: If the store cannot be opened.
        """
        place = RouterPlace(root)
        configuration = load_router_configuration(place.configuration)
        key = place.read_pseudonym_key()
        store = Store.open(_address(place, configuration.store))
        return cls(place=place, configuration=configuration, store=store, shelf=ModelShelf(place.models), key=key)

    def policy(self) -> RouterPolicy:
        """As it stands in its file now."""
        return self.place.read_policy()

    def registers(self) -> Registers:
        """As they stand in their files now.

        Raises:
            InputError: If one cannot be read, or nobody could be found in one of persons.
        """
        insist_persons_known(self.configuration.registers, self.mapping)
        return read_registers(self.place, self.configuration.registers, self.key)

    def trust(self, now: int) -> Trust:
        """Whom the bureau believes about models: the roster that counts now.

        Raises:
            RosterError: If none does.
        """
        models = self.configuration.models
        roster = Membership(self.place.within(models.consortium)).roster(now)
        return Trust(roster=roster, roles=frozenset(models.roles))

    def bench(self, version: int, now: int) -> Bench:
        """What a version of the model decides with."""
        return self.bench_of(self.shelf.held(version), now)

    def bench_of(self, held: Held, now: int) -> Bench:
        """What a model decides with."""
        belongings = Belongings(store=self.store.artefacts, refused=self.shelf.standing().refused_versions)
        return set_up(held, self.policy(), belongings, lot_of(self.key), now)

    def mapping(self) -> ClaimMapping:
        """What the columns of claims mean."""
        name = self.configuration.claims.mapping
        return load_mapping(name if name in ready_made() else self.place.within(Path(name)))

    def ingest(self, source: ClaimSource, rejects: Path | None = None) -> Ingest:
        """Claims of a source under the bureau's mapping, with the particulars that the router needs."""
        return Ingest(source, self.mapping(), pseudonym_key=self.key, rejects_path=rejects, particulars=True)

    def canaries(self) -> ClaimSource | None:
        """The claims by which new models are judged; None if none are named."""
        path = self.configuration.claims.canaries
        return None if path is None else SeveralFiles([self.place.within(path)])

    def close(self) -> None:
        """Hang up."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _address(place: RouterPlace, part: StorePart) -> URL:
    address = part.address()
    if address.get_backend_name() == "sqlite" and address.database:
        return address.set(database=str(place.within(Path(address.database))))
    if part.password_file is None:
        return address
    held = read_private(place.within(part.password_file)).partition(b"\n")[0]
    return address.set(password=held.strip().decode("utf-8", "replace"))
