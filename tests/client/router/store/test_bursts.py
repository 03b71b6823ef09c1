"""A burst in one hospital beside the same surge in many: the router of the bureau, claims by the second, a stream."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from client.router.belonging import about
from client.router.claims import RoutedClaims
from client.router.deciding.artefacts import Artefacts
from client.router.deciding.cards import no_cards
from client.router.deciding.distance import locate
from client.router.deciding.fitting import Reviewed, fit_calibration
from client.router.deciding.inputs import columns_of
from client.router.deciding.observing import observe
from client.router.deciding.scoring import MILLION, score
from client.router.desk import Desk
from client.router.place import RouterPlace
from client.router.router import Router, now
from client.router.store.artefacts import Kind
from common.columns import ClaimTable
from common.costs import costs_of, sum_costs
from common.features.rows import Featuriser
from common.kernel import e_step, row_norms
from common.model import Model, Provenance, model_of
from common.rounds import Outcome
from common.stream.state import StreamCluster, StreamState
from common.summary import Summary
from simulations.receiving import receive
from simulations.world.arriving import ArrivingBureau, ArrivingWorld
from simulations.world.happenings import Surge
from tests.client.router.deciding.worlds import LOT, PLAN
from tests.client.router.store.streaming import StreamHome
from tests.client.router.streams import STREAM, stream_plan

pytestmark = pytest.mark.slow

KIND, HOUR, WINDOW = "CHOLECYSTECTOMY", 3_600, 900
OPENS, BEGINS, ENDS, HOURS = 8.0, 9.0, 13.0, 13
AN_HOUR = 60.0


def world(surge: Surge) -> ArrivingWorld:
    return ArrivingWorld(seed=3, hours=HOURS, claims_per_hour=1_500, n_bureaus=4, happenings=(surge,))


BURST = world(Surge(begins=BEGINS, ends=ENDS, group=KIND, per_hour=AN_HOUR, bureaus=(0,)))
SPREAD = world(Surge(begins=BEGINS, ends=ENDS, group=KIND, per_hour=4 * AN_HOUR, bureaus=(0, 1, 2, 3), hospitals=8))


def received(bureau: ArrivingBureau, first_hour: float, last_hour: float) -> Iterator[RoutedClaims]:
    opens = bureau.world.opens
    return receive(bureau, opens + round(first_hour * HOUR), opens + round(last_hour * HOUR))


@cache
def model() -> Model:
    """Of the claims of all bureaus, a cluster for each kind: as a stream that has settled finds them."""
    tables = [one.table for bureau in SPREAD.bureaus for one in received(bureau, OPENS, HOURS)]
    rows = np.concatenate([Featuriser(PLAN.features).rows(table) for table in tables])
    totals, kinds = np.concatenate([table.total for table in tables]), np.concatenate([_kinds(one) for one in tables])
    means = [rows[kinds == kind].astype(np.float64).mean(axis=0) for kind in sorted(set(kinds.tolist()))]
    centroids = np.rint(np.array(means) * (1 << 20)).astype(np.int64)
    step = e_step(rows, row_norms(rows), centroids)
    costs = sum_costs(costs_of(totals, PLAN.cost_cap_yuan), step.labels, len(centroids))
    summary = Summary(counts=step.counts, sums=step.sums, squares=step.squares, costs=costs)
    plan = PLAN.model_copy(update={"n_clusters": len(centroids)})
    provenance = Provenance(session="00" * 16, rounds=1, cohort=("a", "b", "c", "d"), version="0")
    return _of_a_stream(model_of(plan, Outcome(centroids=centroids, summary=summary, rounds=1), provenance))


def _kinds(table: ClaimTable) -> np.ndarray:
    """The truth."""
    return _codes(table, "drg_code")


def _codes(table: ClaimTable, name: str) -> np.ndarray:
    column = table.attributes[name]
    return np.array([*column.values, ""])[column.indices]


def _of_a_stream(found: Model) -> Model:
    clusters = [
        StreamCluster(
            identity=100 - place,
            born=1,
            centroid=centroid,
            radius=1 << 20,
            count=(one.count or 0) << 20,
            square=round((one.mean_square_distance or 0.0) * (1 << 30)),
        )
        for place, (centroid, one) in enumerate(zip(found.centroids, found.clusters, strict=True))
    ]
    state = StreamState(window=50, seeded=1, clusters=tuple(clusters), next_identity=101)
    plan = stream_plan()
    changes = {"plan": plan, "plan_fingerprint": plan.fingerprint, "stream": state}
    return Model.model_validate_json(found.model_copy(update=changes).to_json())


@dataclass(frozen=True)
class Told:
    """What became of a claim."""

    surged: bool
    provider: str
    cluster: int
    share: int | None
    lane: str
    reasons: tuple[str, ...]


def office(root: Path) -> StreamHome:
    """The router of the largest bureau. It trusts every cluster, and reviewers found all claims routine until now."""
    found = StreamHome.begin(root)
    found.home.policy(
        min_confidence=0.5, fast_share=1.0, spot_check_share=0.0, novel_beyond=20, clusters_of=STREAM[:12]
    )
    path = RouterPlace(root).policy
    words = "".join(f'{number} = "fast"\n' for number in range(100 - len(model().clusters) + 1, 101))
    path.write_text(path.read_text().replace("[clusters]\n", f"[clusters]\n{words}"))
    found.accept(model())
    settle(found)
    return found


def settle(home: StreamHome) -> None:
    """Habits and calibration, from the claims before the surge."""
    routing, [*batches] = home.routing(1), received(BURST.bureaus[0], OPENS, BEGINS)
    featuriser = Featuriser(routing.features)
    claims = max(batches, key=len)
    places = locate(featuriser.rows(claims.table), routing)
    habits = observe(claims.table, places.nearest, routing, now())
    scores = score(columns_of(claims, LOT), places.nearest, places.square, routing, habits).scores / MILLION
    with Desk.open(home.home.root) as desk:
        calibration = fit_calibration(
            Reviewed(scores=scores, routine=np.ones(len(scores), np.bool_)),
            scores,
            desk.policy(),
            model_sha256=routing.family,
            habits_sha256=habits.sha256,
            now=now(),
        )
        assert calibration is not None
        given = Artefacts(
            model=routing,
            policy=desk.policy(),
            cards=no_cards(routing),
            habits=habits,
            calibration=calibration,
            lot=LOT,
        )
        made = {Kind.HABITS: given.usual.to_json(), Kind.CALIBRATION: calibration.to_json()}
        for kind, held in made.items():
            desk.store.artefacts.point(kind, about(routing), desk.store.artefacts.keep(kind, held, now()))


def day_of(bureau: ArrivingBureau, root: Path) -> list[Told]:
    """Everything that the bureau receives, window after window, through its router."""
    found: list[Told] = []
    with Router.open(office(root).home.root) as router:
        for opens in range(round(OPENS) * HOUR, HOURS * HOUR, WINDOW):
            for claims in received(bureau, opens / HOUR, (opens + WINDOW) / HOUR):
                held = [json.loads(one) for one in router.decide(claims).records]
                surged = (_kinds(claims.table) == KIND) & (BEGINS * HOUR <= opens < ENDS * HOUR)
                providers = _codes(claims.table, "fixmedins_code").tolist()
                found += [_told(*one) for one in zip(held, surged.tolist(), providers, strict=True)]
    return found


def _told(record: dict[str, object], surged: bool, provider: str) -> Told:  # noqa: FBT001  a column
    inputs = record["inputs"]
    assert isinstance(inputs, dict)
    return Told(
        surged=surged,
        provider=provider,
        cluster=int(record["cluster"]),  # type: ignore[call-overload]
        share=inputs["provider_share"],
        lane=str(record["lane"]),
        reasons=tuple(record["reasons"]),  # type: ignore[arg-type]
    )


def known(told: list[Told]) -> list[Told]:
    """Claims of the kind that surged, where most of them lie, once the guard has its minimum."""
    cluster, _ = Counter(one.cluster for one in told if one.surged).most_common(1)[0]
    return [one for one in told if one.surged and one.cluster == cluster and one.share is not None]


def flagged(told: list[Told]) -> list[bool]:
    return ["provider_concentration" in one.reasons for one in told]


def test_a_burst_in_one_hospital_is_flagged_and_none_of_it_is_fast(tmp_path: Path) -> None:
    told = day_of(BURST.bureaus[0], tmp_path / "router")
    hospital, _ = Counter(one.provider for one in told if one.surged).most_common(1)[0]
    burst = [one for one in told if one.surged and one.provider == hospital]
    others = [one for one in known(told) if one.provider != hospital]
    assert len(known(burst)) > 150
    assert all(flagged(known(burst)))
    assert not any(one.lane == "FAST" for one in burst)
    assert not any(flagged(others))
    assert sum(one.lane == "FAST" for one in others) > 0.8 * len(others) > 10


def test_the_same_surge_in_hospitals_of_several_bureaus_is_not_flagged(tmp_path: Path) -> None:
    surge = known(day_of(SPREAD.bureaus[0], tmp_path / "router"))
    assert len(surge) > 150
    assert not any(flagged(surge))
    assert sum(one.lane == "FAST" for one in surge) > 0.8 * len(surge)
