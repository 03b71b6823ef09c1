"""Explaining a decision to the insured person: what happens, why, a number that can be counted again, how to object.

References:
    Personal Information Protection Law of the People's Republic of China, 2021, article 24: decisions by automation
    must be transparent; a person may ask for an explanation, and refuse a decision made by automation alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from client.router.deciding.lanes import LANE_OF, Lane, Reason
from client.router.deciding.policy import Language, RouterPolicy
from client.router.deciding.record import DecisionRecord
from client.router.deciding.scoring import DISTANCE, MILLION, PARTS, RARITY
from client.router.deciding.wording import (
    COMPARED,
    LANES,
    NO_SIMILAR,
    REASONS,
    SIMILAR,
    STRANGE,
    Words,
    block_words,
    peer_words,
)
from client.router.rules.table import text_of

MOST_REASONS = 3
MOST_STRANGE = 2
STRANGE_FROM = MILLION
"""A part of the score counts as a reason from here on: beyond about one and a half deviations of its peers."""

_BY_SCORE = frozenset({Reason.NOVEL, Reason.LOW_CONFIDENCE, Reason.OUTSIDE_FAST_SHARE})
_BY_RULE = frozenset({Reason.FINDING, Reason.HARD_RULE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What an insured person is told, in one language.

    Attributes:
        language: ``zh`` or ``en``.
        decision_id: Of the record.
        lane: Where the claim went.
        outcome: What happens now.
        reasons: Two or three plain reasons, the one that decided first.
        number: The share of similar reviewed claims that were routine, with what it is a share of.
        objection: How to object.
    """

    language: Language
    decision_id: str
    lane: Lane
    outcome: str
    reasons: tuple[str, ...]
    number: str
    objection: str

    def text(self) -> str:
        """As plain text, a sentence or two a line."""
        return "\n".join((self.outcome, *self.reasons, self.number, self.objection))


def explain(
    record: DecisionRecord, policy: RouterPolicy, language: Language, block_names: tuple[str, ...] = ()
) -> Explanation:
    """Explain a decision.

    Guarantees:
        * One to three reasons; two at least where the claim has peers. The first one is of what decided the lane.
        * The number is that of the record: reviewed claims in the same step of the calibration, and how many of them
          were routine.
        * No code, provider or other person's claim is named.

    Args:
        record: Of the decision.
        policy: The bureau's, for the way to object.
        language: Of the sentences.
        block_names: ``RoutingModel.block_names``; without them the block that lies farthest is not named.
    """
    told = list(dict.fromkeys(_reasons(record, block_names)))[:MOST_REASONS]
    return Explanation(
        language=language,
        decision_id=record.decision_id,
        lane=record.lane,
        outcome=LANES[record.lane].of(language),
        reasons=tuple(words.of(language) for words in told),
        number=number_words(record).of(language),
        objection=policy.objection.zh if language == "zh" else policy.objection.en,
    )


def number_words(record: DecisionRecord) -> Words:
    """The defined number in a sentence; or that there is none."""
    if not record.similar:
        return NO_SIMILAR
    share = f"{record.similar_routine / record.similar:.1%}"
    n, routine = f"{record.similar:,}", f"{record.similar_routine:,}"
    return Words(*(text.format(n=n, routine=routine, share=share) for text in SIMILAR))


def _reasons(record: DecisionRecord, block_names: tuple[str, ...]) -> list[Words]:
    """What decided, then what stands behind it, then the rest."""
    decided, *others = record.reasons
    rules = [_rule_words(found.rule_id) for found in record.findings] if decided in _BY_RULE else []
    same_lane = [one for one in others if LANE_OF[one] is record.lane and one not in _BY_RULE]
    strange = strange_words(record, block_names) if _BY_SCORE & set(record.reasons) else []
    first = rules or [REASONS[decided]]
    told = [*first, *strange, *(REASONS[one] for one in same_lane)]
    compared = _filled(COMPARED, peer_words(record.peers, record.n_peers), Words("", ""))
    return told if len(told) > 1 or record.peers is None else [*told, compared]


def _rule_words(rule_id: str) -> Words:
    text = text_of(rule_id)
    return Words(f"规则“{text.name}”：{text.content}", f'Rule "{text.english_name}": {text.english_content}')


def strange_words(record: DecisionRecord, block_names: tuple[str, ...]) -> list[Words]:
    """The largest parts of the score in words, as far as they are large; of cost, stay and fees only the largest."""
    weighed = list(record.strangeness)
    beside_peers = max(range(RARITY), key=weighed.__getitem__)
    counted = [place for place in (beside_peers, RARITY, DISTANCE) if weighed[place] >= STRANGE_FROM]
    counted.sort(key=lambda place: -weighed[place])
    peers, block = peer_words(record.peers, record.n_peers), farthest_block(record, block_names)
    return [_filled(STRANGE[PARTS[place]], peers, block) for place in counted[:MOST_STRANGE]]


def farthest_block(record: DecisionRecord, block_names: tuple[str, ...]) -> Words:
    """The block that adds most to the distance."""
    if len(block_names) != len(record.contributions):
        return Words("若干方面", "several respects")
    return block_words(block_names[int(np.argmax(record.contributions))])


def _filled(words: Words, peers: Words, block: Words) -> Words:
    return Words(
        words.zh.format(peers=peers.zh, block=block.zh),
        words.en.format(peers=peers.en, block=block.en),
    )
