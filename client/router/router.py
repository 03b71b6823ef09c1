"""The router: claims in, durable decisions out. The Python call, and what the commands and the service stand on.

with Router.open(Path("router")) as router:
    answers = router.decide(claims)
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from client.router.bench import Bench
from client.router.claims import SECONDS_A_DAY, RoutedClaims
from client.router.deciding.decisions import Decisions
from client.router.deciding.lanes import reasons_of
from client.router.deciding.weighing import NO_STEP
from client.router.desk import Desk
from client.router.due import Due
from client.router.memories import Piece, events_in
from client.router.registers import Registers
from client.router.rules.evaluate import not_run
from client.router.rules.event import events_of
from client.router.rules.history import History
from client.router.store.asking import asked_ids
from client.router.store.decisions import Kept, Memory, New, Shadowed
from common.columns import MISSING, CodeColumn
from common.errors import InputError

Clock = Callable[[], int]


def now() -> int:
    """Unix seconds."""
    return int(time.time())


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What was decided about ``n`` claims, all of it on the disk.

    Attributes:
        decision_ids: One a claim.
        lanes: Likewise.
        confidences: float64 ``(n,)``; NaN without a calibration.
        reasons: What decided first, then what else applies; with commas between.
        fresh: bool ``(n,)``; False where the same question was answered before.
        records: In their one spelling.
    """

    decision_ids: Sequence[str]
    lanes: Sequence[str]
    confidences: npt.NDArray[np.float64]
    reasons: Sequence[str]
    fresh: npt.NDArray[np.bool_]
    records: Sequence[bytes]


