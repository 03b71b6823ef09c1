"""A whole protected run without messages: the schedule of private rounds over rows in memory, with real noise."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from common.costs import costs_of
from common.grid import GRID_UNITS
from common.kernel import Rows, row_norms
from common.noise.randomness import AesStream
from common.plan import Plan
from common.privacy import Privacy
from common.private.answering import raw_answer
from common.private.asked import PrivateOutcome, PrivateRound
from common.private.lbg import first, following
from common.private.noising import noised
from common.private.question import Block, Question, blocks, counted_on
from tests.common.open_run import plan_of

Words = npt.NDArray[np.int64]


def private_plan(n_features: int, terms: dict[str, object] | None = None, **changes: object) -> Plan:
    """A protected plan whose rows have a given length; claims are its unit."""
    privacy = {"unit": "claim", "weighting": "each_claim", "expected_units": 20_000} | (terms or {})
    return plan_of(n_features, **({"protection": "noise", "privacy": Privacy.model_validate(privacy)} | changes))


def raw_words(plan: Plan, question: Question, rows: Rows) -> Words:
    """What bureaus with these rows would answer together, before noise; each claim costs 10,000 yuan."""
    costs = costs_of(np.full(len(rows), 1_000_000, np.int64), plan.cost_cap_yuan)
    weights = np.full(len(rows), GRID_UNITS, np.int64)
    return raw_answer(question, rows, row_norms(rows), costs, weights, cap_yuan=plan.cost_cap_yuan)


def blocks_of(plan: Plan, question: Question) -> tuple[Block, ...]:
    """What an answer is made of."""
    assert plan.privacy is not None
    k, d = question.centroids.shape
    return blocks(plan.privacy, question.phase, k, d, question.cost)


def rounds_of(
    plan: Plan, bureaus: Sequence[Rows], seed: int, *, noisy: bool = True
) -> Iterator[PrivateRound | PrivateOutcome]:
    """Each round of a run, and its outcome."""
    source = AesStream(seed.to_bytes(32, "big"))
    asked: PrivateRound | PrivateOutcome = first(plan)
    while isinstance(asked, PrivateRound):
        yield asked
        total = np.zeros(1, np.int64)
        for rows in bureaus:
            raw = raw_words(plan, asked.question, rows)
            parts = blocks_of(plan, asked.question)
            total = total + (noised(raw, parts, counted_on(plan), source).words if noisy else raw)
        asked = following(plan, asked, total, len(bureaus))
    yield asked


def outcome_of(plan: Plan, bureaus: Sequence[Rows], seed: int, *, noisy: bool = True) -> PrivateOutcome:
    """The end of a run."""
    *_, last = rounds_of(plan, bureaus, seed, noisy=noisy)
    assert isinstance(last, PrivateOutcome)
    return last
