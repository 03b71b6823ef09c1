"""The model check: a question must follow from the sum that was opened before it. Stations do not take it on trust."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from common.errors import MessageError, RefusedError
from common.masked_messages import Invite
from common.messages import bytes_to_words
from common.model import Model, model_of
from common.plan import Plan
from common.private.asked import PrivateOutcome, PrivateRound
from common.private.lbg import after_loss, first, following
from common.private.plausible import is_plausible
from common.private.question import Question
from common.schedule import n_words

CLOSE = 1e-6
"""Relative difference of two machines' floating point in a figure."""

NEAR_ENOUGH = 1
"""Grid units by which two machines' floating point may differ."""


class WrongModelError(RefusedError):
    """What the coordinator asks, or publishes, does not follow from what was opened: never answer it."""


def next_round(plan: Plan, last: PrivateRound | None, invite: Invite, question: Question) -> PrivateRound:
    """The round that an invitation asks for, with the centroids it was sent.

    Guarantees:
        * Phase, price and number of centroids are those of the schedule; no coordinate is more than a grid unit off.

    Args:
        plan: Of the session.
        last: The round answered before; None before the first.
        invite: The invitation.
        question: What it asks.

    Raises:
        WrongModelError: If it does not follow.
        RoundLostError: If a lost round cannot be repeated.
    """
    expected = _expected(plan, last, invite)
    if not isinstance(expected, PrivateRound) or expected.number != invite.number:
        raise WrongModelError("no such round follows")
    same = (expected.phase, expected.cost, expected.centroids.shape) == (
        question.phase,
        question.cost,
        question.centroids.shape,
    )
    if not same or not _near(expected.centroids, question.centroids) or not _near(expected.radii, question.radii):
        raise WrongModelError("the question does not follow from the sum that was opened")
    return replace(expected, cells=replace(expected.cells, centroids=question.centroids, radii=question.radii))


def check_model(plan: Plan, last: PrivateRound, model: Model, opened: bytes, answered: int) -> None:
    """Nothing, if a model follows from the last opened sum.

    Raises:
        WrongModelError: If it does not.
    """
    outcome = (
        following(plan, last, _words(plan, last, opened, answered), answered)
        if opened
        else after_loss(plan, last, answered)
    )
    if not isinstance(outcome, PrivateOutcome):
        raise WrongModelError("a model is published before the last round")
    expected = model_of(plan, outcome, model.provenance)
    same = expected.centroid_units().shape == model.centroid_units().shape
    if not same or not _near(expected.centroid_units(), model.centroid_units()):
        raise WrongModelError("the model's centroids do not follow from the sum that was opened")
    if not _alike(_figures(expected), _figures(model)):
        raise WrongModelError("the model's figures do not follow from the sum that was opened")


def _figures(model: Model) -> object:
    """All that a model says beside its centroids and where it comes from."""
    return model.model_dump(include={"clusters", "quality", "outcomes", "spent", "stream", "plan_fingerprint"})


def _alike(one: object, other: object) -> bool:
    """Whether two nested figures are the same, but for the last digits of floating point."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(_alike(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=CLOSE, abs_tol=CLOSE)
    return one == other


def _expected(plan: Plan, last: PrivateRound | None, invite: Invite) -> PrivateRound | PrivateOutcome:
    if last is None:
        if invite.opened or invite.answered:
            raise WrongModelError("nothing was opened before the first round")
        return first(plan)
    if invite.opened:
        return following(plan, last, _words(plan, last, invite.opened, invite.answered), invite.answered)
    return after_loss(plan, last, invite.answered)


def _words(plan: Plan, last: PrivateRound, opened: bytes, answered: int) -> npt.NDArray[np.int64]:
    try:
        words = bytes_to_words(opened, (n_words(plan, last.phase, len(last.centroids)),))
    except MessageError as error:
        raise WrongModelError("the opened sum is not of the round before") from error
    if not is_plausible(plan, last.question, words, answered):
        raise WrongModelError("no claims could have the opened sum")
    return words


def _near(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> bool:
    return bool(np.abs(one - other).max() <= NEAR_ENOUGH)
