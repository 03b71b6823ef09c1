"""Making calibration, cards and habits for a model, keeping them, and putting them in force."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress

import numpy as np
import numpy.typing as npt

from client.claims.ingest import Ingest
from client.router.belonging import about
from client.router.bench import Bench
from client.router.claims import SECONDS_A_DAY
from client.router.concentration import RECENT_DAYS
from client.router.deciding.carding import local_cards
from client.router.deciding.cards import ClusterCard
from client.router.deciding.distance import locate
from client.router.deciding.federating import federated_cards, with_federated
from client.router.deciding.fitting import Reviewed, cross_fitted, fit_calibration
from client.router.deciding.habits import Habits
from client.router.deciding.model import RoutingModel
from client.router.deciding.observing import observe
from client.router.deciding.record import DecisionRecord
from client.router.deciding.reliability import reliability
from client.router.desk import Desk
from client.router.memories import Piece, recent
from client.router.models.shelf import parse_model
from client.router.reviewing.learned import Learned
from client.router.reviewing.rescoring import rescored
from client.router.store.artefacts import Kind
from client.router.store.verdicts import Reviewed as Verdicts
from client.router.store.verdicts import Verdict
from common.columns import MISSING, ClaimTable, CodeColumn
from common.errors import InputError

MOST_RECENT = 200_000
MOST_OBSERVED = 2_000_000


def calibrate(desk: Desk, bench: Bench, now: int) -> Learned:
    """Fit the calibration and make the cards of a model from all verdicts that count; keep them, put them in force.

    Guarantees:
        * What decided before is kept: every record still replays.
        * Claims that were decided under a model of other features are left out, and counted.
    """
    artefacts, model = bench.artefacts, bench.artefacts.model
    verdicts, records, n_by_rule = _chosen(desk)
    found = rescored(records, artefacts)
    verdicts = list(compress(verdicts, found.fits))
    routine = np.array([one.verdict is Verdict.ROUTINE for one in verdicts], np.bool_)
    reviewed = Reviewed(scores=found.scores, routine=routine, strata=_strata(verdicts))
    calibration = None
    if verdicts:
        calibration = fit_calibration(
            reviewed,
            _recent_scores(desk, bench),
            artefacts.policy,
            model_sha256=model.family,
            habits_sha256=artefacts.usual.sha256,
            now=now,
        )
    _put(desk, Kind.CALIBRATION, model, calibration.to_json() if calibration else None, now)
    _put(desk, Kind.CARDS, model, _cards(desk, bench, found.clusters, ~routine, now), now)
    table = () if calibration is None else reliability(cross_fitted(reviewed), routine)
    return Learned(
        n_reviewed=len(verdicts),
        n_by_rule=n_by_rule,
        n_other_features=len(records) - len(verdicts),
        calibration=calibration,
        table=table,
    )


def learn_habits(desk: Desk, bench: Bench, ingest: Ingest, now: int) -> Habits:
    """Observe the bureau's habits in claims of its own, keep them, and put them in force.

    The calibration is of other habits then, and is taken out of force: fit it again.

    Raises:
        InputError: If there is no claim, or there are too many.
    """
    tables, nearest = [], []
    for found in ingest:
        tables.append(found.table)
        nearest.append(locate(bench.rows(found.table), bench.artefacts.model).nearest)
        if sum(map(len, tables)) > MOST_OBSERVED:
            msg = f"habits are observed in at most {MOST_OBSERVED} claims: give fewer files"
            raise InputError(msg)
    if not tables:
        msg = "there is no claim in these files to learn habits from"
        raise InputError(msg)
    habits = observe(_together(tables), np.concatenate(nearest), bench.artefacts.model, now)
    _put(desk, Kind.CALIBRATION, bench.artefacts.model, None, now)
    _put(desk, Kind.HABITS, bench.artefacts.model, habits.to_json(), now)
    return habits


def _chosen(desk: Desk) -> tuple[list[Verdicts], list[bytes], int]:
    """Verdicts on claims that a lot or their score has chosen, with their records; and how many others there are."""
    decisions, n_by_rule = desk.store.decisions, 0
    verdicts, records = [], []
    for one in desk.store.verdicts.counting():
        record = decisions.record(decisions.by_id(one.decision_id))
        if DecisionRecord.from_json(record).findings:
            n_by_rule += 1
        else:
            verdicts.append(one)
            records.append(record)
    return verdicts, records, n_by_rule


def _strata(verdicts: list[Verdicts]) -> npt.NDArray[np.str_] | None:
    names = [one.stratum for one in verdicts]
    return np.array(names, np.str_) if any(names) else None


def _recent_scores(desk: Desk, bench: Bench) -> npt.NDArray[np.float64]:
    return rescored(_newest(desk), bench.artefacts).scores


def _newest(desk: Desk) -> Iterator[bytes]:
    total = sum(desk.store.decisions.counts().values())
    for place, (_, record) in enumerate(desk.store.decisions.everything()):
        if place >= total - MOST_RECENT:
            yield record


def _cards(
    desk: Desk, bench: Bench, reviewed: npt.NDArray[np.int64], adverse: npt.NDArray[np.bool_], now: int
) -> bytes:
    since = now // SECONDS_A_DAY - RECENT_DAYS
    pieces = [Piece.from_bytes(held) for held in desk.store.decisions.memories(since)]
    clusters, providers = recent_under(bench.artefacts.model, pieces)
    local = local_cards(
        bench.artefacts.model,
        bench.artefacts.policy,
        reviewed=reviewed,
        adverse=adverse,
        recent=clusters,
        providers=providers,
        made_at=now,
    )
    return with_federated(local, _federated(desk, bench), bench.artefacts.policy).to_json()


def _federated(desk: Desk, bench: Bench) -> tuple[ClusterCard, ...]:
    """What all bureaus have counted: for this model, or in its stream before."""
    model = parse_model(desk.store.artefacts.get(bench.artefacts.model.sha256))
    if model.outcomes is not None or model.stream is None:
        return federated_cards(model, bench.artefacts.policy)
    return tuple(card for card in bench.artefacts.counting_cards if card is not None and card.source == "federated")


def recent_under(model: RoutingModel, pieces: Sequence[Piece]) -> tuple[npt.NDArray[np.int64], CodeColumn]:
    """Clusters of recent claims under a model, and their providers; those whose cluster has ended are left out."""
    numbers, providers = recent(pieces, model.family)
    places = {number: place for place, kin in enumerate(model.kin) for number in kin.merged()}
    clusters = np.array([places.get(number, MISSING) for number in numbers.tolist()], np.int64)
    there = np.flatnonzero(clusters != MISSING)
    return clusters[there], providers.select(there)


def _put(desk: Desk, kind: Kind, model: RoutingModel, held: bytes | None, now: int) -> None:
    kept = None if held is None else desk.store.artefacts.keep(kind, held, now)
    desk.store.artefacts.point(kind, about(model), kept)


def _together(tables: list[ClaimTable]) -> ClaimTable:
    """What habits need of all batches: main codes, amounts and stays."""
    return ClaimTable(
        diagnoses=(_joined([table.diagnoses[0] for table in tables]),),
        operations=(_joined([_main_operation(table) for table in tables]),),
        attributes={},
        fees=np.concatenate([table.fees for table in tables]),
        total=np.concatenate([table.total for table in tables]),
        stay_days=np.concatenate([table.stay_days for table in tables]),
        age_days=np.concatenate([table.age_days for table in tables]),
        person_id=np.concatenate([table.person_id for table in tables]),
    )


def _main_operation(table: ClaimTable) -> CodeColumn:
    nothing = CodeColumn(indices=np.full(len(table), MISSING, np.int32), values=())
    return table.operations[0] if table.operations else nothing


def _joined(columns: list[CodeColumn]) -> CodeColumn:
    known: dict[str, int] = {}
    places = []
    for column in columns:
        renamed = np.array([*(known.setdefault(value, len(known)) for value in column.values), MISSING], np.int32)
        places.append(renamed[column.indices])
    return CodeColumn(indices=np.concatenate(places), values=tuple(known))
