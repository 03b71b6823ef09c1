"""The headline: what the run was, and how good its clusters are, each figure beside what it is measured against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from simulations.report.bars import gauge, pointer
from simulations.report.figures import clustering_seconds, number
from simulations.report.formats import decimal, integer, percent, seconds

Figures = Mapping[str, object]
Verdict = str
"""``good``, ``fair`` or ``weak``; empty where there is nothing to judge by."""

NEAR, FAR = 0.98, 0.90
"""Shares of the reference's figure down to which a figure is called good, and fair."""

RATIO_NEAR, RATIO_FAR = 1.01, 1.05
RATIO_ENDS = (0.9, 1.1)
CV_MOST, CV_MANY = 0.95, 0.80


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A figure of the headline.

    Attributes:
        key: Of its texts.
        value: The figure.
        reference: The reference's, or empty.
        gauge: Both on a scale.
        ends: Of the scale.
        verdict: What to think of it.
    """

    key: str
    value: str
    reference: str
    gauge: Markup
    ends: tuple[str, str]
    verdict: Verdict


def facts(result: Figures) -> list[tuple[str, str]]:
    """Keys and figures of what the run was."""
    counts = [(key, integer(number(result, key))) for key in ("n_bureaus", "n_claims", "n_clusters", "rounds")]
    return [*counts, ("seconds", seconds(clustering_seconds(result)))]


def tiles(result: Figures) -> list[Tile]:
    """The figures of quality that are known."""
    found = (
        _ratio(result),
        _tile(result, "riv_log_cost", "riv_log_cost_reference", decimal),
        _cv(result),
        _tile(result, "truth_ari", "truth_ari_reference", decimal),
        _tile(result, "truth_nmi", "truth_nmi_reference", decimal),
    )
    return [tile for tile in found if tile is not None]


def costs(result: Figures) -> list[Tile]:
    """Explained shares of cost, trimmed and not, as far as they are known."""
    names = ("riv_cost_untrimmed", "riv_cost", "riv_log_cost")
    found = (_tile(result, name, f"{name}_reference", decimal) for name in names)
    return [tile for tile in found if tile is not None]


def _tile(result: Figures, key: str, against: str, shown: Callable[[float | None], str]) -> Tile | None:
    value, reference = number(result, key), number(result, against)
    if value is None:
        return None
    return Tile(
        key=key,
        value=shown(value),
        reference="" if reference is None else shown(reference),
        gauge=gauge(value, reference),
        ends=("0", "1"),
        verdict=_beside(value, reference),
    )


def _beside(value: float, reference: float | None) -> Verdict:
    if reference is None or reference <= 0:
        return ""
    return _graded(value >= NEAR * reference, value >= FAR * reference)


def _ratio(result: Figures) -> Tile | None:
    value = number(result, "inertia_ratio")
    if value is None:
        return None
    verdict = _graded(value <= RATIO_NEAR, value <= RATIO_FAR)
    return Tile(
        key="inertia_ratio",
        value=decimal(value),
        reference=decimal(1.0),
        gauge=pointer(value, 1.0, *RATIO_ENDS),
        ends=(decimal(RATIO_ENDS[0], 1), decimal(RATIO_ENDS[1], 1)),
        verdict=verdict,
    )


def _cv(result: Figures) -> Tile | None:
    value = number(result, "share_clusters_cv_below_1")
    if value is None:
        return None
    verdict = _graded(value >= CV_MOST, value >= CV_MANY)
    return Tile(
        key="share_clusters_cv_below_1",
        value=percent(value),
        reference="",
        gauge=gauge(value, None),
        ends=(percent(0.0), percent(1.0)),
        verdict=verdict,
    )


def _graded(good: bool, fair: bool) -> Verdict:  # noqa: FBT001  two answers to one question
    return "good" if good else ("fair" if fair else "weak")
