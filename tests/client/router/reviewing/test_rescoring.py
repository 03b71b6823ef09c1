"""Scores of reviewed claims: as strange as a new claim of the kind, whether or not the habits know the claim."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from client.router.deciding.artefacts import Artefacts
from client.router.deciding.deciding import decide
from client.router.deciding.observing import observe
from client.router.deciding.scoring import MILLION, score
from client.router.reviewing.rescoring import rescored
from tests.client.router.deciding.worlds import NOW, artefacts, decisions, found, routed, rows


def recorded(moment: int) -> list[bytes]:
    return list(decide(routed(), rows(), found(), artefacts(), moment).spelled().records)


def scores_of(records: list[bytes], given: Artefacts | None = None) -> list[float]:
    return rescored(records, given or artefacts()).scores.tolist()


def test_a_claim_decided_after_the_habits_keeps_its_score() -> None:
    held = recorded(NOW + 1)
    assert scores_of(held) == [json.loads(one)["score"] for one in held]


def test_a_claim_decided_before_the_habits_is_left_out_of_its_own_counts() -> None:
    held, places = decisions(), decisions().weighed.places
    given = artefacts()
    without = score(held.columns, places.nearest, places.square, given.model, given.usual, among=True).scores / MILLION
    assert scores_of(recorded(NOW)) == without.tolist()
    mixed = [one for pair in zip(recorded(NOW)[:50], recorded(NOW + 1)[:50], strict=True) for one in pair]
    expected = [[low, json.loads(one)["score"]] for low, one in zip(without[:50], recorded(NOW + 1), strict=False)]
    assert scores_of(mixed) == np.array(expected).ravel().tolist()


def test_a_claim_of_a_rare_kind_is_as_strange_as_if_the_habits_had_never_seen_it() -> None:
    given, held = artefacts(), decisions()
    kinds = given.usual.kinds(
        held.columns.diagnoses, held.columns.operations, held.weighed.places.nearest, given.model.kin
    )
    rare = int(np.argmax(np.where(kinds.pair == 1, kinds.diagnosis, 0)))
    others = np.delete(np.arange(len(held)), rare)
    unseen = observe(routed().table.select(others), held.weighed.places.nearest[others], given.model, NOW)
    [new] = scores_of([recorded(NOW + 1)[rare]], replace(given, habits=unseen, calibration=None))
    [old], [naive] = scores_of([recorded(NOW)[rare]]), scores_of([recorded(NOW + 1)[rare]])
    assert abs(1 / old - 1 / new) < 0.01
    assert abs(1 / naive - 1 / new) > 0.03