class Router:
    """Decides about claims, durably.

    Guarantees:
        * An answer is given after its decision is on the disk, with what the rules must remember of the claim.
        * The same claim key with the same content gets the decision it got before, also after a crash.
        * What is decided together is decided under one model, one policy and one calibration.
        * A shadow changes no decision.
        * One process decides in a directory; within it, threads take turns.
    """

    def __init__(self, desk: Desk, registers: Registers, clock: Clock) -> None:
        """Use an open desk; ``Router.open`` does all of it.

        Raises:
            InputError: If no model was accepted, or something else needs mending.
        """
        self._desk, self._registers, self._clock = desk, registers, clock
        self._turn = threading.Lock()
        self._closing = ExitStack()
        self._bench, self._shadow = self._benches()
        pieces = [Piece.from_bytes(held) for held in desk.store.decisions.memories(self._today() - desk.history_days)]
        self._history = History.of(events_in(pieces), desk.history_days)
        self._tidied = self._today()

    @classmethod
    def open(cls, root: Path, clock: Clock = now) -> Self:
        """The router of a directory; close it after use.

        Raises:
            InputError: If something needs mending; the text says what.
            EngineError: If another process decides in it, or the store cannot be opened.
        """
        with ExitStack() as opened:
            desk = opened.enter_context(Desk.open(root))
            opened.enter_context(desk.place.alone())
            router = cls(desk, desk.registers(), clock)
            router._closing = opened.pop_all()
        return router

    @property
    def desk(self) -> Desk:
        """Its directory and its store."""
        return self._desk

    @property
    def registers(self) -> Registers:
        """What the bureau knows besides claims."""
        return self._registers

    @property
    def bench(self) -> Bench:
        """What it decides with now."""
        return self._bench

    def idle_rules(self) -> tuple[tuple[str, str], ...]:
        """Rules that do not run, and the register each of them misses."""
        return not_run(self._bench.rules, self._registers)

    def swap(self) -> None:
        """Take up model, policy, cards and calibration as they are now; what is being decided is finished first.

        Raises:
            FedclaimsError: If they cannot be used; the router goes on with what it had.
        """
        bench, shadow = self._benches()
        registers = self._desk.registers()
        with self._turn:
            self._bench, self._shadow, self._registers = bench, shadow, registers

    def decide(self, claims: RoutedClaims) -> Answers:
        """Decide about some claims, and answer when the decisions are on the disk.

        Raises:
            StoreError: If they could not be kept: then nothing is decided.
        """
        if not len(claims):
            return _answers([], {}, np.zeros(0, np.bool_))
        asked = asked_ids(claims)
        with self._turn:
            known = self._desk.store.decisions.find(asked)
            first = {one: row for row, one in reversed(list(enumerate(asked)))}
            rows = np.array(sorted(row for one, row in first.items() if one not in known), np.intp)
            found = {one: self._of(kept) for one, kept in known.items()}
            if len(rows):
                found |= self._decide([asked[row] for row in rows.tolist()], claims.select(rows))
        fresh = np.zeros(len(asked), np.bool_)
        fresh[rows] = True
        return _answers(asked, found, fresh)

    def _decide(self, asked: Sequence[bytes], claims: RoutedClaims) -> dict[bytes, _Answer]:
        moment = self._clock()
        self._forget(moment // SECONDS_A_DAY)
        decisions = self._bench.decide(claims, self._history, self._registers, moment)
        written = decisions.records()
        lanes = [str(lane) for lane in decisions.lanes()]
        piece = self._piece(claims, decisions, moment)
        new = New(
            asked=asked,
            decision_ids=[one.decision_id for one in written],
            lanes=lanes,
            records=[one.record for one in written],
            decided_at=moment,
        )
        memory = Memory(last_day=moment // SECONDS_A_DAY, held=piece.to_bytes())
        due = Due.of(claims, lanes, new.decision_ids)
        self._desk.store.decisions.add(new, memory, self._shadowed(claims, moment), due.keep)
        self._history.remember(piece.events)  # only now: what was not decided is held against nobody
        confidences, reasons = _confidences(decisions).tolist(), _reasons(decisions)
        columns = zip(asked, new.decision_ids, lanes, confidences, reasons, new.records, strict=True)
        return {one: _Answer(*rest) for one, *rest in columns}

    def _forget(self, today: int) -> None:
        """Once a day: what lies too far back is held against nobody any more."""
        if today != self._tidied:
            self._history.forget(today)
            self._desk.store.decisions.forget(today - self._desk.history_days)
            self._tidied = today

    def _piece(self, claims: RoutedClaims, decisions: Decisions, moment: int) -> Piece:
        providers = claims.table.attributes.get("fixmedins_code")
        nobody = CodeColumn(indices=np.full(len(claims), MISSING, np.int32), values=())
        return Piece(
            events=events_of(claims, moment // SECONDS_A_DAY),
            model_sha256=self._bench.artefacts.model.sha256,
            clusters=decisions.weighed.places.nearest.astype(np.int32),
            providers=nobody if providers is None else providers,
        )

    def _shadowed(self, claims: RoutedClaims, moment: int) -> Shadowed | None:
        if self._shadow is None:
            return None
        lanes = self._shadow.decide(claims, self._history, self._registers, moment).lanes()
        return Shadowed(model_sha256=self._shadow.artefacts.model.sha256, lanes=[str(lane) for lane in lanes])

    def _of(self, kept: Kept) -> _Answer:
        record = self._desk.store.decisions.record(kept)
        held = json.loads(record)
        confidence = np.nan if held["confidence"] is None else held["confidence"]
        return _Answer(kept.decision_id, kept.lane, confidence, ",".join(held["reasons"]), record)

    def _benches(self) -> tuple[Bench, Bench | None]:
        standing = self._desk.shelf.standing()
        if standing.in_force is None:
            msg = "no model was accepted yet: `fedclaims-bureau model accept PUBLICATION MODEL`"
            raise InputError(msg)
        moment = self._clock()
        shadow = None if standing.shadow is None else self._desk.bench(standing.shadow, moment)
        return self._desk.bench(standing.in_force, moment), shadow

    def _today(self) -> int:
        return self._clock() // SECONDS_A_DAY

    def close(self) -> None:
        """Let another process decide."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class _Answer:
    decision_id: str
    lane: str
    confidence: float
    reasons: str
    record: bytes


def _answers(asked: Sequence[bytes], found: dict[bytes, _Answer], fresh: npt.NDArray[np.bool_]) -> Answers:
    rows = [found[one] for one in asked]
    return Answers(
        decision_ids=[one.decision_id for one in rows],
        lanes=[one.lane for one in rows],
        confidences=np.array([one.confidence for one in rows], np.float64),
        reasons=[one.reasons for one in rows],
        fresh=fresh,
        records=[one.record for one in rows],
    )


def _confidences(decisions: Decisions) -> npt.NDArray[np.float64]:
    calibration, steps = decisions.artefacts.calibration, decisions.weighed.steps
    if calibration is None:
        return np.full(len(steps), np.nan)
    return np.where(steps == NO_STEP, np.nan, calibration.shares[steps])


def _reasons(decisions: Decisions) -> list[str]:
    words = decisions.weighed.words.tolist()
    spoken = {word: ",".join(map(str, reasons_of(word))) for word in set(words)}
    return [spoken[word] for word in words]
