"""The exchange: a private directory through which the processes of one simulated run meet.

It holds the order (what to run), a file for each closed round, and the outcome; files appear whole or not at all.
The sockets of the stations are there, too (``simulations.flower.hosting``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from common.errors import EngineError, FedclaimsError
from common.plan import Plan
from common.replay.transcript import TranscriptWriter, messages_in
from server.session import RoundReport, SessionReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to run.

    Attributes:
        plan: In canonical form.
        names: Of the bureaus, sorted; as many nodes are waited for, no fewer will do.
        nodes_s: How long to wait for them.
        replies_s: How long to wait for the replies to a request.
        advice: What to do if there are more or fewer nodes; empty for Flower's simulation.
    """

    plan: str
    names: tuple[str, ...]
    nodes_s: float
    replies_s: float
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    error: str
    text: str


TRANSCRIPT = "transcript.bin"

_ORDER = TypeAdapter(Order)
_ROUND = TypeAdapter(RoundReport)
_REPORT = TypeAdapter(SessionReport)
_FAILURE = TypeAdapter(_Failure)


class Exchange:
    """One run's directory."""

    def __init__(self, directory: Path) -> None:
        """Meet in ``directory``, which must exist."""
        self.directory = directory

    def put_order(self, plan: Plan, names: Iterable[str], nodes_s: float, replies_s: float, advice: str = "") -> None:
        """Say what to run."""
        order = Order(
            plan=plan.canonical().decode(),
            names=tuple(sorted(names)),
            nodes_s=nodes_s,
            replies_s=replies_s,
            advice=advice,
        )
        self._put("order", _ORDER.dump_json(order))

    def order(self) -> Order:
        """What to run.

        Raises:
            EngineError: If there is no order.
        """
        held = self._get("order")
        if held is None:
            msg = "this run's directory is gone: start the simulation again"
            raise EngineError(msg)
        return _ORDER.validate_json(held)

    def put_round(self, report: RoundReport) -> None:
        """Say that a round was closed."""
        self._put(f"round-{report.number}", _ROUND.dump_json(report))

    def round(self, number: int) -> RoundReport | None:
        """A closed round, or None if it is not."""
        held = self._get(f"round-{number}")
        return None if held is None else _ROUND.validate_json(held)

    def put_report(self, report: SessionReport) -> None:
        """Say that the session has ended well."""
        self._put("report", _REPORT.dump_json(report))

    @contextmanager
    def recording(self) -> Iterator[Callable[[bytes], None]]:
        """Takes the transcript of masked sums, message by message, into a file."""
        with (self.directory / TRANSCRIPT).open("wb") as file:
            writer = TranscriptWriter(file.write)
            yield writer.record
            writer.close()

    def transcript(self) -> Iterator[bytes]:
        """The recorded messages, once the session has ended.

        Raises:
            ReplayError: If the record was cut.
        """
        with (self.directory / TRANSCRIPT).open("rb") as file:
            yield from messages_in(file.read)

    def put_failure(self, error: FedclaimsError) -> None:
        """Say that the session has failed."""
        self._put("failure", _FAILURE.dump_json(_Failure(error=type(error).__name__, text=str(error))))

    def outcome(self) -> SessionReport | None:
        """The session's report, or None while it runs.

        Raises:
            FedclaimsError: What the session failed with.
            EngineError: If what was written cannot be read.
        """
        failure, report = self._get("failure"), self._get("report")
        try:
            if failure is not None:
                raise _revived(_FAILURE.validate_json(failure))
            return None if report is None else _REPORT.validate_json(report)
        except ValidationError as error:
            msg = "the session's report cannot be read: both sides must run the same version"
            raise EngineError(msg) from error

    def _put(self, name: str, held: bytes) -> None:
        part = self.directory / f"{name}.part"
        part.write_bytes(held)
        part.replace(self.directory / f"{name}.json")

    def _get(self, name: str) -> bytes | None:
        try:
            return (self.directory / f"{name}.json").read_bytes()
        except FileNotFoundError:
            return None


def _revived(failure: _Failure) -> FedclaimsError:
    """The error of a failure, of its own class."""
    return _classes(FedclaimsError).get(failure.error, EngineError)(failure.text)


def _classes(root: type[FedclaimsError]) -> dict[str, type[FedclaimsError]]:
    """An error class and all below it, by name."""
    found = {root.__name__: root}
    for below in root.__subclasses__():
        found |= _classes(below)
    return found
