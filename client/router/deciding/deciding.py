"""The composer: claims, rows and findings in, decisions out; and the same again from a record.

Guarantees:
    * A claim alone is decided as in a batch: only rules hold claims against each other.
    * Everything that a decision follows from stands in its record, or is named there by its digest. ``replay`` decides
      again from these alone and gets the same record, byte for byte.
    * No lane rejects a claim.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from client.router.claims import RoutedClaims
from client.router.deciding.artefacts import Artefacts
from client.router.deciding.decisions import Decisions
from client.router.deciding.distance import locate
from client.router.deciding.inputs import Columns, columns_of, shares_of_providers
from client.router.deciding.record import DecisionRecord, Inputs
from client.router.deciding.remarks import remarks_in
from client.router.deciding.rowtext import row_of
from client.router.deciding.weighing import UNCOUNTED, Circumstances, weigh
from client.router.rules.evaluate import Findings
from common.columns import MISSING, CodeColumn
from common.errors import RefusedError

Rows = npt.NDArray[np.float32]


def decide(claims: RoutedClaims, rows: Rows, findings: Findings, artefacts: Artefacts, now: int) -> Decisions:
    """Decide about some claims.

    Args:
        claims: At least one.
        rows: Their rows, made with the model's feature specification.
        findings: What the rules say of them.
        artefacts: What the bureau decides with.
        now: Unix seconds.

    Raises:
        ValueError: If the arguments differ in length, or the rows do not fit the model.
    """
    if not len(claims) == len(rows) == len(findings):
        msg = "claims, rows and findings differ in length"
        raise ValueError(msg)
    columns = columns_of(claims, artefacts.lot)
    places = locate(rows, artefacts.model)
    shares = shares_of_providers(claims, places.nearest, artefacts.shares_of_providers)
    circumstances = Circumstances(found=findings.any, hard=findings.hard, provider_shares=shares)
    return Decisions(
        claim_keys=claims.claim_keys,
        decided_at=now,
        rows=rows,
        columns=columns,
        circumstances=circumstances,
        findings_of=findings.of,
        weighed=weigh(columns, places, circumstances, artefacts, now),
        artefacts=artefacts,
    )


def replay(record: DecisionRecord, artefacts: Artefacts) -> DecisionRecord:
    """Decide again what a record says was decided: row, inputs and findings from the record, all else from scratch.

    Guarantees:
        * Equal to ``record`` if and only if ``artefacts`` lead from its inputs to what it says.

    Raises:
        RefusedError: If the record was made with other artefacts.
        InputError: If its row does not fit the model.
    """
    if _named(record) != _digests(artefacts):
        msg = "the record was made with another model, policy, calibration, or other cards or habits: give those"
        raise RefusedError(msg)
    rows = row_of(record.row, artefacts.model.features.n_features)
    columns, places = _columns(record.inputs), locate(rows, artefacts.model)
    share = record.inputs.provider_share
    circumstances = Circumstances(
        found=np.array([bool(record.findings)]),
        hard=np.array([record.inputs.hard_rule]),
        provider_shares=np.array([UNCOUNTED if share is None else share], np.int64),
        clock_behind=record.inputs.clock_behind,
    )
    return Decisions(
        claim_keys=(record.claim_key,),
        decided_at=record.decided_at,
        rows=rows,
        columns=columns,
        circumstances=circumstances,
        findings_of=lambda _: record.findings,
        weighed=weigh(columns, places, circumstances, artefacts, record.decided_at),
        artefacts=artefacts,
        asked=None if record.asked is None else (bytes.fromhex(record.asked),),
        remarks=remarks_in(record.tags, record.region),
    ).record(0)


def _named(record: DecisionRecord) -> tuple[str | None, ...]:
    return (
        record.model_sha256,
        record.policy_sha256,
        record.features_sha256,
        record.cards_sha256,
        record.habits_sha256,
        record.calibration_sha256,
    )


def _digests(artefacts: Artefacts) -> tuple[str | None, ...]:
    return (
        artefacts.model.sha256,
        artefacts.policy_sha256,
        artefacts.model.features_sha256,
        artefacts.cards_sha256,
        artefacts.habits_sha256,
        artefacts.calibration_sha256,
    )


def _columns(inputs: Inputs) -> Columns:
    return Columns(
        total=np.array([inputs.total_fen], np.int64),
        stay_days=np.array([inputs.stay_days], np.int64),
        fees=np.array([inputs.fees_fen], np.int64),
        diagnoses=_lone_code(inputs.diagnosis),
        operations=_lone_code(inputs.operation),
        refused=np.array([inputs.refused_automation]),
        draws=np.array([inputs.draw], np.int64),
    )


def _lone_code(code: str | None) -> CodeColumn:
    given = code is not None
    return CodeColumn(indices=np.array([0 if given else MISSING], np.int32), values=(code,) if code is not None else ())
