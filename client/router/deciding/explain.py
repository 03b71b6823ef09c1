"""Explaining a decision to the insured person: what happens, why, a number that can be counted again, how to object.

References:
    Personal Information Protection Law of the People's Republic of China, 2021, article 24: decisions by automation
    must be transparent; a person may ask for an explanation, and refuse a decision made by automation alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from client.router.deciding.ancestry import lineage_words
from client.router.deciding.lanes import LANE_OF, Lane, Reason
from client.router.deciding.likeness import like_words, strange_words
from client.router.deciding.policy import Language, RouterPolicy
from client.router.deciding.record import DecisionRecord
from client.router.deciding.wording import (
    COMPARED,
    FOUND_BY_RULE,
    LANES,
    NO_SIMILAR,
    REASONS,
    SIMILAR,
    TAG_NAMES,
    TAGGED,
    Words,
    filled,
    peer_words,
)
from client.router.rules.table import rules_from, text_of

MOST_REASONS = 3

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
        reasons: Two or three plain reasons: rules that stop claims first, then what decided.
        number: The share of similar reviewed claims that were routine, with what it is a share of; or why none is told.
        tags: What a reviewer wants to see at a glance, in words.
        lineage: The cluster's names through the versions of the model, the newest first; in a stream its name there,
            and where it came from: since when it is there, what it was split from, what it merged with.
        objection: How to object.
    """

    language: Language
    decision_id: str
    lane: Lane
    outcome: str
    reasons: tuple[str, ...]
    number: str
    tags: tuple[str, ...]
    lineage: tuple[str, ...]
    objection: str

    def text(self) -> str:
        """As plain text, a sentence or two a line."""
        return "\n".join((self.outcome, *self.reasons, self.number, *self.remarks(), self.objection))

    def remarks(self) -> tuple[str, ...]:
        """The tags in a sentence; nothing where there are none."""
        joined = ("、" if self.language == "zh" else ", ").join(self.tags)
        return (TAGGED.of(self.language).format(tags=joined),) if joined else ()


def explain(
    record: DecisionRecord, policy: RouterPolicy, language: Language, block_names: tuple[str, ...] = ()
) -> Explanation:
    """Explain a decision.

    Guarantees:
        * One to three reasons; two at least where the claim has peers. Rules that stop claims come before all others;
          where there are none, the first one is of what decided the lane.
        * Only what was compared is called usual or unusual (``client.router.deciding.likeness``).
        * The number is that of the record: reviewed claims in the same step of the calibration, and how many of them
          were routine. It is counted among claims at which no rule points, and told of no others.
        * No code, provider or other person's claim is named.

    Args:
        record: Of the decision.
        policy: The bureau's: which rules stop claims, and how to object.
        language: Of the sentences.
        block_names: ``RoutingModel.block_names``; without them the block that lies farthest is not named.
    """
    told = list(dict.fromkeys(_reasons(record, policy, block_names)))[:MOST_REASONS]
    return Explanation(
        language=language,
        decision_id=record.decision_id,
        lane=record.lane,
        outcome=LANES[record.lane].of(language),
        reasons=tuple(words.of(language) for words in told),
        number=number_words(record).of(language),
        tags=tuple(TAG_NAMES[tag].of(language) for tag in record.tags),
        lineage=lineage_words(record.lineage, language),
        objection=policy.objection.zh if language == "zh" else policy.objection.en,
    )


def number_words(record: DecisionRecord) -> Words:
    """The defined number in a sentence; or why there is none."""
    if record.findings:
        return FOUND_BY_RULE
    if not record.similar:
        return NO_SIMILAR
    share = f"{record.similar_routine / record.similar:.1%}"
    n, routine = f"{record.similar:,}", f"{record.similar_routine:,}"
    return Words(*(text.format(n=n, routine=routine, share=share) for text in SIMILAR))


def _reasons(record: DecisionRecord, policy: RouterPolicy, block_names: tuple[str, ...]) -> list[Words]:
    """What stops the claim, what decided, what stands behind it, then the rest."""
    decided, *others = record.reasons
    hard, soft = _rules_told(record, policy)
    same_lane = [one for one in others if LANE_OF[one] is record.lane and one not in _BY_RULE]
    strange = strange_words(record, block_names) if _BY_SCORE & set(record.reasons) else []
    like = like_words(record) if decided is Reason.ROUTINE else []
    first = [] if decided in _BY_RULE and record.findings else [REASONS[decided]]
    told = [*hard, *first, *soft, *strange, *like, *(REASONS[one] for one in same_lane)]
    compared = filled(COMPARED, peers=peer_words(record.peers, record.n_peers))
    return told if len(told) > 1 or record.peers is None else [*told, compared]


def _rules_told(record: DecisionRecord, policy: RouterPolicy) -> tuple[list[Words], list[Words]]:
    """Rules that stop the claim, and the others that found something."""
    stops = {rule.text.rule_id for rule in rules_from(policy.rules) if rule.hard} if record.inputs.hard_rule else set()
    told = [(found.rule_id in stops, _rule_words(found.rule_id)) for found in record.findings]
    return [words for hard, words in told if hard], [words for hard, words in told if not hard]


def _rule_words(rule_id: str) -> Words:
    text = text_of(rule_id)
    return Words(f"规则“{text.name}”：{text.content}。", f'Rule "{text.english_name}": {text.english_content}.')
