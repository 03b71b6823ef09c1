"""Every decoder of what comes from outside: how it refuses, and who else can tell whether it was right."""

from __future__ import annotations

import json
import random

from pydantic import ValidationError

from client.policy import Policy, example_policy, parse_policy
from common.consortium.identity import Identity
from common.consortium.joining import JoinRequest, JoinRequestError
from common.consortium.signed import MalformedRosterError, SignedRoster
from common.errors import InputError, MessageError, PlanError
from common.features.default import default_spec
from common.model import Model, Spent
from common.plan import Plan
from common.wire import decode, encode
from tests.common import mutations
from tests.common.consortium.rosters import GOVERNORS, SUCCESSORS, governance, roster, signed
from tests.common.fuzzing import Decoder, insist
from tests.common.ledger_inputs import LEDGERS
from tests.common.open_run import plan_of
from tests.common.talk import ONE_OF_EACH
from tests.common.test_model import MODEL
from tests.vectors.cases import plain, read
from tests.vectors.made_steps import tiny_plan
from tests.vectors.slow_messages import FORMS
from tests.vectors.slow_messages import decode as slow_decode
from tests.vectors.slow_primitives import Refused


def _message(held: bytes) -> None:
    slow = _slowly(held)
    try:
        message = decode(held)
    except MessageError:
        insist(slow is None, "another reader accepts this message")
        raise
    insist(encode(message) == held, "a message has another spelling")
    if message.kind in FORMS:
        insist(slow is not None, "another reader refuses this message")


def _slowly(held: bytes) -> dict[str, object] | None:
    try:
        return slow_decode(held)
    except (Refused, RecursionError):
        return None


def _plan(held: bytes) -> None:
    insist(Plan.from_canonical(held).canonical() == held, "a plan has another spelling")


def _model(held: bytes) -> None:
    model = Model.model_validate_json(held)
    again = Model.model_validate_json(model.to_json())
    insist(again == model and again.to_json() == model.to_json(), "a model is not itself when written again")
    width = {len(row) for row in json.loads(held)["centroids"]}
    insist(width == {model.plan.features.n_features}, "a model's centroids do not fit its plan")


def _roster(held: bytes) -> None:
    found = SignedRoster.from_json(held)
    again = SignedRoster.from_json(found.to_json())
    insist(again == found and again.roster.canonical() == found.roster.canonical(), "a roster is not itself again")
    names = [member.name for member in found.roster.members]
    insist(names == sorted(set(names)) and names != [], "a roster's members are out of order")


def _join_request(held: bytes) -> None:
    found = JoinRequest.from_json(held)
    insist(found == _REQUEST, "a request was accepted that nobody has signed")
    insist(JoinRequest.from_json(found.to_json()) == found, "a request is not itself again")


def _policy(held: bytes) -> None:
    policy = parse_policy(held, "fuzzed")
    insist(Policy.model_validate(policy.model_dump()) == policy, "a policy is not itself again")
    insist(policy.cell_floor >= 11 and policy.epsilon_per_release <= policy.epsilon_per_year, "a policy is too wide")


_REQUEST = JoinRequest.by(Identity.of_seed(bytes(range(32))), "east", "Gesundheit Süd")


def _files(held: bytes, rng: random.Random) -> bytes:
    return mutations.as_json(held, rng, compact=False)


def _transcripts() -> tuple[bytes, ...]:
    return tuple(
        each for case in read() if case["kind"] == "transcript" for each in plain(case["expected"])["messages"]
    )


def _plans() -> tuple[Plan, ...]:
    wide = Plan.model_validate({"features": default_spec(), "protection": "none"})
    return tiny_plan(), plan_of(3), wide


def _rosters() -> tuple[bytes, ...]:
    handed = roster(2, governance=governance(SUCCESSORS, 1), former=governance())
    return signed(roster(), *GOVERNORS[:2]).to_json(), signed(handed, *GOVERNORS[:2], SUCCESSORS[0]).to_json()


def _models() -> tuple[bytes, ...]:
    spent = Spent(rho_billionths=5, epsilon=0.5, noise_multiplier=3.25)
    return MODEL.to_json(), MODEL.model_copy(update={"spent": spent}).to_json()


PEERS = (
    Decoder(
        name="message",
        check=_message,
        refusals=(MessageError,),
        seeds=(*map(encode, ONE_OF_EACH), *_transcripts()),
        change=mutations.as_msgpack,
        share=400,
    ),
    Decoder(
        name="plan",
        check=_plan,
        refusals=(PlanError,),
        seeds=tuple(plan.canonical() for plan in _plans()),
        change=mutations.as_json,
        share=100,
    ),
    Decoder(name="model", check=_model, refusals=(ValidationError,), seeds=_models(), change=_files, share=70),
    Decoder(name="roster", check=_roster, refusals=(MalformedRosterError,), seeds=_rosters(), change=_files, share=70),
    Decoder(
        name="join request",
        check=_join_request,
        refusals=(JoinRequestError,),
        seeds=(_REQUEST.to_json(),),
        change=_files,
        share=50,
    ),
    Decoder(
        name="policy",
        check=_policy,
        refusals=(InputError,),
        seeds=(example_policy().encode(),),
        change=mutations.as_toml,
        share=40,
    ),
)
DECODERS = (*PEERS, *LEDGERS)
