"""Ledgers for tests: small, with a clock that stands where it is put."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from client.ledger.ledger import CHAIN_FILE, Ledger
from client.ledger.release import Charge, ReleaseId
from client.ledger.spending import Limits
from common.accounting.guarantee import Neighbouring, Unit

PLAN, OTHER_PLAN = "aa" * 32, "bb" * 32
QUESTION = "cc" * 32
NOON = 1_700_000_000
UNLIMITED = Limits(release=10**15, session=10**15, data_version=10**15, year=10**15, releases_per_day=10**9)


@dataclass
class Clock:
    """Says what it was told."""

    now: int = NOON

    def __call__(self) -> int:
        return self.now


def release(number: int = 1, *, session: int = 1, plan: str = PLAN, question: str = QUESTION) -> ReleaseId:
    return ReleaseId(session=session.to_bytes(16, "big"), fingerprint=plan, round=number, question=question)


def charge(rho: int = 5, *, unit: Unit = Unit.PERSON, data_version: str = "2024") -> Charge:
    return Charge(rho=rho, unit=unit, neighbouring=Neighbouring.ADD_OR_REMOVE_ONE, data_version=data_version)


def new_ledger(directory: Path, clock: Clock | None = None, passphrase: bytes | None = None) -> Ledger:
    clock = clock or Clock()
    Ledger.create(directory, clock=clock, passphrase=passphrase)
    return Ledger.open(directory, clock=clock, passphrase=passphrase)


def reopened(ledger: Ledger, directory: Path) -> Ledger:
    ledger.close()
    return Ledger.open(directory, clock=Clock())


def filled(directory: Path) -> bytes:
    """A closed ledger with two releases, one of them kept; what lies in its chain file."""
    with new_ledger(directory) as ledger:
        ledger.reserve(release(1), charge(), UNLIMITED).persist(b"noised vector")
        ledger.reserve(release(2), charge(), UNLIMITED)
    return (directory / CHAIN_FILE).read_bytes()
