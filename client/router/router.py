"""The router: claims in, durable decisions out. The Python call, and what the commands and the service stand on.

with Router.open(Path("router")) as router:
    answers = router.decide(claims)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from client.router.answers import Answers, Begun, new_answers, old_answers, together
from client.router.bench import Bench
from client.router.claims import SECONDS_A_DAY, RoutedClaims
from client.router.committing import Committer, Fresh, Made
from client.router.deciding.decisions import Decisions
from client.router.desk import Desk
from client.router.due import Due
from client.router.lone.answering import LoneAnswer, LoneRouter, Working
from client.router.lone.claim import LoneClaim
from client.router.lone.ready import get_ready
from client.router.memories import Piece, events_in
from client.router.registers import Registers
from client.router.rules.evaluate import not_run
from client.router.rules.event import events_of
from client.router.rules.history import History
from client.router.store.asking import asked_ids
from client.router.store.decisions import Memory, New, Shadowed
from common.columns import MISSING, CodeColumn
from common.errors import InputError

Clock = Callable[[], int]


def now() -> int:
    """Unix seconds."""
    return int(time.time())


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
        self._alone = LoneRouter(desk.store)
        self._closing = ExitStack()
        self._committer, self._before = Committer(desk.store.decisions), 0
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
        get_ready(bench)
        registers = self._desk.registers()
        with self._turn:
            self._bench, self._shadow, self._registers = bench, shadow, registers

    def decide(self, claims: RoutedClaims) -> Answers:
        """Decide about some claims, and answer when the decisions are on the disk.

        Raises:
            StoreError: If they could not be kept: then nothing is decided.
        """
        with self._turn:
            self._settle()
            made = self._make(claims)
            if made.new is not None:
                made.new.keep(self._desk.store.decisions)
                self._history.remember(made.new.events)  # only now: what was not decided is held against nobody
        return made.answers

    def decide_all(self, batches: Iterable[RoutedClaims]) -> Iterator[tuple[RoutedClaims, Answers]]:
        """Decide about batch after batch: one goes to the disk while the next is being decided.

        Guarantees:
            * A batch is answered when its decisions are on the disk, in the order of the batches.
            * Besides the batch that is being decided, at most one is not on the disk yet.
            * A batch that could not be kept is not decided, and held against none.

        Raises:
            StoreError: If a batch could not be kept; those that were answered before are.
        """
        before: Begun | None = None
        for claims in batches:
            begun = self._begin(claims, before)
            if before is not None:
                yield before.claims, before.answered()
            before = begun
        if before is not None:
            yield before.claims, before.answered()

    def _begin(self, claims: RoutedClaims, before: Begun | None) -> Begun:
        """Decide, wait for the commit before, and begin this one."""
        with self._turn:
            made = self._make(claims)
            kept = self._settle()
            if before is not None:
                before.answered()
            if not kept:  # somebody else's batch was held against these claims
                made = self._make(claims)
            if made.new is None:
                return Begun(claims, made.answers, None)
            self._before = len(self._history)
            self._history.remember(made.new.events)
            return Begun(claims, made.answers, self._committer.begin(made.new))

    def _settle(self) -> bool:
        """Wait for the commit on its way; if it failed, its claims are held against nobody any more."""
        if self._committer.ended_well():
            return True
        self._history = History.of(self._history.table()[: self._before], self._desk.history_days)
        return False

    def decide_one(self, lone: LoneClaim) -> LoneAnswer:
        """Decide about a claim that comes alone: as ``decide`` would about a batch of one, in a fraction of its time.

        Raises:
            StoreError: If the decision could not be kept: then nothing is decided.
        """
        with self._turn:
            self._settle()
            moment = self._clock()
            self._forget(moment // SECONDS_A_DAY)
            working = Working(
                bench=self._bench,
                shadow=self._shadow,
                history=self._history,
                registers=self._registers,
                moment=moment,
            )
            return self._alone.answer(lone, working)

    def _make(self, claims: RoutedClaims) -> Made:
        """Answers about some claims, and what of them is still to be kept."""
        asked, store = asked_ids(claims) if len(claims) else [], self._desk.store.decisions
        if self._committer.concerns(asked):
            self._settle()
        known = store.find(asked)
        first = {one: row for row, one in reversed(list(enumerate(asked)))}
        rows = np.array(sorted(row for one, row in first.items() if one not in known), np.intp)
        if len(rows) == len(asked) and len(rows):
            return self._decide(asked, claims)
        old = old_answers((kept, store.record(kept)) for kept in known.values())
        made = Made(answers=old, new=None)
        chosen = [asked[row] for row in rows.tolist()]
        if chosen:
            made = self._decide(chosen, claims.select(rows))
            made = replace(made, answers=together(made.answers, old))
        fresh = np.zeros(len(asked), np.bool_)
        fresh[rows] = True
        places = {one: place for place, one in enumerate([*chosen, *known])}
        return replace(made, answers=made.answers.select([places[one] for one in asked], fresh))

    def _decide(self, asked: Sequence[bytes], claims: RoutedClaims) -> Made:
        moment = self._clock()
        self._forget(moment // SECONDS_A_DAY)
        decisions = self._bench.decide(claims, self._history, self._registers, moment)
        answers = new_answers(decisions, decisions.spelled())
        piece = self._piece(claims, decisions, moment)
        new = New(
            asked=asked,
            decision_ids=answers.decision_ids,
            lanes=answers.lanes,
            records=answers.records,
            decided_at=moment,
        )
        fresh = Fresh(
            decided=new,
            memory=Memory(last_day=moment // SECONDS_A_DAY, held=piece.to_bytes()),
            shadowed=self._shadowed(claims, moment),
            due=Due.of(claims, answers.lanes, answers.decision_ids),
            events=piece.events,
        )
        return Made(answers=answers, new=fresh)

    def _forget(self, today: int) -> None:
        """Once a day: what lies too far back is held against nobody any more."""
        if today != self._tidied:
            self._settle()
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
        with self._turn:
            self._committer.close()
        self._alone.close()
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
