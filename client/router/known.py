"""Registers from files: CSV with a header; person keys become pseudonyms as soon as they are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from client.claims.mapping import ClaimMapping
from client.claims.parsing.dates import MICROSECONDS_A_DAY, parse_dates
from client.claims.parsing.keys import parse_keys
from client.claims.parsing.numbers import parse_whole
from client.claims.parsing.parsed import Parsed
from client.claims.pseudonym import Pseudonymiser
from client.claims.sources.opening import open_source
from client.router.configuration import RegistersPart
from client.router.place import RouterPlace
from client.router.registers import Deaths, DrugItems, Registers, drug_items
from common.errors import InputError

MOST_SUPPLIED_DAYS = 3_660
OF_PERSONS = ("opted_out", "deaths")
"""Registers in which the insured person of a claim is looked up."""

Names = list[str]
Persons = Callable[[Sequence[str]], npt.NDArray[np.uint64]]


def read_registers(place: RouterPlace, part: RegistersPart, pseudonym_key: bytes) -> Registers:
    """The registers that a configuration names.

    Raises:
        InputError: If a file cannot be read, a column is missing, or a day or a number is none.
    """
    pseudonymiser = Pseudonymiser(pseudonym_key)

    def persons(names: Sequence[str]) -> npt.NDArray[np.uint64]:
        return pseudonymiser.person_ids(name.encode() for name in names)

    files = {name: place.within(path) for name, path in part if path is not None}
    return Registers(
        deaths=_deaths(files["deaths"], persons) if "deaths" in files else None,
        requested_operations=_requested(files["requested_operations"]) if "requested_operations" in files else None,
        drug_items=_drugs(files["drug_items"], persons) if "drug_items" in files else None,
        opted_out=_opted_out(files["opted_out"], persons) if "opted_out" in files else None,
    )


def insist_persons_known(part: RegistersPart, read_mapping: Callable[[], ClaimMapping]) -> None:
    """Nothing, if whoever stands in a register of persons can be found among the bureau's claims.

    Args:
        part: Which registers are named.
        read_mapping: Gives the mapping of the claims; asked only if a register of persons is named.

    Raises:
        InputError: If one is named, and the mapping has no single column for the insured person.
    """
    named = [name for name in OF_PERSONS if getattr(part, name) is not None]
    if not named:
        return
    mapping = read_mapping()
    if mapping.person_key == "each_claim" or len(mapping.person_key) > 1:
        msg = (
            f"service.toml names {' and '.join(named)}, but mapping {mapping.name} has no single column for the insured"
            " person, so that nobody would be found in it: give person_key in the mapping one column that holds what"
            " the register calls psn_key, or take the register out of service.toml"
        )
        raise InputError(msg)


class _Table:
    """Columns of a register's file."""

    def __init__(self, path: Path, *names: str) -> None:
        source = open_source(path)
        if missing := set(names) - set(source.schema_names):
            msg = f"the register {path.name} has no column {', '.join(sorted(missing))}"
            raise InputError(msg)
        self._path = path
        self._batches = list(source.batches(names))

    def texts(self, name: str) -> Names:
        """One text a line, without blanks around."""
        return [str(held or "").strip() for batch in self._batches for held in batch.column(name).to_pylist()]

    def keys(self, name: str) -> Names:
        """One key a line, spelled as those of claims."""
        parsed = [parse_keys([batch.column(name)]) for batch in self._batches]
        if any(one.missing.any() for one in parsed):
            raise self._unreadable(name)
        return [key for one in parsed for key in one.text.to_pylist()]

    def days(self, name: str) -> npt.NDArray[np.int64]:
        """Days since 1970."""
        return self._numbers(name, [parse_dates(batch.column(name)) for batch in self._batches]) // MICROSECONDS_A_DAY

    def whole(self, name: str, most: int) -> npt.NDArray[np.int64]:
        """Whole numbers from 0 to ``most``."""
        return self._numbers(name, [parse_whole(batch.column(name), most=most) for batch in self._batches])

    def _numbers(self, name: str, parsed: list[Parsed]) -> npt.NDArray[np.int64]:
        if any(one.missing.any() or one.faults for one in parsed):
            raise self._unreadable(name)
        return np.concatenate([np.empty(0, np.int64), *(one.values for one in parsed)])

    def _unreadable(self, name: str) -> InputError:
        return InputError(f"column {name} of the register {self._path.name} has lines that cannot be read: mend them")


def _opted_out(path: Path, persons: Persons) -> npt.NDArray[np.uint64]:
    return np.unique(persons(_Table(path, "psn_key").keys("psn_key")))


def _deaths(path: Path, persons: Persons) -> Deaths:
    """Of several days for one person the last one counts: the register then stops nothing that may be right."""
    table = _Table(path, "psn_key", "day")
    who, days = persons(table.keys("psn_key")), table.days("day")
    order = np.lexsort((days, who))
    last = np.append(np.diff(who[order]) != 0, np.ones(min(len(who), 1), np.bool_))
    return Deaths(person_id=who[order][last], day=days[order][last])


def _requested(path: Path) -> dict[str, frozenset[str]]:
    table = _Table(path, "claim_key", "oprn_oprt_code")
    found: dict[str, set[str]] = {}
    for key, code in zip(table.keys("claim_key"), table.texts("oprn_oprt_code"), strict=True):
        found.setdefault(key, set()).add(code)
    return {key: frozenset(codes) for key, codes in found.items()}


def _drugs(path: Path, persons: Persons) -> DrugItems:
    table = _Table(path, "psn_key", "claim_key", "code", "day", "days_supplied")
    return drug_items(
        person_ids=persons(table.keys("psn_key")),
        claim_keys=table.keys("claim_key"),
        codes=table.texts("code"),
        days=table.days("day"),
        days_supplied=table.whole("days_supplied", MOST_SUPPLIED_DAYS),
    )
