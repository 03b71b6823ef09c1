"""Decisions on a batch of claims: what was decided as numbers, records when they are asked for.

``spelled`` writes the one spelling of every record directly and compiled, without building each first: it is what makes
tens of thousands of durable decisions a second possible. ``record`` builds one; a test holds both against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from json.encoder import encode_basestring_ascii as quoted

import numpy as np
import numpy.typing as npt

from client.router.deciding.artefacts import Artefacts
from client.router.deciding.inputs import Columns
from client.router.deciding.lanes import BIT, LANES, Lane, Reason, lane_of, lanes_of, reasons_of
from client.router.deciding.line import Line
from client.router.deciding.phrases import cards_said, plain
from client.router.deciding.record import ASKED_DIGITS, RECORD_FORMAT, DecisionRecord
from client.router.deciding.remarks import EVERY_TAGS_SAID, Remarks, region_said
from client.router.deciding.sealing import Spelled, Written, names_in
from client.router.deciding.spelling import Kind
from client.router.deciding.weighing import Circumstances, Weighed, circumstantial
from client.router.rules.event import Events
from client.router.rules.finding import Finding
from common.columns import CodeColumn

FindingsOf = Callable[[int], tuple[Finding, ...]]


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
        asked: What they answer, as the store knows it; None if no router asked.
        remarks: What else is said of the claims; None for nothing.
        events: What rules are to remember of them; None if no rules ran.
    """

    claim_keys: tuple[str, ...]
    decided_at: int
    rows: npt.NDArray[np.float32]
    columns: Columns
    circumstances: Circumstances
    findings_of: FindingsOf
    weighed: Weighed
    artefacts: Artefacts
    asked: Sequence[bytes] | None = None
    remarks: Remarks | None = None
    events: Events | None = None

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

    def spelled(self) -> Spelled:
        """All records, as they are kept."""
        return Spelled.of(_line(self).write(self.rows))

    def records(self) -> list[Written]:
        """Likewise, each by itself."""
        found = self.spelled()
        return [
            Written(decision_id=name, record=held)
            for name, held in zip(found.decision_ids(), found.records, strict=True)
        ]

    def record(self, row: int) -> DecisionRecord:
        """One record. For many, ``spelled`` is faster by far."""
        return DecisionRecord.from_json(self.select(np.array([row])).spelled().records[0])

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
            asked=None if self.asked is None else [self.asked[row] for row in chosen],
            remarks=None if self.remarks is None else self.remarks.select(rows),
            events=None if self.events is None else self.events[rows],
        )

    def under(self, provider_shares: npt.NDArray[np.int64], *, clock_behind: bool) -> Decisions:
        """The same with other shares of providers, and with what the clock says."""
        circumstances = replace(self.circumstances, provider_shares=provider_shares, clock_behind=clock_behind)
        others = self.weighed.words & ~np.int32(BIT[Reason.PROVIDER_CONCENTRATION])
        words = others | circumstantial(circumstances, self.artefacts)
        return replace(self, circumstances=circumstances, weighed=replace(self.weighed, words=words))


def _line(decisions: Decisions) -> Line:
    """Every record in its one spelling: keys in order, no blanks; but for the identity."""
    line = Line(len(decisions), decisions.artefacts.phrases.texts)
    _say_what(line, decisions)
    line.identity()
    _say_why(line, decisions)
    _say_inputs(line, decisions)
    _say_where(line, decisions)
    return line


def _say_what(line: Line, decisions: Decisions) -> None:
    """From the beginning to before the identity."""
    artefacts, weighed = decisions.artefacts, decisions.weighed
    fitted, cards = artefacts.calibration_sha256, cards_said(artefacts.cards_sha256, artefacts.cards_version)
    line.say("{")
    if decisions.asked is not None:
        line.say('"asked":"')
        line.texts(names_in(b"".join(decisions.asked), ASKED_DIGITS))
        line.say('",')
    line.say(f'"calibration_sha256":{_digest(fitted)},{cards},"claim_key":')
    line.texts(map(quoted, decisions.claim_keys))
    line.say(',"cluster":')
    line.numbers(weighed.places.nearest)
    line.say(',"confidence":')
    line.known(weighed.steps + artefacts.phrases.confidences)
    line.say(',"contributions":')
    line.lists(weighed.places.contributions)
    line.say(f',"decided_at":{decisions.decided_at},')


