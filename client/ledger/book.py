"""What follows from the entries: which release was paid for, which one is kept, and what was spent."""

from __future__ import annotations

from client.ledger.entry import Entry, Marked, Opened, Persisted, Reserved
from client.ledger.spending import Spending, Spent


class Book:
    """Entries, indexed.

    Guarantees:
        * At most one charge for a session, plan and round; at most one vector for a charge; one mark in a place.
    """

    def __init__(self) -> None:
        """Blank."""
        self.entries: list[Entry] = []
        self.spending = Spending()
        self.kept: dict[int, Persisted] = {}
        self.marks: dict[str, str] = {}
        self._paid: dict[tuple[str, str, int], Reserved] = {}

    def paid(self, place: tuple[str, str, int]) -> Reserved | None:
        """The charge for a session, plan and round, if there is one."""
        return self._paid.get(place)

    @property
    def charges(self) -> tuple[Reserved, ...]:
        """All charges, in order."""
        return tuple(self._paid.values())

    def admit(self, entry: Entry) -> None:
        """Enter one more.

        Raises:
            ValueError: If it contradicts the entries before; the text says how.
        """
        if isinstance(entry, Opened) != (not self.entries):
            raise ValueError("a ledger is opened once, by its first entry")
        if self.entries and entry.time < self.entries[-1].time:
            raise ValueError("it is older than the entry before it")
        if isinstance(entry, Reserved):
            self._admit_charge(entry)
        if isinstance(entry, Persisted):
            self._admit_vector(entry)
        if isinstance(entry, Marked):
            self._admit_mark(entry)
        self.entries.append(entry)

    def _admit_mark(self, entry: Marked) -> None:
        if entry.place in self.marks:
            raise ValueError("it marks a place a second time")
        self.marks[entry.place] = entry.value

    def _admit_charge(self, entry: Reserved) -> None:
        if entry.place in self._paid:
            raise ValueError("it charges a release a second time")
        self._paid[entry.place] = entry
        self.spending.add(spent_of(entry))

    def _admit_vector(self, entry: Persisted) -> None:
        known = entry.reservation < len(self.entries) and isinstance(self.entries[entry.reservation], Reserved)
        if not known or entry.reservation in self.kept:
            raise ValueError("it keeps a vector that nothing paid for, or a second one")
        self.kept[entry.reservation] = entry


def spent_of(charge: Reserved) -> Spent:
    """A charge, as it is added up."""
    return Spent(
        time=charge.time,
        rho=charge.rho,
        session=charge.session,
        data_version=charge.data_version,
        cap=None if charge.window is None else charge.window.cap,
    )
