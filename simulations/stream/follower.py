"""A stream followed without messages: rounds, sums and exact noise in memory, for thousands of windows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from client.rowstore import RowStore
from common.errors import PlanError
from common.features.spec import AttributeBlock, FeatureSpec
from common.grid import from_grid
from common.kernel import Rows
from common.noise.randomness import AesStream
from common.pacing import Pace, going_on, pace_of, seeding
from common.plan import Plan, Protection
from common.privacy import Privacy
from common.private.asked import PrivateOutcome, PrivateRound
from common.private.noising import noised
from common.private.question import blocks, counted_on
from common.schedule import AnyOutcome, AnyRound, first_asked, next_asked
from common.stream.state import Event, StreamState
from common.stream.window import Window

Words = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

STREAM = "00" * 16


class StreamFollower:
    """Follows a stream of rows under a plan, window after window.

    Guarantees:
        * Every row is asked about in one window alone; rows of windows that were not asked about pool into the next.
    """

    def __init__(self, base: Plan, *, memory: int, seed: int, n_bureaus: int = 1, fewest_bureaus: int = 1) -> None:
        """Begin without clusters.

        Args:
            base: Protected.
            memory: What earlier windows weigh, per mille.
            seed: Of the noise and of how rows are dealt to bureaus.
            n_bureaus: Among whom rows are dealt.
            fewest_bureaus: That a new cluster must be seen in.
        """
        self._base, self._memory, self._fewest, self._n_bureaus = base, memory, fewest_bureaus, n_bureaus
        self._source = AesStream(seed.to_bytes(32, "big"))
        self._rng = np.random.default_rng(seed)
        self._number = 0
        self._waiting: list[Rows] = []
        self.state: StreamState | None = None
        self.events: list[Event] = []

    def window(self, rows: Rows) -> Floats | None:
        """Learn from a window; centroids ``(K, d)`` after it, None as long as there are none."""
        self._number += 1
        self._waiting.append(rows)
        plan = self._plan()
        if pace_of(plan, self._n_bureaus) is not Pace.POOL:
            pooled, self._waiting = np.concatenate(self._waiting), []
            self._follow(plan, pooled)
        return None if self.state is None else from_grid(self.state.centroid_units()[: len(self.state.clusters)])

    def _plan(self) -> Plan:
        window = Window(
            stream=STREAM,
            number=self._number,
            closes=self._number * 900,
            state=self.state,
            memory=self._memory,
            fewest_bureaus=self._fewest,
        )
        if self.state is None:
            return seeding(self._base, window, float(sum(len(rows) for rows in self._waiting)))
        return going_on(self._base, window)

    def _follow(self, plan: Plan, rows: Rows) -> None:
        stores = list(self._dealt(plan, rows))
        asked: AnyRound | AnyOutcome = first_asked(plan)
        while isinstance(asked, PrivateRound):
            total = sum((self._answer(plan, asked, store) for store in stores), np.zeros(1, np.int64))
            asked = next_asked(plan, asked, total, self._n_bureaus)
        if not isinstance(asked, PrivateOutcome) or asked.stream is None:
            raise PlanError("a protected window ends with a state")
        last = self.state.window if self.state else 0
        self.state = asked.stream
        self.events += [one for one in asked.stream.events if one.window > last]

    def _dealt(self, plan: Plan, rows: Rows) -> Sequence[RowStore]:
        homes = self._rng.integers(0, self._n_bureaus, len(rows))
        stores = []
        for bureau in range(self._n_bureaus):
            part = rows[homes == bureau]
            store = RowStore(rows.shape[1], plan.cost_cap_yuan)
            store.append(part, np.full(len(part), 1_000_000, np.int64), np.arange(len(part), dtype=np.uint64))
            stores.append(store)
        return stores

    def _answer(self, plan: Plan, asked: PrivateRound, store: RowStore) -> Words:
        if plan.privacy is None:
            raise PlanError("a stream is protected")
        cells, d = asked.centroids.shape
        parts = blocks(plan.privacy, asked.phase, cells, d, asked.cost)
        raw = store.answer(asked.question, plan.privacy)
        return noised(raw, parts, counted_on(plan), self._source).words


def base_plan(n_features: int, n_clusters: int, epsilon: float, seed: int, **terms: object) -> Plan:
    """A plan for rows that are made already, under which claims are protected.

    Args:
        n_features: Length of a row.
        n_clusters: To begin with.
        epsilon: Of a window, and so of the whole stream.
        seed: Of the plan.
        terms: Of its privacy section.
    """
    values = tuple(str(place) for place in range(n_features))
    block = AttributeBlock(share=1000, field="med_type", values=values)
    privacy = {"unit": "claim", "weighting": "each_claim", "expected_units": 1} | terms
    return Plan(
        features=FeatureSpec(name="plain", blocks=(block,)),
        n_clusters=n_clusters,
        min_cohort=1,
        protection=Protection.NOISE,
        privacy=Privacy.model_validate(privacy | {"epsilon_thousandths": round(epsilon * 1000)}),
        seed=seed,
    )
