"""Scores of decided claims under another model or other habits: from rows and inputs that stand in their records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from client.router.deciding.artefacts import Artefacts
from client.router.deciding.distance import Places, locate
from client.router.deciding.inputs import Columns
from client.router.deciding.rowtext import row_of
from client.router.deciding.scoring import MILLION, score
from common.columns import encode_codes

AT_ONCE = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescored:
    """Of the ``n`` of ``m`` decided claims whose rows have the model's features.

    Attributes:
        scores: float64 ``(n,)``.
        clusters: int64 ``(n,)``, the nearest.
        fits: bool ``(m,)``, which of the claims these are.
    """

    scores: npt.NDArray[np.float64]
    clusters: npt.NDArray[np.int64]
    fits: npt.NDArray[np.bool_]


def rescored(records: Iterable[bytes], artefacts: Artefacts) -> Rescored:
    """Scores and clusters of some records under a model and habits.

    Guarantees:
        * A claim that was decided before the habits were observed may be among what they were observed in: it is left
          out of its counts, so that it looks as strange as a new one of its kind would.
        * A claim whose row was made with other features than the model's is left out, and it is told which these are.
    """
    parts = [_rescored([json.loads(one) for one in some], artefacts) for some in _some(records)]
    return Rescored(
        scores=np.concatenate([np.empty(0), *(one.scores for one in parts)]),
        clusters=np.concatenate([np.empty(0, np.int64), *(one.clusters for one in parts)]),
        fits=np.concatenate([np.empty(0, np.bool_), *(one.fits for one in parts)]),
    )


def _some(records: Iterable[bytes]) -> Iterator[Sequence[bytes]]:
    taken: list[bytes] = []
    for one in records:
        taken.append(one)
        if len(taken) == AT_ONCE:
            yield taken
            taken = []
    if taken:
        yield taken


def _rescored(given: Sequence[dict[str, Any]], artefacts: Artefacts) -> Rescored:
    model = artefacts.model
    fits = np.array([one["features_sha256"] == model.features_sha256 for one in given], np.bool_)
    records = [one for one, fitting in zip(given, fits.tolist(), strict=True) if fitting]
    if not records:
        return Rescored(scores=np.empty(0), clusters=np.empty(0, np.int64), fits=fits)
    rows = np.concatenate([row_of(one["row"], model.features.n_features) for one in records])
    places = locate(rows, model)
    among = np.array([one["decided_at"] <= artefacts.usual.fitted_at for one in records], np.bool_)
    return Rescored(
        scores=_scores([one["inputs"] for one in records], places, among, artefacts),
        clusters=places.nearest,
        fits=fits,
    )


def _scores(
    inputs: Sequence[dict[str, Any]], places: Places, among: npt.NDArray[np.bool_], artefacts: Artefacts
) -> npt.NDArray[np.float64]:
    """With and without the claim itself in the habits, and of each claim the one that fits."""
    columns, where = _columns(inputs), (places.nearest, places.square)
    with_it, without_it = (
        score(columns, *where, artefacts.model, artefacts.usual, among=one).scores / MILLION for one in (False, True)
    )
    return np.where(among, without_it, with_it)


def _columns(inputs: Sequence[dict[str, Any]]) -> Columns:
    return Columns(
        total=np.array([one["total_fen"] for one in inputs], np.int64),
        stay_days=np.array([one["stay_days"] for one in inputs], np.int64),
        fees=np.array([one["fees_fen"] for one in inputs], np.int64),
        diagnoses=encode_codes([one["diagnosis"] for one in inputs]),
        operations=encode_codes([one["operation"] for one in inputs]),
        refused=np.array([one["refused_automation"] for one in inputs], np.bool_),
        draws=np.array([one["draw"] for one in inputs], np.int64),
    )
