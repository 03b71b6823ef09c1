"""Decisions on a batch of claims: what was decided as numbers, records when they are asked for.

``records`` writes the one spelling of every record directly, without building each first: it is what makes tens of
thousands of durable decisions a second possible. ``record`` builds one; a test holds both against each other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as quoted

import numpy as np
import numpy.typing as npt

from client.router.deciding.artefacts import Artefacts
from client.router.deciding.habits import ABSENT
from client.router.deciding.inputs import Columns
from client.router.deciding.lanes import LANES, Lane, lane_of, lanes_of, reasons_of
from client.router.deciding.record import ID_DIGITS, RECORD_FORMAT, DecisionRecord
from client.router.deciding.rowtext import row_texts
from client.router.deciding.scoring import MILLION
from client.router.deciding.weighing import NO_STEP, Circumstances, Weighed
from client.router.rules.finding import Finding
from common.columns import CodeColumn

FindingsOf = Callable[[int], tuple[Finding, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A decision as it is kept.

    Attributes:
        decision_id: Its identity.
        record: The record in its one spelling.
    """

    decision_id: str
    record: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """Decisions on ``n`` claims.

    Attributes:
        claim_keys: Of the claims.
        decided_at: Unix seconds.
        rows: float32 ``(n, d)``.
        columns: What was decided from.
        circumstances: Likewise.
        findings_of: The findings against a claim.
        weighed: Places, scores, steps and reasons.
        artefacts: What was decided with.
    """

    claim_keys: tuple[str, ...]
    decided_at: int
    rows: npt.NDArray[np.float32]
    columns: Columns
    circumstances: Circumstances
    findings_of: FindingsOf
    weighed: Weighed
    artefacts: Artefacts

    def __len__(self) -> int:
        return len(self.claim_keys)

    def lane_places(self) -> npt.NDArray[np.int64]:
        """The lane of each claim, as its place in ``lanes.LANES``."""
        return lanes_of(self.weighed.words)

    def lanes(self) -> tuple[Lane, ...]:
        """The lane of each claim."""
        return tuple(LANES[place] for place in self.lane_places().tolist())

    def counts(self) -> dict[Lane, int]:
        """How many claims each lane has."""
        counts = np.bincount(self.lane_places(), minlength=len(LANES)).tolist()
        return dict(zip(LANES, counts, strict=True))

    def records(self) -> list[Written]:
        """All records, as they are kept."""
        return list(_write(self))

    def record(self, row: int) -> DecisionRecord:
        """One record. For many, ``records`` is faster by far."""
        one = np.array([row])
        return DecisionRecord.from_json(next(_write(self.select(one))).record)

    def select(self, rows: npt.NDArray[np.intp]) -> Decisions:
        """Some of the decisions, in the order given."""
        chosen = rows.tolist()
        return Decisions(
            claim_keys=tuple(self.claim_keys[row] for row in chosen),
            decided_at=self.decided_at,
            rows=self.rows[rows],
            columns=self.columns.select(rows),
            circumstances=self.circumstances.select(rows),
            findings_of=lambda row: self.findings_of(chosen[row]),
            weighed=self.weighed.select(rows),
            artefacts=self.artefacts,
        )


def _write(decisions: Decisions) -> Iterator[Written]:
    """Every record in its one spelling: keys in order, no blanks. The identity goes where its key belongs."""
    for head, tail in zip(_heads(decisions), _tails(decisions), strict=True):
        digest = hashlib.sha256(head)
        digest.update(tail)
        identity = digest.hexdigest()[:ID_DIGITS]
        yield Written(decision_id=identity, record=b'%b"decision_id":"%b",%b' % (head, identity.encode(), tail))


def _heads(decisions: Decisions) -> Iterator[bytes]:
    """Each record from its beginning to before its identity."""
    artefacts, places = decisions.artefacts, decisions.weighed.places
    calibration, cards = _digest(artefacts.calibration_sha256), _digest(artefacts.cards_sha256)
    opening = f'{{"calibration_sha256":{calibration},"cards_sha256":{cards},"claim_key":'
    steps = artefacts.calibration.steps if artefacts.calibration else ()
    shares = {NO_STEP: "null"} | {place: repr(step.confidence) for place, step in enumerate(steps)}
    at = f',"decided_at":{decisions.decided_at},'
    for key, cluster, step, parts in zip(
        decisions.claim_keys,
        places.nearest.tolist(),
        decisions.weighed.steps.tolist(),
        places.contributions.tolist(),
        strict=True,
    ):
        text = (
            f'{opening}{quoted(key)},"cluster":{cluster},"confidence":{shares[step]},"contributions":{_list(parts)}{at}'
        )
        yield text.encode()


