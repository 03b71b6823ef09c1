"""Answers: what was decided about some claims, new and old ones together, in the order in which they were asked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.router.claims import RoutedClaims
from client.router.deciding.decisions import Decisions
from client.router.deciding.lanes import reasons_of
from client.router.deciding.remarks import names_of
from client.router.deciding.sealing import Spelled
from client.router.deciding.weighing import NO_STEP
from client.router.rules.tags import TAGS
from client.router.store.decisions import Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What was decided about ``n`` claims, all of it on the disk.

    Attributes:
        decision_ids: One a claim.
        lanes: Likewise.
        confidences: float64 ``(n,)``; NaN without a calibration.
        reasons: What decided first, then what else applies; with commas between.
        tags: Of the claims, likewise.
        fresh: bool ``(n,)``; False where the same question was answered before.
        records: In their one spelling.
    """

    decision_ids: Sequence[str]
    lanes: Sequence[str]
    confidences: npt.NDArray[np.float64]
    reasons: Sequence[str]
    tags: Sequence[str]
    fresh: npt.NDArray[np.bool_]
    records: Sequence[bytes]

    def select(self, places: Sequence[int], fresh: npt.NDArray[np.bool_]) -> Answers:
        """Some of them, in the order given, any of them any number of times."""
        return Answers(
            decision_ids=[self.decision_ids[place] for place in places],
            lanes=[self.lanes[place] for place in places],
            confidences=self.confidences[np.array(places, np.intp)],
            reasons=[self.reasons[place] for place in places],
            tags=[self.tags[place] for place in places],
            fresh=fresh,
            records=[self.records[place] for place in places],
        )


def new_answers(decisions: Decisions, spelled: Spelled) -> Answers:
    """What was just decided."""
    return Answers(
        decision_ids=spelled.decision_ids(),
        lanes=[str(lane) for lane in decisions.lanes()],
        confidences=_confidences(decisions),
        reasons=_reasons(decisions),
        tags=_tags(decisions),
        fresh=np.ones(len(decisions), np.bool_),
        records=spelled.records,
    )


def old_answers(kept: Iterable[tuple[Kept, bytes]]) -> Answers:
    """What was decided before, from the records."""
    found = list(kept)
    held = [json.loads(record) for _, record in found]
    confidences = [np.nan if one["confidence"] is None else one["confidence"] for one in held]
    return Answers(
        decision_ids=[one.decision_id for one, _ in found],
        lanes=[one.lane for one, _ in found],
        confidences=np.array(confidences, np.float64),
        reasons=[",".join(one["reasons"]) for one in held],
        tags=[",".join(one.get("tags", ())) for one in held],
        fresh=np.zeros(len(found), np.bool_),
        records=[record for _, record in found],
    )


def together(first: Answers, second: Answers) -> Answers:
    """One after the other."""
    return Answers(
        decision_ids=[*first.decision_ids, *second.decision_ids],
        lanes=[*first.lanes, *second.lanes],
        confidences=np.concatenate((first.confidences, second.confidences)),
        reasons=[*first.reasons, *second.reasons],
        tags=[*first.tags, *second.tags],
        fresh=np.concatenate((first.fresh, second.fresh)),
        records=[*first.records, *second.records],
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


def _tags(decisions: Decisions) -> list[str]:
    if decisions.remarks is None:
        return [""] * len(decisions)
    spoken = [",".join(names_of(bits)) for bits in range(1 << len(TAGS))]
    return [spoken[bits] for bits in decisions.remarks.tags.tolist()]


@dataclass(frozen=True, slots=True)
class Begun:
    """A batch whose commit has begun; without one it was decided before."""

    claims: RoutedClaims
    answers: Answers
    commit: Future[None] | None

    def answered(self) -> Answers:
        """The answers, when they are on the disk."""
        if self.commit is not None:
            self.commit.result()
        return self.answers
