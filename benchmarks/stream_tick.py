"""One tick of a stream: what the slowest bureau and the coordinator compute, with masks, over loopback, in turn."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

from benchmarks.pairing import options, show_heading, show_machine, show_row
from simulations.stream.options import parser, stream_of
from simulations.stream.ticking import StreamRun

COHORTS = (5, 10, 31)
FIRST_DAY_HOURS = 14
CLAIMS_PER_HOUR = "20000"
"""About 5,000 claims in a quarter of an hour of a working morning's mean."""


def main(arguments: list[str] | None = None) -> None:
    """Print one table: medians and the slowest over the ticks that published a model by one round."""
    chosen = options(__doc__).parse_args(arguments)
    show_machine("fedclaims", "numpy")
    show_heading(["bureaus", "ticks", "claims", "bureau, s", "slowest bureau, s", "coordinator, s", "slowest, s"])
    for n_bureaus in COHORTS[:1] if chosen.quick else COHORTS:
        asked = ["--bureaus", str(n_bureaus), "--claims-per-hour", CLAIMS_PER_HOUR, "--days", "1", "--scene", "quiet"]
        run = stream_of(parser().parse_args(asked))
        world = replace(run.world, hours=FIRST_DAY_HOURS)
        ticks = [tick for tick, _ in StreamRun(world=world, terms=replace(run.terms, n_threads=1)).ticks()]
        ticks = [tick for tick in ticks if tick.answered][2:]
        stations, coordinators = [one.station_s for one in ticks], [one.coordinator_s for one in ticks]
        claims = round(median(one.n_claims for one in ticks))
        cells = [median(stations), max(stations), median(coordinators), max(coordinators)]
        show_row([n_bureaus, len(ticks), claims, *cells])


if __name__ == "__main__":
    main()
