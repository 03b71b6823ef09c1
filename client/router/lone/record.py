"""The record of a single claim in its one spelling: the bytes that a batch writes, from parts that are ready."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted

import numpy as np
import numpy.typing as npt

from client.router.deciding.artefacts import Artefacts
from client.router.deciding.habits import ABSENT
from client.router.deciding.lanes import lane_of, reasons_of
from client.router.deciding.phrases import cards_said
from client.router.deciding.record import ID_DIGITS, RECORD_FORMAT
from client.router.deciding.remarks import region_said, tags_said
from client.router.deciding.rowtext import row_texts
from client.router.deciding.scoring import MILLION
from client.router.deciding.weighing import NO_STEP
from client.router.lone.claim import REGION, LoneClaim
from client.router.lone.weighing import LoneWeighed, Place, Said
from client.router.rules.finding import Finding
from client.router.rules.tags import Tag

Rows = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a record says of one claim.

    Attributes:
        lone: The claim.
        row: float32 ``(1, d)``.
        place: Where the row lies.
        said: What else counts.
        weighed: Score, step and reasons.
        findings: Against the claim.
        tags: Of the claim.
        asked: What is answered, hexadecimal; None if no router asked.
    """

    lone: LoneClaim
    row: Rows
    place: Place
    said: Said
    weighed: LoneWeighed
    findings: tuple[Finding, ...]
    tags: tuple[Tag, ...]
    asked: str | None = None


class RecordWriter:
    """Writes the records of single claims that are decided with the same artefacts."""

    def __init__(self, artefacts: Artefacts) -> None:
        """Spell what many records share."""
        model, habits = artefacts.model, artefacts.usual
        fitted, cards = (
            _digest(artefacts.calibration_sha256),
            cards_said(artefacts.cards_sha256, artefacts.cards_version),
        )
        self._opening = f'"calibration_sha256":{fitted},{cards},"claim_key":'
        self._features = f'"features_sha256":"{model.features_sha256}","findings":'
        self._format = f',"format":"{RECORD_FORMAT}","habits_sha256":{_digest(artefacts.habits_sha256)},"inputs":'
        self._clusters = [
            f'"lineage":{_plain(list(names))},"model_sha256":"{model.sha256}","model_version":{model.version}'
            for names in model.lineage
        ]
        self._peers = {ABSENT: '"n_peers":0,"peers":null'}
        for place, (name, n) in enumerate(zip(habits.names, habits.sizes.tolist(), strict=True)):
            self._peers[place] = f'"n_peers":{n},"peers":{quoted(name)}'
        self._policy = f'"policy_sha256":"{artefacts.policy_sha256}"'
        self._steps = {NO_STEP: '"similar":0,"similar_routine":0'}
        self._shares = {NO_STEP: "null"}
        for place, step in enumerate(artefacts.calibration.steps if artefacts.calibration else ()):
            self._steps[place] = f'"similar":{step.reviewed},"similar_routine":{step.routine}'
            self._shares[place] = repr(step.confidence)

    def write(self, made: Made, now: int) -> tuple[str, bytes]:
        """Identity and record. The identity is a digest of the rest, and goes where its key belongs."""
        head, tail = self._head(made, now).encode(), self._tail(made).encode()
        digest = hashlib.sha256(head)
        digest.update(tail)
        identity = digest.hexdigest()[:ID_DIGITS]
        return identity, b'%b"decision_id":"%b",%b' % (head, identity.encode(), tail)

    def _head(self, made: Made, now: int) -> str:
        key, place = quoted(made.lone.claim.claim_key), made.place
        asked = "" if made.asked is None else f'"asked":"{made.asked}",'
        return (
            f'{{{asked}{self._opening}{key},"cluster":{place.nearest},"confidence":{self._shares[made.weighed.step]},'
            f'"contributions":{_list(place.contributions)},"decided_at":{now},'
        )

    def _tail(self, made: Made) -> str:
        place, weighed = made.place, made.weighed
        lane, reasons = _reasons(weighed.word)
        found = _plain([one.model_dump(mode="json") for one in made.findings]) if made.findings else "[]"
        return (
            f"{self._features}{found}{self._format}{_inputs(made.lone, made.said)},{lane},"
            f"{self._clusters[place.nearest]},{self._peers[weighed.peers]},{self._policy},{reasons}"
            f'{region_said(made.lone.attributes[REGION])},"row":"{row_texts(made.row)[0]}",'
            f'"score":{weighed.score / MILLION!r},"second":{_number(place.second)},'
            f'"second_square_distance":{_number(place.second_square)},{self._steps[weighed.step]},'
            f'"square_distance":{place.square},"strangeness":{_list(weighed.parts)}{tags_said(made.tags)}}}'
        )


def _inputs(lone: LoneClaim, said: Said) -> str:
    diagnosis, operation = quoted(lone.diagnoses[0]), quoted(lone.operations[0]) if lone.operations else "null"
    behind = '"clock_behind":true,' if said.clock_behind else ""
    return (
        f'{{{behind}"diagnosis":{diagnosis},"draw":{said.draw},"fees_fen":{_list(list(lone.fees))},'
        f'"hard_rule":{_flag(said.hard)},"operation":{operation},"provider_share":{_number(said.provider_share)},'
        f'"refused_automation":{_flag(lone.refused_automation)},"stay_days":{lone.stay_days},"total_fen":{lone.total}}}'
    )


@lru_cache(1 << 10)
def _reasons(word: int) -> tuple[str, str]:
    """Lane and reasons of a word."""
    reasons = reasons_of(word)
    return f'"lane":"{lane_of(reasons)}"', f'"reasons":{_plain([str(reason) for reason in reasons])}'


def _plain(held: object) -> str:
    return json.dumps(held, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _list(numbers: list[int]) -> str:
    return str(numbers).replace(" ", "")


def _number(number: int) -> str:
    return "null" if number < 0 else str(number)


def _flag(flag: bool) -> str:  # noqa: FBT001  one of a row of spellings
    return "true" if flag else "false"


def _digest(digest: str | None) -> str:
    return "null" if digest is None else f'"{digest}"'
