"""The regional mix: which share of each cluster's claims every bureau holds, small cells hidden."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulations.report.floor import hidden_cells
from simulations.report.naming import bureau_name, full_name
from simulations.report.texts import Catalogue, Text
from simulations.story import Story

MOST_COLUMNS = 20
"""With more bureaus than this, the smallest are shown together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """A table of clusters and bureaus.

    Attributes:
        rows: Names of the clusters.
        columns: Names of the bureaus.
        shares: ``(n_rows, n_columns)``, each row adds up to 1.
        hidden: Cells that are not shown.
        overall: ``(n_columns,)``, shares of all claims.
    """

    rows: tuple[Text, ...]
    columns: tuple[Text, ...]
    shares: npt.NDArray[np.float64]
    hidden: npt.NDArray[np.bool_]
    overall: npt.NDArray[np.float64]


def regional_mix(story: Story, texts: Catalogue) -> Mix:
    """The table to show; the smallest of many bureaus are put together."""
    counts = np.array([card.bureau_counts for card in story.cards], np.int64).reshape(len(story.cards), -1)
    names = [bureau_name(bureau) for bureau in story.bureaus]
    if len(names) > MOST_COLUMNS:
        kept = MOST_COLUMNS - 1
        names = [*names[:kept], texts.plain("mix.others", n=len(names) - kept)]
        counts = np.column_stack([counts[:, :kept], counts[:, kept:].sum(axis=1)])
    return Mix(
        rows=tuple(full_name(card, texts) for card in story.cards),
        columns=tuple(names),
        shares=counts / np.maximum(counts.sum(axis=1, keepdims=True), 1),
        hidden=hidden_cells(counts),
        overall=counts.sum(axis=0) / max(counts.sum(), 1),
    )
