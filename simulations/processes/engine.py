"""The engine of processes: stations answer in this process, everything else is a deployment on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from client.link.bundles import digest_of
from common.errors import EngineError
from common.plan import Plan
from server.session import RoundReport, SessionReport
from simulations.conducting import Record, unrecorded
from simulations.flower.internals import bundle_of
from simulations.flower.ordering import Way, insist_on_cohort, run_ordered
from simulations.loopback import Answer
from simulations.processes.children import PortTakenError
from simulations.processes.rehearsal import Rehearsal, rehearsing

NODES_S = 120.0
REPLIES_S = 600.0
ATTEMPTS = 3
"""At finding ports that are still free when they are used."""

COMPONENTS = {"serverapp": "simulations.processes.server_app:app", "clientapp": "client.courier:app"}
ADVICE = "a SuperNode was not let in, or is gone; start the run again"


def run_over_processes(
    stations: Mapping[str, Answer],
    plan: Plan,
    *,
    on_round: Callable[[RoundReport], None] = lambda _: None,
    record: Record = unrecorded,
    replies_s: float = REPLIES_S,
) -> SessionReport:
    """Run a session over a SuperLink, SuperNodes and couriers, each in a process of its own.

    Guarantees:
        * All stations are there at the start, or the session fails.
        * The programs and their options are those of a real deployment: TLS, client certificates, authenticated nodes,
          couriers that run installed code alone and serve one bundle.
        * Afterwards, however it ends, no process and no file of the run is left.

    Args:
        stations: What each bureau's station answers, by the bureau's name.
        plan: Of the run.
        on_round: Called after each round, for progress.
        record: Takes the transcript of masked sums, once the session has ended.
        replies_s: How long to wait for the replies to a request.

    Raises:
        CohortError: If there are fewer stations than the plan needs.
        EngineError: If a process does not start, or ends too early.
        FedclaimsError: What the session itself failed with.
    """
    insist_on_cohort(len(stations), plan)
    way = Way(components=COMPONENTS, begun=_deployed, nodes_s=NODES_S, advice=ADVICE)
    return run_ordered(way, stations, plan, on_round=on_round, record=record, replies_s=replies_s)


@contextmanager
def _deployed(directory: Path, n_bureaus: int) -> Iterator[Rehearsal]:
    """A deployment with the app running; begun anew if a port was taken before it was used."""
    bundle = digest_of(bundle_of(directory / "app"))
    for attempt in range(ATTEMPTS):
        with rehearsing(directory / f"{attempt}") as rehearsal:
            try:
                rehearsal.start_superlink()
                rehearsal.admit(directory / "exchange", n_bureaus, bundle)
                rehearsal.start_couriers()
                rehearsal.await_superlink()
                rehearsal.start_supernodes()
                rehearsal.await_supernodes()
            except PortTakenError:
                continue
            rehearsal.run(directory / "app")
            yield rehearsal
            return
    msg = f"the ports chosen were taken by others {ATTEMPTS} times in a row: start the run again"
    raise EngineError(msg)