def _say_why(line: Line, decisions: Decisions) -> None:
    """Features, findings and habits."""
    artefacts, found = decisions.artefacts, np.flatnonzero(decisions.circumstances.found)
    places = np.zeros(len(decisions), np.int64)
    places[found] = np.arange(1, len(found) + 1)
    line.say(f'"features_sha256":"{artefacts.model.features_sha256}","findings":')
    line.texts(["[]", *(_findings(decisions.findings_of(row)) for row in found.tolist())], places)
    line.say(f',"format":"{RECORD_FORMAT}","habits_sha256":{_digest(artefacts.habits_sha256)}')


def _say_inputs(line: Line, decisions: Decisions) -> None:
    columns, circumstances = decisions.columns, decisions.circumstances
    line.say(',"inputs":{')
    line.say('"clock_behind":true,' if circumstances.clock_behind else "")
    line.say('"diagnosis":')
    _say_codes(line, columns.diagnoses)
    line.say(',"draw":')
    line.numbers(columns.draws)
    line.say(',"fees_fen":')
    line.lists(columns.fees)
    line.say(',"hard_rule":')
    line.texts(_FLAGS, circumstances.hard)
    line.say(',"operation":')
    _say_codes(line, columns.operations)
    line.say(',"provider_share":')
    line.numbers(circumstances.provider_shares, Kind.OPTIONAL)
    line.say(',"refused_automation":')
    line.texts(_FLAGS, columns.refused)
    line.say(',"stay_days":')
    line.numbers(columns.stay_days)
    line.say(',"total_fen":')
    line.numbers(columns.total)
    line.say("},")


def _say_where(line: Line, decisions: Decisions) -> None:
    """From the lane to the end."""
    weighed, phrases = decisions.weighed, decisions.artefacts.phrases
    words, which = np.unique(weighed.words, return_inverse=True)
    given = [reasons_of(word) for word in words.tolist()]
    line.say('"lane":')
    line.texts([f'"{lane_of(reasons)}"' for reasons in given], which)
    line.say(",")
    line.known(weighed.places.nearest + phrases.clusters)
    line.say(",")
    line.known(weighed.scores.peers + phrases.peers)
    line.say(',"reasons":')
    line.texts([plain(list(map(str, reasons))) for reasons in given], which)
    if decisions.remarks is not None:
        regions = decisions.remarks.regions
        line.texts(map(region_said, (None, *regions.values)), regions.indices + 1)  # MISSING is -1
    line.say(',"row":"')
    line.row()
    _say_score(line, decisions)


def _say_score(line: Line, decisions: Decisions) -> None:
    weighed, phrases = decisions.weighed, decisions.artefacts.phrases
    line.say('","score":')
    line.numbers(weighed.scores.scores, Kind.MILLIONTHS)
    line.say(',"second":')
    line.numbers(weighed.places.second, Kind.OPTIONAL)
    line.say(',"second_square_distance":')
    line.numbers(weighed.places.second_square, Kind.OPTIONAL)
    line.say(",")
    line.known(weighed.steps + phrases.steps)
    line.say(',"square_distance":')
    line.numbers(weighed.places.square)
    line.say(',"strangeness":')
    line.lists(weighed.scores.parts)
    if decisions.remarks is not None:
        line.texts(EVERY_TAGS_SAID, decisions.remarks.tags)
    line.say("}")


def _say_codes(line: Line, column: CodeColumn) -> None:
    line.texts(["null", *map(quoted, column.values)], column.indices + 1)  # MISSING is -1


def _findings(found: tuple[Finding, ...]) -> str:
    return plain([one.model_dump(mode="json") for one in found])


def _digest(digest: str | None) -> str:
    return "null" if digest is None else f'"{digest}"'


_FLAGS = ("false", "true")