def _tails(decisions: Decisions) -> Iterator[bytes]:
    """Each record from after its identity to its end."""
    artefacts, weighed = decisions.artefacts, decisions.weighed
    model = artefacts.model
    spoken = _Spoken(artefacts)
    features = f'"features_sha256":"{model.features_sha256}","findings":'
    habits = f',"format":"{RECORD_FORMAT}","habits_sha256":{_digest(artefacts.habits_sha256)},"inputs":'
    found = decisions.circumstances.found.tolist()
    columns = (
        _inputs(decisions),
        weighed.words.tolist(),
        weighed.places.nearest.tolist(),
        weighed.scores.peers.tolist(),
        row_texts(decisions.rows),
        (weighed.scores.scores / MILLION).tolist(),
        weighed.places.second.tolist(),
        weighed.places.second_square.tolist(),
        weighed.steps.tolist(),
        weighed.places.square.tolist(),
        weighed.scores.parts.tolist(),
    )
    for row, (inputs, word, cluster, peers, text, score, second, second_square, step, square, parts) in enumerate(
        zip(*columns, strict=True)
    ):
        findings = _findings(decisions.findings_of(row)) if found[row] else "[]"
        lane, reasons = spoken.reasons(word)
        yield (
            f"{features}{findings}{habits}{inputs},{lane},{spoken.clusters[cluster]},{spoken.peers[peers]},"
            f'{reasons},"row":"{text}","score":{score!r},"second":{_number(second)},'
            f'"second_square_distance":{_number(second_square)},{spoken.steps[step]},"square_distance":{square},'
            f'"strangeness":{_list(parts)}}}'
        ).encode()


class _Spoken:
    """Parts of records that many claims share, spelled once."""

    def __init__(self, artefacts: Artefacts) -> None:
        model, habits = artefacts.model, artefacts.usual
        self.clusters = [
            f'"lineage":{_plain(list(names))},"model_sha256":"{model.sha256}","model_version":{model.version}'
            for names in model.lineage
        ]
        policy = f'"policy_sha256":"{artefacts.policy_sha256}"'
        self.peers = {ABSENT: f'"n_peers":0,"peers":null,{policy}'}
        for place, (name, n) in enumerate(zip(habits.names, habits.sizes.tolist(), strict=True)):
            self.peers[place] = f'"n_peers":{n},"peers":{quoted(name)},{policy}'
        steps = artefacts.calibration.steps if artefacts.calibration else ()
        self.steps = {NO_STEP: '"similar":0,"similar_routine":0'}
        for place, step in enumerate(steps):
            self.steps[place] = f'"similar":{step.reviewed},"similar_routine":{step.routine}'
        self._reasons: dict[int, tuple[str, str]] = {}

    def reasons(self, word: int) -> tuple[str, str]:
        """Lane and reasons of a word."""
        known = self._reasons.get(word)
        if known is None:
            reasons = reasons_of(word)
            spelled = f'"lane":"{lane_of(reasons)}"', f'"reasons":{_plain([str(reason) for reason in reasons])}'
            known = self._reasons[word] = spelled
        return known


def _inputs(decisions: Decisions) -> Iterator[str]:
    columns, circumstances = decisions.columns, decisions.circumstances
    for diagnosis, draw, fees, hard, operation, share, refused, stay, total in zip(
        _codes(columns.diagnoses),
        columns.draws.tolist(),
        columns.fees.tolist(),
        circumstances.hard.tolist(),
        _codes(columns.operations),
        circumstances.provider_shares.tolist(),
        columns.refused.tolist(),
        columns.stay_days.tolist(),
        columns.total.tolist(),
        strict=True,
    ):
        yield (
            f'{{"diagnosis":{diagnosis},"draw":{draw},"fees_fen":{_list(fees)},"hard_rule":{_flag(hard)},'
            f'"operation":{operation},"provider_share":{share},"refused_automation":{_flag(refused)},'
            f'"stay_days":{stay},"total_fen":{total}}}'
        )


def _codes(column: CodeColumn) -> Iterator[str]:
    values = [*map(quoted, column.values), "null"]
    return (values[index] for index in column.indices.tolist())


def _findings(found: tuple[Finding, ...]) -> str:
    return _plain([one.model_dump(mode="json") for one in found])


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
