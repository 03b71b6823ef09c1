"""What would leave: every round, every field, its bytes, the noise on it, and the charge. Pure; reads no claim."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from client.ledger.release import Charge, WindowCharge
from client.ledger.spending import Limits, Spending
from client.policy import Policy
from common.accounting.charges import rdp_epsilon
from common.accounting.guarantee import Language, Neighbouring
from common.grid import GRID_UNITS
from common.messages import RoundReply, words_to_bytes
from common.noise.local_noise import local_variance
from common.noise.randomness import RandomBytes
from common.plan import Phase, Plan
from common.private.feasible import feasibility
from common.private.forecast import Forecast, forecast
from common.private.noising import noised
from common.private.question import counted_on
from common.wire import encode

NO_DIGEST = "0" * 64
NO_SESSION = bytes(16)
LONGEST_HEAD = "9" * 12 + ":" + NO_DIGEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A block of the answer.

    Attributes:
        name: As in ``common.private.question``.
        words: Numbers of 8 bytes.
        noise_std: What this bureau alone adds to each number, in units of one claim of weight 1.
        sensitivity: What one protected unit can change the block by, in the same units.
        rho: Its price, units of 1e-9.
    """

    name: str
    words: int
    noise_std: float
    sensitivity: float
    rho: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """Consecutive rounds that send the same.

    Attributes:
        phase: What they are for.
        first: Number of the first.
        times: How many.
        n_centroids: At most, in each.
        fields: Bytes of each field of a reply, by name, as it is sent.
        message_bytes: Of a whole reply.
        parts: Of the summary.
        rho: Price of each, units of 1e-9.
    """

    phase: Phase
    first: int
    times: int
    n_centroids: int
    fields: dict[str, int]
    message_bytes: int
    parts: tuple[Part, ...]
    rho: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Everything a station would send under a plan.

    Attributes:
        fingerprint: Of the plan.
        protection: Of the plan.
        sentences: What is guaranteed and how it is done, in English and Chinese.
        phi: Feasibility index for the plan's smallest cohort.
        rounds: In order.
        total_bytes: Of all replies, at most.
        rho: Of all of them, units of 1e-9.
        epsilon: The same, at the plan's delta.
        objections: Why this bureau's policy would refuse; empty if it would not.
        example: A first reply of a bureau that has no claims: noise alone, in the form in which it is sent.
    """

    fingerprint: str
    protection: str
    sentences: dict[str, str]
    phi: float
    rounds: tuple[Rounds, ...]
    total_bytes: int
    rho: int
    epsilon: float
    objections: tuple[str, ...]
    example: bytes


def preview(plan: Plan, bureau: str, policy: Policy, random_bytes: RandomBytes) -> Preview:
    """What a station of this bureau would send under a protected plan.

    Raises:
        PlanError: If the plan's budget cannot be divided.
        ValueError: If the plan has no protection: then exact sums would leave, and there is no noise to show.
    """
    if plan.privacy is None:
        msg = "a plan without protection sends exact sums: there is no noise to preview"
        raise ValueError(msg)
    foreseen = forecast(plan)
    rho = sum(one.cost for one in foreseen)
    rounds = tuple(_rounds(plan, bureau, foreseen))
    guarantee = plan.privacy.guarantee
    return Preview(
        fingerprint=plan.fingerprint,
        protection=str(plan.protection),
        sentences={str(language): guarantee.sentence(language) for language in Language},
        phi=feasibility(plan, max(plan.min_cohort, policy.min_cohort)).phi,
        rounds=rounds,
        total_bytes=sum(one.message_bytes * one.times for one in rounds),
        rho=rho,
        epsilon=rdp_epsilon((rho,), guarantee.delta),
        objections=tuple(_objections(plan, policy)),
        example=_example(plan, bureau, foreseen[0], random_bytes),
    )


def objection_to_spending(plan: Plan, policy: Policy, spending: Spending, limits: Limits, now: int) -> str | None:
    """Which of the bureau's limits a whole run of this plan would break, as the ledger stands; None if it fits."""
    foreseen = forecast(plan)
    if plan.privacy is None:
        return None
    rho = sum(one.cost for one in foreseen)
    window = _window(plan, max(rho, limits.year - spending.plain_year(now)))
    whole = Charge(
        rho=rho,
        unit=plan.privacy.unit,
        neighbouring=Neighbouring.ADD_OR_REMOVE_ONE,
        data_version="preview",
        window=window,
    )
    relaxed = Limits(
        release=limits.session,
        session=limits.session,
        data_version=limits.data_version,
        year=limits.year,
        releases_per_day=limits.releases_per_day - len(foreseen) + 1,
        windows_per_day=limits.windows_per_day,
    )
    refused = policy.objection_to_charge(whole, session=NO_SESSION, spending=spending, now=now, limits=relaxed)
    return None if refused is None else "what is left of the year's or the day's limits is not enough for this run"


