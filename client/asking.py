"""What a round's request may ask: centroids where claims can be, radii that reach no further, a price."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from common.errors import MessageError, RefusedError
from common.grid import from_grid
from common.kernel import MAX_CENTROID_NORM
from common.masked_messages import Invite
from common.messages import RoundRequest, bytes_to_words
from common.plan import Phase, Plan
from common.private.question import Question
from common.start import LARGEST_RADIUS
from common.stream.guide import Guide, guide_of

PRIVATE_PHASES = frozenset(Phase) - {Phase.REFINING}
OPEN_PHASES = frozenset(Phase) - {Phase.RADIUS, Phase.OUTCOMES, Phase.WINDOW}


class WrongShapeError(RefusedError):
    """A request asks for what no plan's rounds ask for."""


def centroids_asked(plan: Plan, request: RoundRequest) -> npt.NDArray[np.int64]:
    """The centroids of a request under a plan without protection, grid units ``(K, d)``.

    Raises:
        WrongShapeError: If there are too many, they do not fit the plan, are too far out, or come with radii or a
            price.
    """
    if request.radii or request.cost or request.phase not in OPEN_PHASES:
        msg = "a round without protection has neither radii nor a price"
        raise WrongShapeError(msg)
    return _centroids(plan, request)


def question_of(plan: Plan, request: RoundRequest | Invite) -> Question:
    """The question of a request under a protected plan.

    Raises:
        WrongShapeError: If centroids are too many, do not fit or are too far out, radii are not positive or reach
            beyond the unit ball, the phase is none of a protected run's, or the cells are not those of
            the plan's window.
    """
    centroids, radii = _centroids(plan, request), _words(request.radii, (request.n_centroids,))
    lone = request.phase is not Phase.RADIUS or request.n_centroids == 1
    if not lone or radii.min() <= 0 or radii.max() > LARGEST_RADIUS or request.phase not in PRIVATE_PHASES:
        msg = "these radii or this phase are none of a protected run's"
        raise WrongShapeError(msg)
    guide = None
    if request.phase is Phase.WINDOW:
        guide = _guide(plan, request)
    return Question(phase=request.phase, centroids=centroids, radii=radii, cost=request.cost, guide=guide)


def _guide(plan: Plan, request: RoundRequest | Invite) -> Guide:
    """Stands in the plan; a window is asked about the cells of its state."""
    if plan.window is None or plan.goes_on is None or request.n_centroids != len(plan.goes_on.cells):
        msg = "a window is asked about in a plan that goes on with a stream, and about its cells"
        raise WrongShapeError(msg)
    return guide_of(plan.window, plan.goes_on)


def _centroids(plan: Plan, request: RoundRequest | Invite) -> npt.NDArray[np.int64]:
    if request.n_centroids > plan.max_centroids:
        msg = f"{request.n_centroids} centroids are more than the plan's rounds have"
        raise WrongShapeError(msg)
    centroids = _words(request.centroids, (request.n_centroids, plan.features.n_features))
    if float((from_grid(centroids) ** 2).sum(axis=1).max()) > MAX_CENTROID_NORM**2:
        msg = "a centroid is too far out"
        raise WrongShapeError(msg)
    return centroids


def _words(held: bytes, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    try:
        return bytes_to_words(held, shape)
    except MessageError as error:
        raise WrongShapeError(str(error)) from error
