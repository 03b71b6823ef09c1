"""The plan: one spelling, one fingerprint, and nothing read that was not written so."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from common.errors import PlanError
from common.features.default import default_spec
from common.features.spec import FeatureSpec, FeesBlock
from common.plan import PROTOCOL_VERSION, Phase, Plan, Protection
from common.privacy import Division, Privacy
from common.rounds import Round
from tests.common.open_run import plan_of, rounds_of
from tests.common.private_run import private_plan
from tests.common.rows import blobs

FEES = FeatureSpec(name="fees", blocks=(FeesBlock(share=1000),))
PLAN = Plan(features=FEES, protection=Protection.NONE)
DEFAULT = Plan(features=default_spec(), protection=Protection.NONE)

OTHER_VALUES: dict[str, object] = {
    "name": "other",
    "features": FeatureSpec(name="fees", blocks=(FeesBlock(share=999),)),
    "n_clusters": 33,
    "leaves_per_cluster": 4,
    "fewest_leaves": 64,
    "passes_per_level": 2,
    "reduction_restarts": 21,
    "max_rounds": 151,
    "stop_per_million": 0,
    "refining_breadth": 0,
    "smallest_cluster": 1,
    "cost_cap_yuan": 100_000,
    "min_cohort": 2,
    "seed": 1,
}


OTHER_TERMS: dict[str, dict[str, object]] = {
    "epsilon_thousandths": {"epsilon_thousandths": 999},
    "delta_billionths": {"delta_billionths": 999},
    "unit": {"unit": "person", "weighting": "shared"},
    "weighting": {"unit": "person", "weighting": "capped"},
    "claims_per_person": {"unit": "person", "weighting": "capped", "claims_per_person": 2},
    "bureaus_per_person": {"unit": "person", "weighting": "shared", "bureaus_per_person": 2},
    "honest_floor": {"honest_floor": 3},
    "expected_units": {"expected_units": 9},
    "leaves_per_cluster": {"leaves_per_cluster": 9},
    "reduction_restarts": {"reduction_restarts": 9},
    "division": {"division": Division(seeding=501)},
}
OTHER_PARTS = {
    "seeding": 501,
    "outcomes": 100,
    "measure": 61,
    "histogram": 41,
    "squares": 51,
    "growth": 1301,
    "passes_per_level": 3,
    "polish_rounds": 7,
    "bureaus": 31,
    "coordinates": 100,
    "operations": 100,
}
PROTECTED = private_plan(2)


def spelled(**changes: object) -> bytes:
    """The canonical form with other values, spelled as the plan spells them."""
    fields = json.loads(PLAN.canonical()) | changes
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


def test_the_canonical_form_is_the_published_vector() -> None:
    assert PLAN.canonical().decode() == (
        '{"cost_cap_yuan":200000,"features":{"blocks":[{"kind":"fees","share":1000}],"name":"fees"},'
        '"fewest_leaves":128,"leaves_per_cluster":3,"max_rounds":150,"min_cohort":3,"n_clusters":32,'
        '"name":"clusters","passes_per_level":3,"privacy":null,"protection":"none","protocol":3,"reduction_restarts":20,'
        '"refining_breadth":25,"seed":0,"smallest_cluster":11,"start":null,"stop_per_million":10,"window":null}'
    )
    assert PLAN.fingerprint == "a3e040c4d08eccae1d103e44893ced6903c42b1523945dc9f22d5be1bb642e34"


@given(st.integers(1, 1024), st.integers(0, 2**63 - 1), st.integers(1, 1000))
@settings(derandomize=True, deadline=None)
def test_a_plan_survives_the_way_to_its_canonical_form_and_back(n_clusters: int, seed: int, share: int) -> None:
    features = FeatureSpec(name="fees", blocks=(FeesBlock(share=share),))
    plan = Plan(features=features, protection=Protection.NONE, n_clusters=n_clusters, seed=seed)
    assert Plan.from_canonical(plan.canonical()) == plan


def test_the_default_features_survive_the_way_too() -> None:
    found = Plan.from_canonical(DEFAULT.canonical())
    assert found == DEFAULT
    assert found.features.n_features == DEFAULT.features.n_features


def test_every_field_has_another_value_in_these_tests() -> None:
    assert set(OTHER_VALUES) | {"protection", "privacy", "start", "window"} == set(Plan.model_fields)
    assert set(OTHER_TERMS) == set(Privacy.model_fields)
    assert set(OTHER_PARTS) == set(Division.model_fields)


@pytest.mark.parametrize("field", OTHER_TERMS)
def test_the_fingerprint_changes_with_every_term_of_privacy(field: str) -> None:
    held = PROTECTED.model_dump()
    other = Plan.model_validate(held | {"privacy": held["privacy"] | OTHER_TERMS[field]})
    assert other.fingerprint != PROTECTED.fingerprint
    assert Plan.from_canonical(other.canonical()) == other


@pytest.mark.parametrize("field", OTHER_PARTS)
def test_the_fingerprint_changes_with_every_part_of_the_budget(field: str) -> None:
    division = Division.model_validate({field: OTHER_PARTS[field]})
    other = private_plan(2, {"division": division})
    assert other.fingerprint != private_plan(2).fingerprint
    assert Plan.from_canonical(other.canonical()) == other


@pytest.mark.parametrize("protection", [Protection.NOISE, Protection.SECURE])
def test_the_fingerprint_changes_with_the_protection(protection: Protection) -> None:
    other = private_plan(2, protection=protection)
    assert Plan.from_canonical(other.canonical()) == other
    assert (other.fingerprint == private_plan(2).fingerprint) is (protection is Protection.NOISE)


@pytest.mark.parametrize(
    "changes",
    [{"protection": "noise"}, {"privacy": Privacy(expected_units=9)}],
    ids=["protected without terms", "terms without protection"],
)
def test_a_plan_that_does_not_say_what_it_protects_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="needs its privacy section"):
        Plan.model_validate(dict(PLAN) | changes)


@pytest.mark.parametrize(
    "terms",
    [
        {"unit": "claim"},
        {"weighting": "each_claim"},
        {"claims_per_person": 2},
        {"unit": "claim", "weighting": "each_claim", "bureaus_per_person": 2},
        {"division": {"seeding": 800, "measure": 200}},
        {"honest_floor": 1},
        {"epsilon_thousandths": 9},
        {"delta_billionths": 0},
    ],
)
def test_terms_that_bound_nobody_or_contradict_each_other_are_refused(terms: dict[str, object]) -> None:
    Privacy.model_validate({"expected_units": 9})
    with pytest.raises(ValidationError):
        Privacy.model_validate({"expected_units": 9} | terms)


@pytest.mark.parametrize("field", OTHER_VALUES)
def test_the_fingerprint_changes_with_every_field(field: str) -> None:
    other = Plan.model_validate(dict(PLAN) | {field: OTHER_VALUES[field]})
    assert other.fingerprint != PLAN.fingerprint
    assert Plan.from_canonical(other.canonical()) == other


def test_the_fingerprint_changes_with_the_order_of_blocks() -> None:
    blocks = DEFAULT.features.blocks
    turned = FeatureSpec(name=DEFAULT.features.name, blocks=tuple(reversed(blocks)))
    assert Plan(features=turned, protection=Protection.NONE).fingerprint != DEFAULT.fingerprint


@pytest.mark.parametrize(
    "write",
    [
        lambda held: held + b"\n",
        lambda held: b" " + held,
        lambda held: held.replace(b":", b": ", 1),
        lambda held: json.dumps(json.loads(held), indent=1, sort_keys=True).encode(),
        lambda held: json.dumps(dict(reversed(json.loads(held).items())), separators=(",", ":")).encode(),
        lambda held: held[:-1] + b',"stop_per_million":10}',
        lambda held: held.replace(b'"clusters"', b'"cl\\u0075sters"'),
        lambda held: held.decode().encode("utf-16"),
    ],
    ids=["line", "blank", "blank inside", "indented", "other order", "a key twice", "escaped", "utf-16"],
)
def test_the_same_plan_in_another_spelling_is_refused(write: Callable[[bytes], bytes]) -> None:
    held = PLAN.canonical()
    assert Plan.from_canonical(held) == PLAN
    with pytest.raises(PlanError, match="not in canonical form"):
        Plan.from_canonical(write(held))


@pytest.mark.parametrize("field", [*OTHER_VALUES, "protection"])
def test_a_plan_without_one_of_its_fields_is_refused(field: str) -> None:
    fields = json.loads(PLAN.canonical())
    del fields[field]
    with pytest.raises(PlanError):
        Plan.from_canonical(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode())


@pytest.mark.parametrize("version", [PROTOCOL_VERSION + 1, 0, -1, 1.0, True, "1", None])
def test_a_plan_of_another_protocol_version_is_refused(version: object) -> None:
    with pytest.raises(PlanError, match="canonical form of protocol version 3"):
        Plan.from_canonical(spelled(protocol=version))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epsilon", 1),
        ("n_clusters", 32.0),
        ("n_clusters", "32"),
        ("n_clusters", True),
        ("n_clusters", None),
        ("n_clusters", 0),
        ("n_clusters", 1025),
        ("n_clusters", float("nan")),
        ("seed", -1),
        ("seed", 2**63),
        ("seed", 10**4000),
        ("max_rounds", 10**30),
        ("min_cohort", 0),
        ("protection", "perfect"),
        ("name", "Clusters of Beijing"),
        ("name", ""),
        ("features", None),
        ("features", {"name": "fees", "blocks": []}),
        ("features", {"name": "fees", "blocks": [{"kind": "fees", "share": 1001}]}),
        ("features", {"name": "fees", "blocks": [{"kind": "fees", "share": 600}] * 2}),
        ("features", {"name": "fees", "blocks": [{"kind": "fees", "share": 600, "scale": 2}]}),
        ("features", {"name": "fees", "blocks": [{"kind": "photo", "share": 600}]}),
    ],
)
def test_a_value_that_no_plan_has_is_refused(field: str, value: object) -> None:
    with pytest.raises(PlanError, match="cannot be read"):
        Plan.from_canonical(spelled(**{field: value}))


@pytest.mark.parametrize(
    "held",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b'"plan"',
        b"{}",
        b'{"protocol":1}',
        b"\xff\xfe\xfd",
        b"[" * 200_000,
        b'{"protocol":' * 200_000,
        b'{"protocol":' + b"9" * 5_000 + b"}",
    ],
    ids=lambda held: f"{held[:12]!r} {len(held)} bytes",
)
def test_bytes_that_are_no_plan_are_refused(held: bytes) -> None:
    with pytest.raises(PlanError, match="cannot be read"):
        Plan.from_canonical(held)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A canonical form with some bytes changed, taken out or put in."""
    held = bytearray(PLAN.canonical())
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(held)))
        end = start + draw(st.integers(0, 6))
        held[start:end] = draw(st.sampled_from([b"", b"0", b"1", b"null", b"{", b"]", b'"']) | st.binary(max_size=4))
    return bytes(held)


