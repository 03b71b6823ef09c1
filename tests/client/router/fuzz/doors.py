"""Every way into the router: what comes in, the errors that are documented, and what must hold of whatever goes out."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import grpc

from client.claims.sources.several import SeveralFiles
from client.router.router import Router
from client.router.routing import RouteReport, route
from client.router.serving import schema
from client.router.serving.process import decides
from client.router.serving.reading import UnreadableClaimError, read_claim
from client.router.serving.service import RouterService
from common.errors import InputError
from tests.client.router.fuzz import claims, frames, tables
from tests.common.fuzzing import Check, Decoder, insist

DECISION_ID = re.compile(r"[0-9a-f]{32}")
REFUSALS = {grpc.StatusCode.INVALID_ARGUMENT}
"""What the service may say of a request that somebody made up; there is room, and the disk is fine."""


class RefusedCallError(Exception):
    """The service ended a call; the text is what it said."""


@dataclass
class Call:
    """The other side of one call: all that the service asks of it, and what it was told."""

    code: grpc.StatusCode | None = None
    details: str = ""

    def set_code(self, code: grpc.StatusCode) -> None:
        self.code = code

    def set_details(self, details: str) -> None:
        self.details = details

    def is_active(self) -> bool:
        return self.code is None

    def add_callback(self, _: object) -> bool:
        return self.is_active()

    def time_remaining(self) -> None:
        return None


@dataclass(frozen=True)
class _Named:
    """Which method is called."""

    method: str
    invocation_metadata: tuple[tuple[str, str], ...] = ()


@dataclass(kw_only=True)
class Doors:
    """The ways into one router.

    Attributes:
        router: Open.
        service: Before it.
        directory: For files.
        reports: Of the files that were routed.
        said: How often each text was said.
    """

    router: Router
    service: RouterService
    directory: Path
    reports: list[RouteReport] = field(default_factory=list)
    said: Counter[str] = field(default_factory=Counter)

    def decoders(self) -> tuple[Decoder, ...]:
        """All ways in."""
        refused, called = (UnreadableClaimError,), (RefusedCallError,)
        alone, together = frames.seeds_alone(), frames.seeds_together()
        ways: tuple[tuple[str, Check, Any, Any, Any, int], ...] = (
            ("claim", self._claim, refused, claims.seeds(), claims.change, 820),
            ("message", self._decide, called, alone, frames.change, 30),
            ("batch", self._batch, called, together, frames.change, 20),
            ("stream", self._stream, called, together, frames.change, 8),
            ("csv", partial(self._file, "claims.csv"), (InputError,), tables.seeds_csv(), tables.change_csv, 1),
            (
                "parquet",
                partial(self._file, "claims.parquet"),
                (InputError,),
                tables.seeds_parquet(),
                tables.change_parquet,
                1,
            ),
        )
        return tuple(
            Decoder(name=name, check=self._quiet(check), refusals=refusals, seeds=seeds, change=change, share=share)
            for name, check, refusals, seeds, change, share in ways
        )

    def _quiet(self, check: Check) -> Check:
        """A check that also reads what an error says, and those behind it."""

        def checked(held: bytes) -> None:
            try:
                check(held)
            except Exception as error:
                insist_quiet(str(error))
                self.said[f"{type(error).__name__}: {error}"] += 1
                raise

        return checked

    def _claim(self, held: bytes) -> None:
        """With other names of its fields it may be read as another class; its values are what counts."""
        found = read_claim(held)
        again = read_claim(found.model_dump_json(exclude_defaults=True).encode())
        insist(dict(again) == dict(found), "a claim is not itself again")

    def _decide(self, held: bytes) -> None:
        insist_decided(schema.Decision.FromString(self.answered("Decide", held)))

    def _batch(self, held: bytes) -> None:
        found = schema.DecideBatchReply.FromString(self.answered("DecideBatch", held))
        n_asked = len(schema.DecideBatchRequest.FromString(held).claims)
        insist(len(found.decisions) == n_asked, "a batch has another number of answers")
        for one in found.decisions:
            insist_decided(one)

    def _stream(self, held: bytes) -> None:
        """The claims of a batch one by one, and then the batch itself as if it were one."""
        asked = [frames.alone(one) for one in frames.claims_in(held)] + [held]
        call = Call()
        answers = list(self._method("DecideStream").stream_stream(iter(asked), call))
        insist(len(answers) == len(asked), "a stream has another number of answers")
        for one in answers:
            insist_decided(schema.Decision.FromString(one))

    def answered(self, name: str, held: bytes) -> bytes:
        """What a method of one message gives for some bytes."""
        call = Call()
        answer = self._method(name).unary_unary(held, call)
        if call.code is not None:
            insist(call.code in REFUSALS, f"the service said {call.code.name}")
            raise RefusedCallError(call.details)
        return bytes(answer)

    def _method(self, name: str) -> Any:
        return self.service.handlers().service(_Named(f"/{schema.SERVICE}/{name}"))

    def _file(self, name: str, held: bytes) -> None:
        """Every row is told of, and every claim has its line."""
        source, out = self.directory / name, self.directory / "out.csv"
        source.write_bytes(held)
        out.unlink(missing_ok=True)
        report = route(self.router, self.router.desk.ingest(SeveralFiles([source])), out)
        self.reports.append(report)
        told = report.ingest
        insist(told.seen == told.accepted + sum(told.rejected.values()) + told.netted, "rows are missing")
        with out.open(encoding="utf-8", newline="") as file:
            n_lines = sum(1 for _ in csv.reader(file)) - 1
        insist(sum(report.lanes.values()) == n_lines == told.accepted, "claims are undecided")


def insist_quiet(text: str) -> None:
    """Nothing private is said."""
    insist(claims.CANARY not in text.upper() and claims.NUMBER not in text, "a value was told")


def insist_decided(one: Any) -> None:
    """An answer is a decision, or a refusal that tells nothing."""
    insist_quiet(one.refusal)
    if one.refusal:
        insist(not one.lane and not one.decision_id and not one.record, "a refusal decides")
    else:
        insist(one.lane in range(1, 5) and DECISION_ID.fullmatch(one.decision_id) is not None, "an answer is none")


@contextmanager
def doors(router: Router, directory: Path) -> Iterator[Doors]:
    """The ways into an open router."""
    with decides(router, 1 << 14) as group:
        yield Doors(router=router, service=RouterService(group), directory=directory)
