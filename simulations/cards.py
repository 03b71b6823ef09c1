"""Cluster cards and bureau stories: the inside view put into words and figures, small counts left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from common.model import Model
from common.quality import cv_of_cost
from server.session import SessionReport
from simulations.bureaus import Bureaus
from simulations.inside import Inside
from simulations.story import FLOOR, BureauStory, ClusterCard, CodeShare

LEADING = 5
"""Codes on a card."""

CodeNames = Mapping[str, tuple[str, str]]
"""Normalised code (or group) to its English and Chinese name."""


def cluster_cards(model: Model, inside: Inside, bureaus: Bureaus, names: CodeNames) -> tuple[ClusterCard, ...]:
    """A card for each cluster, in the model's order."""
    words = bureaus.vocabularies
    counts, costs = inside.bureau_counts.sum(axis=1), inside.summary.costs
    few = costs[:, 0] < FLOOR
    means = np.where(few, np.nan, costs[:, 3] / np.maximum(costs[:, 0], 1))
    cvs = np.where(few, np.nan, cv_of_cost(costs))
    return tuple(
        ClusterCard(
            cluster=k,
            count=int(counts[k]),
            released_count=cluster.count,
            diagnoses=_leading(inside.diagnoses[k], words.diagnoses.values, names),
            operations=_leading(inside.operations[k], words.operations.values, names),
            operated_share=float(inside.operations[k].sum() / max(counts[k], 1)),
            fee_shares=tuple(float(share) for share in inside.fee_shares[k]),
            mean_cost=_number(means[k]) or 0.0,
            cost_cv=_number(cvs[k]),
            mean_stay_days=_number(inside.stay_days[k]),
            mean_age_years=_number(inside.age_years[k]),
            truth=next(iter(_leading(inside.truths[k], words.truths.values, names)), None),
            bureau_counts=tuple(int(count) for count in inside.bureau_counts[k]),
        )
        for k, cluster in enumerate(model.clusters)
    )


def bureau_stories(bureaus: Bureaus, session: SessionReport, names: CodeNames) -> tuple[BureauStory, ...]:
    """What is told of each bureau, largest first."""
    return tuple(
        BureauStory(
            name=bureau.name,
            name_en=names.get(bureau.name, (bureau.name, ""))[0],
            name_zh=names.get(bureau.name, ("", bureau.name))[1],
            n_claims=len(bureau.store),
            bytes_up=session.bytes_up.get(bureau.name, 0),
            lost=bureau.name not in session.model.provenance.cohort,
        )
        for bureau in bureaus.largest_first()
    )


def _leading(counts: npt.NDArray[np.int64], values: Sequence[str], names: CodeNames) -> tuple[CodeShare, ...]:
    """The most frequent codes that reach the floor."""
    order = np.argsort(-counts, kind="stable")[:LEADING]
    return tuple(
        CodeShare(code=values[place], count=int(counts[place]), name_en=named[0], name_zh=named[1])
        for place in order
        if counts[place] >= FLOOR
        for named in [names.get(values[place], ("", ""))]
    )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
