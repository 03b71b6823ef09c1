"""What many records of a router say alike, spelled once: clusters, peers, steps of the calibration."""

from __future__ import annotations

import json
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as quoted
from typing import Self

import numpy as np

from client.router.deciding.calibration import Calibration
from client.router.deciding.habits import Habits
from client.router.deciding.line import Texts
from client.router.deciding.model import RoutingModel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Phrases:
    """Texts by what they are about. A step or a group that is not there has place -1, and a text of its own.

    Attributes:
        texts: All of them.
        clusters: Where those about clusters begin: what is said from the lineage to the version of the model.
        peers: Where those about groups of peers begin: their number, name and the policy.
        confidences: Where the confidences of the steps begin.
        steps: Where what stands behind them begins.
    """

    texts: Texts
    clusters: int
    peers: int
    confidences: int
    steps: int

    @classmethod
    def of(cls, model: RoutingModel, habits: Habits, calibration: Calibration | None, policy_sha256: str) -> Self:
        """Of what a bureau decides with."""
        clusters = [
            f'"lineage":{plain(list(names))},"model_sha256":"{model.sha256}","model_version":{model.version}'
            for names in model.lineage
        ]
        groups = zip(habits.sizes.tolist(), map(quoted, habits.names), strict=True)
        peers = [
            f'"n_peers":{n},"peers":{name},"policy_sha256":"{policy_sha256}"' for n, name in ((0, "null"), *groups)
        ]
        steps = calibration.steps if calibration else ()
        confidences = ["null", *(repr(step.confidence) for step in steps)]
        behind = ((0, 0), *((step.reviewed, step.routine) for step in steps))
        similar = [f'"similar":{reviewed},"similar_routine":{routine}' for reviewed, routine in behind]
        starts = np.cumsum([0, len(clusters), len(peers), len(confidences)]).tolist()
        return cls(
            texts=Texts.of([*clusters, *peers, *confidences, *similar]),
            clusters=starts[0],
            peers=starts[1] + 1,
            confidences=starts[2] + 1,
            steps=starts[3] + 1,
        )


def cards_said(sha256: str, version: int | None) -> str:
    """Which cards counted, as a record says it: with the model's version where they were taken over."""
    taken_over = "" if version is None else f',"cards_version":{version}'
    return f'"cards_sha256":"{sha256}"{taken_over}'


def plain(held: object) -> str:
    """JSON with sorted keys and without blanks, in ASCII."""
    return json.dumps(held, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
