"""The router: claims in, durable decisions out. The Python call, and what the commands and the service stand on.

with Router.open(Path("router")) as router:
    answers = router.decide(claims)
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from client.deployment.logs import say
from client.router.answers import Answers, Begun, new_answers, old_answers, together
from client.router.bench import Bench
from client.router.claims import RoutedClaims
from client.router.clocks import Moment
from client.router.committing import Committer, Fresh, Made
from client.router.deciding.decisions import Decisions
from client.router.desk import Desk
from client.router.lone.answering import LoneAnswer, LoneRouter, Working
from client.router.lone.asking import asked_id
from client.router.lone.claim import LoneClaim
from client.router.lone.ready import get_ready
from client.router.memories import providers_of
from client.router.registers import Registers
from client.router.remembering import Remembering
from client.router.rules.evaluate import not_run
from client.router.shadowing import Shadow
from client.router.store.asking import asked_ids
from client.router.store.decisions import Shadowed
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
        self._committer, self._behind = Committer(desk.store.decisions), False
        self._bench, self._shadow = self._benches()
        self._memory = Remembering(desk.store.decisions, desk.history_days, self._bench.artefacts)
        self._memory.moment(clock())

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
    def clock_behind_s(self) -> int:
        """Seconds by which the clock is behind the latest decision; 0 if it is not. Above an hour no claim is FAST."""
        with self._turn:
            return max(self._memory.latest - self._clock(), 0)

    @property
    def bench(self) -> Bench:
        """What it decides with now."""
        return self._bench

    def idle_rules(self) -> tuple[tuple[str, str], ...]:
        """Rules that do not run, and the register each of them misses."""
        return not_run(self._bench.rules, self._registers)

    @property
    def shadow_fault(self) -> str:
        """Why the shadow does not run; empty if it does, or there is none."""
        return "" if self._shadow is None else self._shadow.fault

    def swap(self) -> None:
        """Take up model, policy, cards, calibration and clock as they are now; what is being decided is finished first.

        Raises:
            FedclaimsError: If they cannot be used; the router goes on with what it had.
        """
        bench, shadow = self._benches()
        get_ready(bench)
        registers = self._desk.registers()
        with self._turn:
            self._settle()
            self._memory.decide_with(bench.artefacts)
            self._memory.look_again()
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
                with self._memory.keeping():
                    made.new.keep(self._desk.store.decisions)
                self._memory.remember(
                    made.new.piece, made.new.moment
                )  # only now: what was not decided counts for nobody
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
            self._memory.remember(made.new.piece, made.new.moment)
            return Begun(claims, made.answers, self._committer.begin(made.new))

    def _settle(self) -> bool:
        """Wait for the commit on its way; if it failed, what is remembered is read from the store again."""
        well = self._committer.ended_well()
        if not well:
            self._memory.doubt()
        self._memory.moment(self._clock())
        return well

    def decide_one(self, lone: LoneClaim) -> LoneAnswer:
        """Decide about a claim that comes alone: as ``decide`` would about a batch of one, in a fraction of its time.

        Raises:
            StoreError: If the decision could not be kept: then nothing is decided.
        """
        with self._turn:
            self._settle()
            asked = asked_id(lone)
            known = self._alone.find(asked)
            if known is not None:
                return known
            working = Working(
                bench=self._bench,
                shadow=self._shadow,
                history=self._memory.history,
                concentration=self._memory.concentration,
                registers=self._registers,
                moment=self._moment(),
            )
            made = self._alone.decide(asked, lone, working)
            with self._memory.keeping():
                self._alone.keep(made.new)
            self._memory.remember(made.piece, working.moment)
            return made.answer

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
        moment = self._moment()
        decisions = self._decisions(asked, claims, moment)
        answers = new_answers(decisions, decisions.spelled())
        piece = self._bench.piece(claims, decisions)
        fresh = Fresh.of(claims, asked, answers, piece=piece, moment=moment, shadowed=self._shadowed(claims, moment))
        return Made(answers=answers, new=fresh)

    def _decisions(self, asked: Sequence[bytes], claims: RoutedClaims, moment: Moment) -> Decisions:
        """What follows from claims and bench, and from what this router has counted."""
        found = self._bench.decide(claims, self._memory.history, self._registers, moment.at)
        shares = self._memory.concentration.shares(found.weighed.places.nearest, providers_of(claims))
        return replace(found, asked=asked).under(shares, clock_behind=moment.behind)

    def _moment(self) -> Moment:
        """Now; once a day, what lies too far back is forgotten first."""
        moment = self._memory.moment(self._clock())
        if moment.day != self._memory.tidied:
            self._settle()
            self._memory.forget(moment.day)
        if moment.behind and not self._behind:
            say("the clock is behind the latest decision, no claim is FAST", level=logging.WARNING)
        self._behind = moment.behind
        return moment

    def _shadowed(self, claims: RoutedClaims, moment: Moment) -> Shadowed | None:
        """A shadow counts no providers of its own: it goes by its cards."""

        def lanes(shadow: Bench) -> list[str]:
            found = shadow.decide(claims, self._memory.history, self._registers, moment.at)
            found = found.under(found.circumstances.provider_shares, clock_behind=moment.behind)
            return [str(lane) for lane in found.lanes()]

        return None if self._shadow is None else self._shadow.would(lanes)

    def _benches(self) -> tuple[Bench, Shadow | None]:
        standing = self._desk.shelf.standing()
        if standing.in_force is None:
            msg = "no model was accepted yet: `fedclaims-bureau model accept PUBLICATION MODEL`"
            raise InputError(msg)
        moment = self._clock()
        bench, version = self._desk.bench(standing.in_force, moment), standing.shadow
        return bench, None if version is None else Shadow(lambda: self._desk.bench(version, moment))

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
