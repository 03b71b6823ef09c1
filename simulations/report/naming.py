"""What a cluster is called: its number, and what most of its claims are."""

from __future__ import annotations

from unicodedata import east_asian_width

from common.plan import Phase, Plan
from simulations.report.floor import guarded_share, is_small
from simulations.report.palette import NO_FEES, leading_family
from simulations.report.texts import Catalogue, Text
from simulations.story import BureauStory, ClusterCard, CodeShare

MIXED_BELOW = 0.5
"""A cluster in which the leading group has a smaller share is called mixed."""


def tag(cluster: int) -> str:
    """A cluster's number, as in the model."""
    return f"C{cluster}"


def phase_key(phase: Phase, plan: Plan) -> str:
    """Under which key a phase's texts stand: what polishes noisy clusters is not what settles exact ones."""
    return "polish" if phase is Phase.LLOYD and plan.privacy is not None else str(phase)


def code_name(code: CodeShare) -> Text:
    """A code's name, or the code itself in a language in which it has none."""
    return Text(en=code.name_en or code.code, zh=code.name_zh or code.code)


def bureau_name(bureau: BureauStory) -> Text:
    """A bureau's name, or the one it has in messages."""
    return Text(en=bureau.name_en or bureau.name, zh=bureau.name_zh or bureau.name)


def cluster_name(card: ClusterCard, texts: Catalogue) -> Text:
    """The known group or else the leading diagnosis of a cluster; empty if neither may be named."""
    leading = card.truth or next(iter(card.diagnoses), None)
    if leading is None or is_small(leading.count) or is_small(card.count):
        return Text(en="", zh="")
    mixed = guarded_share(leading.count, card.count).value < MIXED_BELOW
    return texts.plain("naming.mixed", name=code_name(leading)) if mixed else code_name(leading)


def full_name(card: ClusterCard, texts: Catalogue) -> Text:
    """Number and name."""
    name = cluster_name(card, texts)
    return Text(en=f"{tag(card.cluster)} {name.en}".strip(), zh=f"{tag(card.cluster)} {name.zh}".strip())


def family_of(card: ClusterCard) -> str:
    """The colour of a cluster: the family of fees that most of its money goes to; unknown for a small one."""
    return NO_FEES if is_small(card.count) else leading_family(card.fee_shares)


def ems(words: str) -> float:
    """About how wide words are, in font sizes."""
    return sum(1.0 if east_asian_width(letter) in "WF" else 0.55 for letter in words)


def shortened(words: str, most_ems: float) -> str:
    """Words cut to a width, with an ellipsis where something is missing."""
    if ems(words) <= most_ems:
        return words
    kept = words
    while kept and ems(kept) + 1.0 > most_ems:
        kept = kept[:-1]
    return f"{kept.rstrip(' ,:')}…"


def both_shortened(text: Text, most_ems: float) -> Text:
    """Both languages cut to a width."""
    return Text(en=shortened(text.en, most_ems), zh=shortened(text.zh, most_ems))