@given(damaged())
@settings(derandomize=True, max_examples=400, deadline=None)
def test_whatever_bytes_come_in_only_a_plan_error_comes_out(held: bytes) -> None:
    try:
        plan = Plan.from_canonical(held)
    except PlanError:
        return
    assert plan.canonical() == held


def test_a_plan_cannot_change_under_its_fingerprint() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        PLAN.seed = 7  # type: ignore[misc]


@pytest.mark.parametrize("phase", Phase)
def test_costs_are_asked_for_only_when_measuring(phase: Phase) -> None:
    shape = PLAN.summary_shape(phase, 5)
    assert (shape.n_clusters, shape.n_features, shape.with_costs) == (5, 14, phase is Phase.MEASURE)


@pytest.mark.parametrize("n_clusters", [1, 2, 7, 40])
@pytest.mark.parametrize("fewest_leaves", [2, 128])
def test_no_round_carries_more_centroids_than_the_plan_allows(n_clusters: int, fewest_leaves: int) -> None:
    plan = plan_of(4, n_clusters=n_clusters, fewest_leaves=fewest_leaves, smallest_cluster=1, refining_breadth=100)
    asked = [one for one, _, _ in rounds_of(plan, blobs(600, 4, 9, seed=5, spread=0.4))]
    assert all(isinstance(one, Round) for one in asked)
    assert max(len(one.centroids) for one in asked) <= plan.max_centroids