def _window(plan: Plan, cap: int) -> WindowCharge | None:
    """What the ledger would be told of the plan's window."""
    if plan.window is None:
        return None
    return WindowCharge(stream=plan.window.stream, number=plan.window.number, cap=cap)


def _rounds(plan: Plan, bureau: str, foreseen: tuple[Forecast, ...]) -> Iterator[Rounds]:
    number = 1
    for _, alike in groupby(foreseen, key=lambda one: (one.phase, one.n_centroids, one.cost)):
        stretch = list(alike)
        one = stretch[0]
        reply = _reply(plan, bureau, number, bytes(8 * sum(block.n_words for block in one.blocks)))
        yield Rounds(
            phase=one.phase,
            first=number,
            times=len(stretch),
            n_centroids=one.n_centroids,
            fields={name: _size(getattr(reply, name)) for name in sorted(RoundReply.model_fields)},
            message_bytes=len(encode(reply)),
            parts=_parts(plan, one),
            rho=one.cost,
        )
        number += len(stretch)


def _parts(plan: Plan, one: Forecast) -> tuple[Part, ...]:
    return tuple(
        Part(
            name=block.name,
            words=block.n_words,
            noise_std=float(local_variance(block.variance, counted_on(plan))) ** 0.5 / GRID_UNITS,
            sensitivity=block.squared_sensitivity**0.5 / GRID_UNITS,
            rho=block.cost,
        )
        for block in one.blocks
    )


def _objections(plan: Plan, policy: Policy) -> Iterator[str]:
    if policy.objection_to_plan(plan) is not None:
        yield "the plan, its features or its protection is not on the policy's lists"
    if policy.objection_to_floor(plan) is not None:
        yield f"it would show clusters of {plan.smallest_cluster}; the policy's floor is {policy.cell_floor}"
    if plan.privacy is not None and policy.objection_to_guarantee(plan.privacy.guarantee) is not None:
        yield "its epsilon, its delta or whom it protects is not enough for the policy"


def _example(plan: Plan, bureau: str, first: Forecast, random_bytes: RandomBytes) -> bytes:
    nothing = np.zeros(sum(block.n_words for block in first.blocks), np.int64)
    noisy = noised(nothing, first.blocks, counted_on(plan), random_bytes)
    return encode(_reply(plan, bureau, 1, words_to_bytes(noisy.words)))


def _reply(plan: Plan, bureau: str, number: int, summary: bytes) -> RoundReply:
    return RoundReply(
        session=NO_SESSION,
        fingerprint=plan.fingerprint,
        number=number,
        attempt=1,
        bureau=bureau,
        request=NO_DIGEST,
        summary=summary,
        head=LONGEST_HEAD,
    )


def _size(value: object) -> int:
    """Bytes of a field's value, without its name."""
    if isinstance(value, bytes):
        return len(value)
    return len(value.encode()) if isinstance(value, str) else 8
