"""How fast batches become durable decisions, by how many the store holds already: one by one, and one beside the next.

Everything counts but ingest: what was asked, rules, records, compression, the database, its syncs. Processor time is
that of all threads; it is steadier on a shared machine than the clock's.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.pairing import options, show_heading, show_machine, show_row
from benchmarks.routing_speed import ready_bench, world
from client.router.bench import Bench
from client.router.claims import RoutedClaims
from client.router.desk import Desk
from client.router.place import begin_router
from client.router.router import Router, now
from client.router.routing import AT_ONCE

CLAIMS, TURNS = 98_304, 3
BEFORE = 2_000
"""Claims that warm everything up."""

Deciding = Callable[[Router, list[RoutedClaims]], object]

WAYS: dict[str, Deciding] = {
    "one by one": lambda router, batches: [router.decide(claims) for claims in batches],
    "one beside the next": lambda router, batches: [None for _ in router.decide_all(batches)],
}


def main(arguments: list[str] | None = None) -> None:
    """Print a table."""
    chosen = _parser().parse_args(arguments)
    n_claims, turns = (16_384, 1) if chosen.quick else (CLAIMS, TURNS)
    show_machine("fedclaims", "numpy", "numba", "pyarrow", "sqlalchemy")
    claims, model = world(n_claims)
    bench = ready_bench(claims, model)
    with tempfile.TemporaryDirectory(dir=chosen.directory) as held:
        homes = {name: _begun(Path(held) / name.replace(" ", "-")) for name in WAYS}
        _through(bench, homes, _batches(claims.select(np.arange(BEFORE)), 0))
        show_heading(["decisions in the store", "batches", "claims/s by the clock", "by processor time", "us a claim"])
        for turn in range(1, turns + 1):
            for name, spent in _through(bench, homes, _batches(claims, turn)).items():
                clock, processor = n_claims / spent.clock, n_claims / spent.processor
                show_row([BEFORE + (turn - 1) * n_claims, name, clock, processor, 1e6 / processor])


def _parser() -> argparse.ArgumentParser:
    parser = options(__doc__)
    parser.add_argument("--directory", type=Path, help="on the disk to measure; the system's temporary one if none")
    return parser


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spent:
    clock: float
    processor: float


class _Fixed(Router):
    """A router whose bench is given, not read from a shelf."""

    given: Bench

    def _benches(self) -> tuple[Bench, Bench | None]:
        return self.given, None


def _through(bench: Bench, homes: dict[str, Path], batches: list[RoutedClaims]) -> dict[str, _Spent]:
    _Fixed.given = bench
    found = {}
    for name, home in homes.items():
        with Desk.open(home) as desk, _Fixed(desk, desk.registers(), now) as router:
            found[name] = _spent(WAYS[name], router, batches)
    return found


def _spent(way: Deciding, router: Router, batches: list[RoutedClaims]) -> _Spent:
    clock, processor = time.perf_counter(), time.process_time()
    way(router, batches)
    return _Spent(clock=time.perf_counter() - clock, processor=time.process_time() - processor)


def _begun(home: Path) -> Path:
    begin_router(home)
    return home


def _batches(claims: RoutedClaims, turn: int) -> list[RoutedClaims]:
    """With keys and persons of their own in every turn: otherwise every claim would repeat an earlier one."""
    table = replace(claims.table, person_id=claims.table.person_id ^ np.uint64(turn << 32))
    named = replace(claims, table=table, claim_keys=tuple(f"{turn}-{key}" for key in claims.claim_keys))
    return [named.select(np.arange(start, min(start + AT_ONCE, len(named)))) for start in range(0, len(named), AT_ONCE)]


if __name__ == "__main__":
    main()
