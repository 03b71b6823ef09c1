"""A generated town for the router's long tests: its claims as JSON, and models with everything that belongs to them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from client.claims.ingest import Ingest
from client.router.bench import lot_of
from client.router.claims import RoutedClaims
from client.router.deciding.carding import local_cards
from client.router.deciding.distance import locate
from client.router.deciding.fitting import Reviewed, fit_calibration
from client.router.deciding.inputs import columns_of
from client.router.deciding.model import RoutingModel
from client.router.deciding.observing import observe
from client.router.deciding.scoring import MILLION, score
from client.router.desk import Desk
from client.router.files import routed
from client.router.models.shelf import parse_model
from client.router.registers import Registers
from client.router.router import now
from client.router.store.artefacts import Kind
from common.claim import FEE_CATEGORIES
from common.consortium.publishing import NONE_BEFORE, SignedPublication
from common.features.rows import Featuriser
from common.model import Model
from simulations.command import main as simulate
from simulations.world import World
from tests.client.router.homes import Home, publication
from tests.client.tables import KEY, WIDE, TableSource

_SAME = ("fixmedins_code", "insu_admdvs", "med_type", "insutype", "hosp_lv", "adm_way", "dscg_way", "act_ipt_days",
         "age", "nwb_age", "gend", "tcm_dise_code", "medfee_sumamt", "fund_pay_sumamt", "psn_part_amt",
         "hosp_part_amt", "drg_code")  # fmt: skip
_TIMES = ("adm_time", "dscg_time", "setl_time")
_EARLIER, _EARLIER_CLAIMS = 99, 8_000


def town_claims(n_claims: int, seed: int = 0) -> Iterator[bytes]:
    """Claims of a world with one bureau, as JSON, each with a key of its own."""
    for batch in World(n_bureaus=1, n_claims=n_claims, seed=seed).batches():
        yield from (json.dumps(_claim(row)).encode() for row in batch.to_pylist())


def key_of(claim: bytes) -> str:
    return str(json.loads(claim)["claim_key"])


def _claim(row: dict[str, Any]) -> dict[str, Any]:
    diagnoses = [code for name, code in row.items() if name.startswith("diag_code") and code]
    operations = [code for name, code in row.items() if name.startswith("oprn_oprt_code") and code]
    fees = {category: row[f"amt_{category}"] for category in FEE_CATEGORIES}
    held = {name: row[name] for name in _SAME if row[name] is not None}
    held |= {name: row[name].isoformat() for name in _TIMES if row[name] is not None}
    return held | {
        "claim_key": row["setl_id"],
        "psn_key": row["psn_no"],
        "diseinfo": [{"diag_code": code, "maindiag_flag": not place} for place, code in enumerate(diagnoses)],
        "oprninfo": [{"oprn_oprt_code": code, "main_oprn_flag": not place} for place, code in enumerate(operations)],
        "iteminfo": [{"med_chrgitm_type": category, "amt": amount} for category, amount in fees.items() if amount],
    }


@cache
def town_model(seed: int) -> bytes:
    """Of a simulated run; each seed has other claims."""
    with TemporaryDirectory() as directory:
        out = Path(directory) / "out"
        words = ["--bureaus", "3", "--claims-total", "12000", "--clusters", "16", "--protection", "none"]
        assert simulate([*words, "--no-reference", "--json", "--seed", str(seed), "--out", str(out)]) == 0
        return (out / "model.json").read_bytes()


@cache
def _earlier() -> RoutedClaims:
    """Claims that the bureau had before."""
    table = pa.Table.from_batches(list(World(n_bureaus=1, n_claims=_EARLIER_CLAIMS, seed=_EARLIER).batches()))
    [found] = Ingest(TableSource(table, len(table)), WIDE, pseudonym_key=KEY, particulars=True)
    return routed(found, Registers())


def settle_in(desk: Desk, held: bytes) -> None:
    """Habits, cards and a calibration for a model, from the bureau's earlier claims and verdicts by lot."""
    policy, claims, rng = desk.policy(), _earlier(), np.random.default_rng(5)
    model = RoutingModel.of(parse_model(held), sha256=hashlib.sha256(held).hexdigest(), version=1, expires=None)
    places = locate(Featuriser(model.features).rows(claims.table), model)
    habits = observe(claims.table, places.nearest, model, now())
    columns = columns_of(claims, lot_of(desk.key))
    scores = score(columns, places.nearest, places.square, model, habits).scores / MILLION
    routine = rng.random(len(scores)) < 0.6 + 0.4 * scores
    cards = local_cards(
        model,
        policy,
        reviewed=places.nearest,
        adverse=~routine,
        recent=places.nearest,
        providers=claims.table.attributes["fixmedins_code"],
        made_at=now(),
    )
    reviewed = Reviewed(scores=scores, routine=routine)
    digests = {"model_sha256": model.sha256, "habits_sha256": habits.sha256}
    calibration = fit_calibration(reviewed, scores, policy, **digests, now=now())
    made = {Kind.HABITS: habits.to_json(), Kind.CARDS: cards.to_json(), Kind.CALIBRATION: calibration.to_json()}
    for kind, one in made.items():
        desk.store.artefacts.point(kind, model.sha256, desk.store.artefacts.keep(kind, one, now()))


def town_router(root: Path) -> tuple[Home, list[str]]:
    """A router with a model in force, and the files of the model that will follow it."""
    home = Home(root).begin().policy(min_confidence=0.8, spot_check_share=0.02, max_canary_moves=1.0)
    models, signed = [town_model(1), town_model(2)], list[SignedPublication]()
    for version, held in enumerate(models, start=1):
        plan = Model.model_validate_json(held).plan
        changes = {"plan_fingerprint": plan.fingerprint, "features_sha256": plan.features.fingerprint}
        previous = signed[-1].publication.digest if signed else NONE_BEFORE
        signed.append(publication(version, previous, model=held, **changes))
    with Desk.open(root) as desk:
        desk.shelf.receive(signed[0].to_json(), models[0], desk.trust(now()), now())
        desk.shelf.accept(1, desk.trust(now()), now())
        for held in models:
            settle_in(desk, held)
    files = [root / "publication-2.json", root / "model-2.json"]
    for path, held in zip(files, (signed[1].to_json(), models[1]), strict=True):
        path.write_bytes(held)
    return home, [str(path) for path in files]
