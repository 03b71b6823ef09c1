"""In what a claim is like earlier ones here and in what not: the parts of its score in words.

Guarantees:
    * Only what was compared is called usual or unusual: a claim without peers is like nobody, and of what it does not
      state only that is said.
    * An operation is called rare only where there is one, and at most ``RARE_SHARE`` of comparable claims have it.
"""

from __future__ import annotations

from math import log

import numpy as np

from client.router.deciding.record import DecisionRecord
from client.router.deciding.scoring import COST, DISTANCE, FEES, MILLION, NO_RADIUS, PARTS, RARITY, STAY
from client.router.deciding.wording import (
    BESIDE_PEERS,
    LIKE,
    NOT_STATED,
    STRANGE,
    Words,
    block_words,
    filled,
    listed,
    peer_words,
)

MOST_STRANGE = 2
STRANGE_FROM = MILLION
"""A part of the score counts as a reason from here on: beyond about one and a half deviations of its peers."""

RARE_SHARE = 0.05
"""An operation is called rare where at most this share of the claims with such a diagnosis have it, as scored."""

RARE_FROM = round(-log(RARE_SHARE) * MILLION)
_NOWHERE = round(NO_RADIUS * MILLION)
"""Distance of a claim whose cluster has no usual one: nothing was compared."""


def like_words(record: DecisionRecord) -> list[Words]:
    """In what the claim is like its peers, as far as it was compared with any."""
    usual = [place for place in _compared(record) if record.strangeness[place] < STRANGE_FROM]
    parts, peers = [BESIDE_PEERS[place] for place in usual], peer_words(record.peers, record.n_peers)
    return [filled(LIKE, parts=listed(parts), peers=peers)] if parts else []


def strange_words(record: DecisionRecord, block_names: tuple[str, ...]) -> list[Words]:
    """The largest parts of the score in words, as far as they are large; of cost, stay and fees only the largest."""
    weighed = record.strangeness
    counted = [
        place for place in _counted(record) if weighed[place] >= (RARE_FROM if place == RARITY else STRANGE_FROM)
    ]
    counted.sort(key=lambda place: -weighed[place])
    given = {"peers": peer_words(record.peers, record.n_peers), "block": farthest_block(record, block_names)}
    stated = {*_compared(record), RARITY, DISTANCE}
    told = [filled(STRANGE[PARTS[place]], **given) if place in stated else _not_stated(place) for place in counted]
    return told[:MOST_STRANGE]


def _not_stated(place: int) -> Words:
    return filled(NOT_STATED, part=BESIDE_PEERS[place])


def _counted(record: DecisionRecord) -> list[int]:
    """Parts of the score that say something: the largest beside peers, the pair of codes, the distance."""
    weighed, counted = record.strangeness, list[int]()
    if record.peers is not None:
        counted.append(max(range(RARITY), key=weighed.__getitem__))
        counted += [RARITY] if record.inputs.operation is not None else []
    return counted if weighed[DISTANCE] == _NOWHERE else [*counted, DISTANCE]


def _compared(record: DecisionRecord) -> list[int]:
    """What of a claim was held against its peers."""
    inputs = record.inputs
    given = {COST: True, STAY: inputs.stay_days >= 0, FEES: any(fee > 0 for fee in inputs.fees_fen)}
    return [place for place, is_given in given.items() if is_given and record.peers is not None]


def farthest_block(record: DecisionRecord, block_names: tuple[str, ...]) -> Words:
    """The block that adds most to the distance."""
    if len(block_names) != len(record.contributions):
        return Words("若干方面", "several respects")
    return block_words(block_names[int(np.argmax(record.contributions))])
