"""Answering about a single claim: found, or decided, kept and remembered."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from client.router.bench import Bench
from client.router.clocks import Moment
from client.router.concentration import Concentration
from client.router.drafts.drawing import FAST
from client.router.due import Due
from client.router.lone.claim import PROVIDER, LoneClaim, column_of_one
from client.router.lone.deciding import LoneDecision, Setting
from client.router.lone.keeping import LoneKeeper, LoneNew
from client.router.memories import Piece
from client.router.registers import Registers
from client.router.rules.history import History
from client.router.shadowing import Shadow
from client.router.store.decisions import Kept, Memory, Shadowed
from client.router.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """What a router decides with at this moment.

    Attributes:
        bench: In force.
        shadow: Decides, too, and changes nothing.
        history: Of earlier claims.
        concentration: Of their providers.
        registers: Of the bureau.
        moment: Of the decision.
    """

    bench: Bench
    shadow: Shadow | None
    history: History
    concentration: Concentration
    registers: Registers
    moment: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class LoneAnswer:
    """What was decided about a claim; it is on the disk.

    Attributes:
        decision_id: Of the record.
        lane: Where the claim goes.
        confidence: Calibrated; None without a calibration.
        record: In its one spelling.
    """

    decision_id: str
    lane: str
    confidence: float | None
    record: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LoneMade:
    """What was decided about a claim; not on the disk yet.

    Attributes:
        answer: To be given once it is.
        new: What is to be kept.
        piece: What is to be remembered then.
    """

    answer: LoneAnswer
    new: LoneNew
    piece: Piece


class LoneRouter:
    """Finds, makes and keeps decisions about single claims; for one thread at a time.

    Guarantees:
        * What was decided about a question before is found, whether it was asked alone or in a batch.
        * Deciding keeps and remembers nothing: whoever asks answers after ``keep``, and remembers then.
    """

    def __init__(self, store: Store) -> None:
        """Use an open store."""
        self._store, self._keeper = store, LoneKeeper(store)

    def find(self, asked: bytes) -> LoneAnswer | None:
        """The decision about a question, if there is one.

        Raises:
            StoreError: If the store cannot be read.
        """
        kept = self._keeper.find(asked)
        return None if kept is None else self._kept(kept)

    def decide(self, asked: bytes, lone: LoneClaim, working: Working) -> LoneMade:
        """Decide about a claim now."""
        moment, setting = working.moment, _setting(asked, working)
        decided = working.bench.lone.decide(lone, working.history, working.registers, moment.at, setting)
        piece = _piece(lone, decided, working)
        new = LoneNew(
            asked=asked,
            decision_id=decided.decision_id,
            lane=decided.lane,
            record=decided.record,
            decided_at=moment.at,
            memory=Memory(last_day=moment.day, held=piece.to_bytes()),
            due=_due(lone, decided),
            shadowed=_shadowed(lone, working),
        )
        answer = LoneAnswer(
            decision_id=decided.decision_id,
            lane=decided.lane,
            confidence=decided.confidence,
            record=decided.record,
        )
        return LoneMade(answer=answer, new=new, piece=piece)

    def keep(self, new: LoneNew) -> None:
        """Put a decision on the disk, with all that belongs to it.

        Raises:
            StoreError: If it could not be kept.
        """
        self._keeper.add(new)

    def close(self) -> None:
        """Let the store be closed."""
        self._keeper.close()

    def _kept(self, kept: Kept) -> LoneAnswer:
        record = self._store.decisions.record(kept)
        confidence = json.loads(record)["confidence"]
        return LoneAnswer(decision_id=kept.decision_id, lane=kept.lane, confidence=confidence, record=record)


def _setting(asked: bytes, working: Working) -> Setting:
    return Setting(asked=asked, concentration=working.concentration, clock_behind=working.moment.behind)


def _piece(lone: LoneClaim, decided: LoneDecision, working: Working) -> Piece:
    model = working.bench.artefacts.model
    return Piece(
        events=decided.events,
        family=model.family,
        clusters=model.numbers[[decided.cluster]].astype(np.int32),
        providers=column_of_one(lone.attributes[PROVIDER]),
    )


def _due(lone: LoneClaim, decided: LoneDecision) -> Due:
    fast = decided.lane == FAST
    amounts = np.array([[one] if fast else [] for one in (lone.total, lone.fund, lone.person, lone.hospital)], np.int64)
    return Due(
        claim_keys=[lone.claim.claim_key] if fast else [],
        decision_ids=[decided.decision_id] if fast else [],
        amounts=amounts,
    )


def _shadowed(lone: LoneClaim, working: Working) -> Shadowed | None:
    """A shadow counts no providers of its own: it goes by its cards."""

    def lanes(shadow: Bench) -> list[str]:
        setting = Setting(clock_behind=working.moment.behind)
        return [shadow.lone.decide(lone, working.history, working.registers, working.moment.at, setting).lane]

    return None if working.shadow is None else working.shadow.would(lanes)
