"""Ways to deploy, from everything as Flower ships it to everything as a link and a coordinator run it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.latency_parts.stamps import Stamps, collected
from client.link.bundles import digest_of
from client.link.configuration import CourierKind, CourierPart
from client.link.programs import COURIER, SUPERNODE, programs_of
from simulations.flower.internals import bundle_of
from simulations.processes.rehearsal import SUPERLINK, Rehearsal, _Link, rehearsing

IDLE_S = 5.0
STOCK_POLL = "FLWR_SUPEREXEC_TASK_POLL_INTERVAL=1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How to deploy.

    Attributes:
        name: For people.
        server_app: Who waits for replies.
        stays: Whether couriers stay.
        hastened: Whether SuperNodes pause less.
        superlink: More options of the SuperLink.
    """

    name: str
    server_app: str = "own"
    stays: bool = True
    hastened: bool = True
    superlink: tuple[str, ...] = ()

    @property
    def components(self) -> dict[str, str]:
        """The app's."""
        return {
            "serverapp": f"benchmarks.latency_parts.server_app:{self.server_app}",
            "clientapp": "benchmarks.latency_parts.client_app:app",
        }


WAYS = (
    Way(name="all of Flower's own", server_app="stock", stays=False, hastened=False),
    Way(name="+ our own looks for replies", stays=False, hastened=False),
    Way(name="+ couriers that stay", hastened=False),
    Way(name="+ shorter pauses: the rehearsal"),
    Way(name="+ state in a database: a deployment", superlink=("--database", "superlink.db")),
)


@dataclass(slots=True, kw_only=True)
class Seen:
    """What was seen of one deployment.

    Attributes:
        waiting_cpu: Processors that its processes take while nothing is asked, by kind.
        cpu: Processors that all of it takes while the session lasts, with the stations.
        others: Processors that this machine's other work takes meanwhile.
        messages: When each passed where.
    """

    waiting_cpu: dict[str, float] = field(default_factory=dict)
    cpu: float = 0.0
    others: float = 0.0
    messages: list[Stamps] = field(default_factory=list)


@contextmanager
def deployed(way: Way, seen: Seen, directory: Path, n_bureaus: int) -> Iterator[Rehearsal]:
    """A deployment with the app in ``directory`` running; what was seen of it is complete afterwards."""
    with rehearsing(directory / "deployment") as rehearsal:
        _with_options(rehearsal, way.superlink)
        rehearsal.admit(directory / "exchange", n_bureaus, digest_of(bundle_of(directory / "app")))
        rehearsal.await_superlink()
        _start_links(rehearsal, way)
        rehearsal.await_supernodes()
        time.sleep(IDLE_S)  # imports and first connections
        seen.waiting_cpu = _waiting_cpu(rehearsal)
        ours, all_, began = _family_cpu(psutil.Process()), _machine_cpu(), time.perf_counter()
        rehearsal.run(directory / "app")
        yield rehearsal
        ours, all_ = _family_cpu(psutil.Process()) - ours, _machine_cpu() - all_
        seconds = time.perf_counter() - began
        seen.cpu, seen.others = ours / seconds, max(0.0, all_ - ours) / seconds
        seen.messages = collected(directory / "exchange")


def _with_options(rehearsal: Rehearsal, more: tuple[str, ...]) -> None:
    start = rehearsal.children.start
    rehearsal.children.start = lambda name, *words: start(name, *words, *more)  # type: ignore[method-assign]
    rehearsal.start_superlink()
    rehearsal.children.start = start  # type: ignore[method-assign]


def _start_links(rehearsal: Rehearsal, way: Way) -> None:
    for link in rehearsal._links:
        rehearsal.children.run({f"registration of {link.name}": rehearsal._registration(link.node_key)})
        if way.stays:
            _start(rehearsal, link, COURIER, _watched_courier(link))
        _start(rehearsal, link, SUPERNODE, _supernode(rehearsal, link, way))


def _start(rehearsal: Rehearsal, link: _Link, program: str, command: tuple[str, ...]) -> None:
    rehearsal.children.start(link.called(program), *command, home=link.place.home)


def _watched_courier(link: _Link) -> tuple[str, ...]:
    (program,) = (one for one in link.programs if one.name == COURIER)
    return tuple(word.replace("client.link.courier", "benchmarks.latency_parts.courier") for word in program.command)


def _supernode(rehearsal: Rehearsal, link: _Link, way: Way) -> tuple[str, ...]:
    """Its command; Flower's own takes the options behind ours."""
    kind = CourierPart(kind=CourierKind.OWN if way.stays else CourierKind.STOCK)
    configuration = link.configuration.model_copy(update={"courier": kind})
    command = programs_of(link.place, configuration, rehearsal.address)[0].command
    if way.hastened:
        return command
    return ("/usr/bin/env", STOCK_POLL, "flower-supernode", *command[command.index("--") + 1 :])


def _waiting_cpu(rehearsal: Rehearsal) -> dict[str, float]:
    """Processors by kind of process."""
    kinds = {SUPERLINK: "SuperLink", SUPERNODE: "SuperNodes", COURIER: "couriers"}
    before, began = _cpu(rehearsal), time.perf_counter()
    time.sleep(IDLE_S)
    after, seconds = _cpu(rehearsal), time.perf_counter() - began
    return {
        kind: sum(used - before.get(name, used) for name, used in after.items() if name.startswith(word)) / seconds
        for word, kind in kinds.items()
    }


def _cpu(rehearsal: Rehearsal) -> dict[str, float]:
    return {name: _family_cpu(psutil.Process(child.pid)) for name, child in rehearsal.children._started.items()}


def _family_cpu(process: psutil.Process) -> float:
    """Of a process and all below it, those that have ended included."""
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return sum(one.user + one.system + one.children_user + one.children_system for one in times)


def _machine_cpu() -> float:
    found = psutil.cpu_times()
    return float(sum(found) - found.idle - found.iowait - found.guest - found.guest_nice)
