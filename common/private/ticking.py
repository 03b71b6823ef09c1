"""The round of a window: what is asked, and how its sum is read. A pure function of plan and sum, as all rounds are."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import numpy.typing as npt

from common.grid import GRID_UNITS, from_grid
from common.plan import Phase, Plan
from common.private.asked import PrivateOutcome, PrivateRound
from common.private.measured import Measured
from common.private.question import COORDINATES, COST_WORDS, OPERATIONS, Question, blocks, counted_on, parted
from common.private.update import Cells
from common.stream.beginning import Found, begun
from common.stream.following import followed, steady_noise
from common.stream.guide import guide_of
from common.stream.seen import Seen, WindowNoise
from common.stream.state import StreamState
from common.stream.window import Window

Words = npt.NDArray[np.int64]

SQUARE_UNITS = 1 << 30


def first(plan: Plan, cost: int) -> PrivateRound:
    """The one round of a window that goes on from a state; it may cost all that the run may."""
    window, state = _going_on(plan)
    squares = np.array([cell.square for cell in state.cells], np.float64) / SQUARE_UNITS
    cells = Cells(
        centroids=state.centroid_units(),
        radii=state.radius_units(),
        counts=np.array([cell.count for cell in state.cells], np.float64) / GRID_UNITS,
        spread=squares,
    )
    return PrivateRound(number=1, phase=Phase.WINDOW, cells=cells, cost=cost, spent=0, guide=guide_of(window, state))


def ended(plan: Plan, asked: PrivateRound, total: Words, n_bureaus: int) -> PrivateOutcome:
    """What is believed after the window; clusters and figures of the model are those of the new state."""
    window, state = _going_on(plan)
    seen = seen_of(plan, asked.question, total, n_bureaus)
    after = followed(window, state, seen, plan.smallest_cluster)
    return PrivateOutcome(
        centroids=after.centroid_units()[: len(after.clusters)],
        measured=_measured(after, seen, window),
        rounds=1,
        spent=asked.cost,
        stream=after,
    )


def seen_of(plan: Plan, question: Question, total: Words, n_bureaus: int) -> Seen:
    """The sum of ``n_bureaus`` answers to a window, read."""
    if plan.privacy is None:
        msg = "a plan without protection has no windows"
        raise ValueError(msg)
    cells, d = question.centroids.shape
    parts = blocks(plan.privacy, Phase.WINDOW, cells, d, question.cost)
    stds = [sqrt(part.variance * n_bureaus / counted_on(plan)) / GRID_UNITS for part in parts]
    words = [from_grid(held) for held in parted(total, tuple(part.n_words for part in parts))]
    more = {part.name: place for place, part in enumerate(parts)}
    along, kinds = more.get(COORDINATES), more.get(OPERATIONS)
    radii = from_grid(question.radii)
    return Seen(
        counts=words[0],
        offsets=words[1].reshape(cells, d) * radii[:, None],
        squares=words[2] * radii**2,
        bureaus=words[3],
        coordinates=None if along is None else words[along].reshape(cells, d) * radii[:, None] ** 2,
        operations=None if kinds is None else words[kinds],
        radii=radii,
        noise=WindowNoise(
            counts=stds[0],
            sums=stds[1],
            squares=stds[2],
            bureaus=stds[3],
            coordinates=0.0 if along is None else stds[along],
            operations=0.0 if kinds is None else stds[kinds],
        ),
    )


def begun_with(window: Window, found: PrivateOutcome) -> PrivateOutcome:
    """A run that has looked for clusters, as the beginning of a stream.

    Clusters that are kept though they were not found have no figures.
    """
    figures = found.measured
    looked = Found(
        centroids=found.centroids,
        counts=figures.counts,
        squares=figures.square_distances,
        square_noise=figures.square_noise_stds,
    )
    state = begun(window, looked)
    n_kept = len(state.clusters) - len(found.centroids)
    if not n_kept:
        return replace(found, stream=state)
    room = np.zeros(n_kept)
    return replace(
        found,
        centroids=state.centroid_units()[: len(state.clusters)],
        measured=replace(
            figures,
            counts=np.append(figures.counts, room),
            square_distances=np.append(figures.square_distances, room),
            costs=np.concatenate([figures.costs, np.zeros((n_kept, figures.costs.shape[1]))]),
            square_noise_stds=np.append(figures.square_noise_stds, room),
        ),
        stream=state,
    )


def _measured(after: StreamState, seen: Seen, window: Window) -> Measured:
    """Figures of the new clusters: claims of late windows, older ones faded; nothing of costs."""
    counts = np.array([one.count for one in after.clusters], np.float64) / GRID_UNITS
    squares = np.array([one.square for one in after.clusters], np.float64) / SQUARE_UNITS
    radii = np.array([one.radius for one in after.clusters], np.float64) / GRID_UNITS
    return Measured(
        counts=counts,
        square_distances=counts * squares,
        costs=np.zeros((len(counts), len(COST_WORDS))),
        count_noise_std=steady_noise(seen.noise.counts, window),
        square_noise_stds=steady_noise(seen.noise.squares, window) * radii**2,
        cost_noise_std=float("inf"),
    )


def _going_on(plan: Plan) -> tuple[Window, StreamState]:
    if plan.window is None or plan.goes_on is None:
        msg = "the plan does not go on with a stream"
        raise ValueError(msg)
    return plan.window, plan.goes_on
