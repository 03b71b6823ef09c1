"""Answering about a single claim: found, or decided, kept and remembered."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from client.router.bench import Bench
from client.router.claims import SECONDS_A_DAY
from client.router.drafts.drawing import FAST
from client.router.due import Due
from client.router.lone.asking import asked_id
from client.router.lone.claim import PROVIDER, LoneClaim, column_of_one
from client.router.lone.deciding import LoneDecision
from client.router.lone.keeping import LoneKeeper, LoneNew
from client.router.memories import Piece
from client.router.registers import Registers
from client.router.rules.history import History
from client.router.store.decisions import Kept, Memory, Shadowed
from client.router.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """What a router decides with at this moment.

    Attributes:
        bench: In force.
        shadow: Decides, too, and changes nothing.
        history: Of earlier claims.
        registers: Of the bureau.
        moment: Unix seconds.
    """

    bench: Bench
    shadow: Bench | None
    history: History
    registers: Registers
    moment: int


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


class LoneRouter:
    """Answers about single claims, durably; for one thread at a time.

    Guarantees:
        * An answer is given after its decision is on the disk, with what the rules must remember of the claim.
        * The same claim key with the same content gets the decision it got before, alone or in a batch.
    """

    def __init__(self, store: Store) -> None:
        """Use an open store."""
        self._store, self._keeper = store, LoneKeeper(store)

    def answer(self, lone: LoneClaim, working: Working) -> LoneAnswer:
        """The decision about a claim, made now unless there is one.

        Raises:
            StoreError: If it could not be kept: then nothing is decided.
        """
        asked = asked_id(lone)
        kept = self._keeper.find(asked)
        return self._decided(asked, lone, working) if kept is None else self._kept(kept)

    def close(self) -> None:
        """Let the store be closed."""
        self._keeper.close()

    def _decided(self, asked: bytes, lone: LoneClaim, working: Working) -> LoneAnswer:
        decided = working.bench.lone.decide(lone, working.history, working.registers, working.moment)
        new = LoneNew(
            asked=asked,
            decision_id=decided.decision_id,
            lane=decided.lane,
            record=decided.record,
            decided_at=working.moment,
            memory=_memory(lone, decided, working),
            due=_due(lone, decided),
            shadowed=_shadowed(lone, working),
        )
        self._keeper.add(new)
        working.history.remember(decided.events)  # only now: what was not decided is held against nobody
        return LoneAnswer(
            decision_id=decided.decision_id,
            lane=decided.lane,
            confidence=decided.confidence,
            record=decided.record,
        )

    def _kept(self, kept: Kept) -> LoneAnswer:
        record = self._store.decisions.record(kept)
        confidence = json.loads(record)["confidence"]
        return LoneAnswer(decision_id=kept.decision_id, lane=kept.lane, confidence=confidence, record=record)


def _memory(lone: LoneClaim, decided: LoneDecision, working: Working) -> Memory:
    piece = Piece(
        events=decided.events,
        model_sha256=working.bench.artefacts.model.sha256,
        clusters=np.array([decided.cluster], np.int32),
        providers=column_of_one(lone.attributes[PROVIDER]),
    )
    return Memory(last_day=working.moment // SECONDS_A_DAY, held=piece.to_bytes())


def _due(lone: LoneClaim, decided: LoneDecision) -> Due:
    fast = decided.lane == FAST
    amounts = np.array([[one] if fast else [] for one in (lone.total, lone.fund, lone.person, lone.hospital)], np.int64)
    return Due(
        claim_keys=[lone.claim.claim_key] if fast else [],
        decision_ids=[decided.decision_id] if fast else [],
        amounts=amounts,
    )


def _shadowed(lone: LoneClaim, working: Working) -> Shadowed | None:
    if working.shadow is None:
        return None
    decided = working.shadow.lone.decide(lone, working.history, working.registers, working.moment)
    return Shadowed(model_sha256=working.shadow.artefacts.model.sha256, lanes=[decided.lane])
