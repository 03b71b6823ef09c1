"""The finding: a reason against a claim, in the shape of the national audit interface (3101, 3102)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import accumulate
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

RULE_ID = r"^[A-Z][0-9A-Z-]{0,15}$"

MOST_CHARACTERS = 500
"""Of one text in the interface."""

MOST_OF_A_CODE = 64
"""Characters of a code that evidence quotes: registers have codes of any length."""

_ROOM_FOR_MORE = len(";more=") + len(str(10**6))
_PIECE = re.compile(r"[^,;]*[,;]?")

Text = Annotated[str, StringConstraints(min_length=1, max_length=MOST_CHARACTERS)]


class Severity(StrEnum):
    """``sev_deg``, in the words of the interface."""

    CLEAR = "明确违规"
    HIGH = "高度可疑"
    LIGHT = "轻度可疑"


SEVERITY_IN_ENGLISH: dict[Severity, str] = {
    Severity.CLEAR: "clear violation",
    Severity.HIGH: "highly suspicious",
    Severity.LIGHT: "slightly suspicious",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleText:
    """What a rule says, in both languages. No claim's value stands in it.

    Attributes:
        rule_id: Such as ``R01``.
        severity: Of its findings.
        name: Chinese; ``english_name`` likewise.
        content: What is wrong, Chinese; ``english_content`` likewise.
        behaviour: The kind of violation, Chinese; ``english_behaviour`` likewise.
    """

    rule_id: str
    severity: Severity
    name: str
    english_name: str
    content: str
    english_content: str
    behaviour: str
    english_behaviour: str


class Finding(BaseModel):
    """One reason against one claim; its fields are those of the interface, and no others.

    Attributes:
        rule_id: Which rule.
        rule_name: Its name, Chinese.
        vola_cont: What is wrong, Chinese.
        vola_amt: The amount concerned, yuan.
        sev_deg: How sure the rule is.
        vola_evid: Facts of this claim, ``name=value`` with semicolons between; other claims by their reference.
        vola_bhvr_type: The kind of violation, Chinese.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    rule_id: Annotated[str, StringConstraints(pattern=RULE_ID)]
    rule_name: Text
    vola_cont: Text
    vola_amt: Annotated[Decimal, Field(ge=0, decimal_places=2, allow_inf_nan=False)]
    sev_deg: Severity
    vola_evid: Text
    vola_bhvr_type: Text


def finding(text: RuleText, amount_fen: int, evidence: str) -> Finding:
    """What a rule says about one claim.

    Guarantees:
        * However long the evidence is, there is a finding: facts that the interface has no room for are counted.
    """
    return Finding(
        rule_id=text.rule_id,
        rule_name=text.name,
        vola_cont=text.content,
        vola_amt=Decimal(amount_fen).scaleb(-2),
        sev_deg=text.severity,
        vola_evid=_shortened(evidence),
        vola_bhvr_type=text.behaviour,
    )


def quoted(code: str) -> str:
    """A code as evidence quotes it: cut if it is longer than any code of a catalogue."""
    return code if len(code) <= MOST_OF_A_CODE else f"{code[: MOST_OF_A_CODE - 3]}..."


def _shortened(evidence: str) -> str:
    """As many whole pieces from the front as there is room for, and how many more there were."""
    if len(evidence) <= MOST_CHARACTERS:
        return evidence
    room = MOST_CHARACTERS - _ROOM_FOR_MORE
    pieces = [found for found in _PIECE.findall(evidence) if found]
    fitting = sum(length <= room for length in accumulate(map(len, pieces)))
    held = "".join(pieces[:fitting]).rstrip(",;") or evidence[:room]
    return f"{held};more={len(pieces) - max(fitting, 1)}"


def in_english(text: RuleText) -> dict[str, str]:
    """The words of a rule's findings in English, under the interface's field names."""
    return {
        "rule_id": text.rule_id,
        "rule_name": text.english_name,
        "vola_cont": text.english_content,
        "sev_deg": SEVERITY_IN_ENGLISH[text.severity],
        "vola_bhvr_type": text.english_behaviour,
    }
