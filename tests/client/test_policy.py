"""The policy file: every limit is enforced by a code, and wins over any plan."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from client.ledger.spending import Limits, Spending, Spent
from client.policy import Policy, example_policy, fingerprint_of, load_policy, parse_policy
from common.accounting.charges import budget, rdp_epsilon
from common.accounting.guarantee import Guarantee, Unit
from common.errors import InputError
from common.features.default import default_spec
from common.messages import RefusalCode
from common.plan import Plan, Protection
from tests.client.ledger.releases import NOON, charge

PLAN = Plan(features=default_spec(), protection=Protection.NONE)
SESSION = bytes(16)


def text(**changed: str) -> bytes:
    """The example, with some lines changed; an empty value takes the line out."""
    lines = []
    for line in example_policy().splitlines():
        key = line.partition(" =")[0]
        value = changed.pop(key, None)
        lines.append(line if value is None else f"{key} = {value}" if value else "")
    lines += [f"{key} = {value}" for key, value in changed.items()]
    return "\n".join(lines).encode()


def parsed(**changed: str) -> Policy:
    return parse_policy(text(**changed), "policy.toml")


def rho_within(epsilon: float, delta: float) -> int:
    return budget(Guarantee(epsilon=epsilon, delta=delta, unit=Unit.PERSON))


def test_the_example_is_a_policy_with_every_key_explained(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(example_policy(), encoding="utf-8")
    policy = load_policy(path)
    held = tomllib.loads(example_policy())
    assert set(held) == set(Policy.model_fields)
    assert policy.model_dump(exclude={"protections"}) == Policy().model_dump(exclude={"protections"})
    assert example_policy().count("\n#") >= 8


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(InputError, match=r"epsilon_per_week: Extra inputs"):
        parsed(epsilon_per_week="1.0")


@pytest.mark.parametrize("key", sorted(Policy.model_fields))
def test_a_missing_key_is_refused(key: str) -> None:
    with pytest.raises(InputError, match=f"add {key}"):
        parsed(**{key: ""})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("cell_floor", "10"),
        ("min_cohort", "0"),
        ("min_cohort", '"3"'),
        ("protections", '["prayer"]'),
        ("plans", '["abc"]'),
        ("plans", '"all"'),
        ("units", "[]"),
        ("delta", "0.0"),
        ("delta", "0.5"),
        ("delta", "nan"),
        ("epsilon_per_year", "inf"),
        ("epsilon_per_release", "0.0"),
        ("releases_per_day", "0"),
        ("releases_per_day", "1.5"),
    ],
)
def test_a_value_that_protects_nobody_is_refused_by_its_name(key: str, value: str) -> None:
    with pytest.raises(InputError, match=f"needs mending: {key}"):
        parsed(**{key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [("epsilon_per_release", "1.1"), ("epsilon_per_session", "8.5"), ("epsilon_per_year", "0.9")],
)
def test_limits_that_contradict_each_other_are_refused(key: str, value: str) -> None:
    with pytest.raises(InputError, match="may not fall"):
        parsed(**{key: value})


@pytest.mark.parametrize("held", [b"min_cohort = ", b"\xff", b"#" * ((1 << 20) + 1)])
def test_a_file_that_is_no_policy_is_refused(tmp_path: Path, held: bytes) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(held)
    with pytest.raises(InputError, match="TOML|larger"):  # noqa: RUF043  either
        load_policy(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_policy(tmp_path / "policy.toml")


def test_a_plan_that_is_not_listed_is_refused() -> None:
    listed = parsed(plans=f'["{PLAN.fingerprint}"]', protections='["none"]')
    assert listed.objection_to_plan(PLAN) is None
    assert listed.objection_to_plan(PLAN.model_copy(update={"seed": 1})) is RefusalCode.POLICY
    assert parsed(plans="[]", protections='["none"]').objection_to_plan(PLAN) is RefusalCode.POLICY


def test_features_that_are_not_listed_are_refused() -> None:
    listed = parsed(feature_specs=f'["{fingerprint_of(PLAN.features)}"]', protections='["none"]')
    assert listed.objection_to_plan(PLAN) is None
    other = PLAN.model_copy(update={"features": PLAN.features.model_copy(update={"name": "other"})})
    assert listed.objection_to_plan(other) is RefusalCode.POLICY


def test_a_protection_that_is_not_listed_is_refused() -> None:
    assert Policy(protections=frozenset()).objection_to_plan(PLAN) is RefusalCode.POLICY
    assert Policy(protections=frozenset({Protection.NONE})).objection_to_plan(PLAN) is None


def test_a_plan_that_shows_smaller_clusters_than_the_floor_is_refused() -> None:
    assert Policy().objection_to_floor(PLAN) is None
    assert Policy(cell_floor=12).objection_to_floor(PLAN) is RefusalCode.POLICY
    shown = PLAN.model_copy(update={"smallest_cluster": 10})
    assert Policy().objection_to_floor(shown) is RefusalCode.POLICY


def test_the_stricter_of_plan_and_policy_sets_the_smallest_cohort() -> None:
    assert Policy(min_cohort=2).objection_to_cohort(("a", "b"), PLAN) is RefusalCode.COHORT_TOO_SMALL
    assert Policy(min_cohort=4).objection_to_cohort(("a", "b", "c"), PLAN) is RefusalCode.COHORT_TOO_SMALL
    assert Policy(min_cohort=3).objection_to_cohort(("a", "b", "c"), PLAN) is None


@pytest.mark.parametrize(
    ("epsilon", "delta", "unit", "fits"),
    [
        (1.0, 1e-6, Unit.PERSON, True),
        (1.01, 1e-6, Unit.PERSON, False),
        (1.0, 1.1e-6, Unit.PERSON, False),
        (1.0, 1e-6, Unit.CLAIM, False),
    ],
)
def test_a_weaker_guarantee_than_the_policys_is_refused(
    epsilon: float, delta: float, unit: Unit, *, fits: bool
) -> None:
    code = Policy().objection_to_guarantee(Guarantee(epsilon=epsilon, delta=delta, unit=unit))
    assert code is (None if fits else RefusalCode.POLICY)


def test_limits_on_epsilon_become_the_largest_charges_within_them() -> None:
    policy = Policy(epsilon_per_release=0.5)
    limits = policy.limits(rho_within)
    wanted = {0.5: limits.release, 1.0: limits.session, 8.0: limits.year}
    for epsilon, rho in wanted.items():
        assert rdp_epsilon((rho,), policy.delta) <= epsilon < rdp_epsilon((rho + 1,), policy.delta)
    assert limits.data_version == limits.year
    assert limits.releases_per_day == policy.releases_per_day


@pytest.mark.parametrize("name", ["release", "session", "data_version", "year", "releases_per_day"])
def test_a_charge_beyond_any_limit_is_refused_by_a_code(name: str) -> None:
    after = {"release": 5, "session": 15, "data_version": 15, "year": 15, "releases_per_day": 2}
    spending = Spending()
    spending.add(Spent(time=NOON, rho=10, session=SESSION.hex(), data_version="2024"))
    for most, code in ((after, None), (after | {name: after[name] - 1}, RefusalCode.POLICY)):
        limits = Limits(**most)
        asked = {"session": SESSION, "spending": spending, "now": NOON, "limits": limits}
        assert Policy().objection_to_charge(charge(5), **asked) is code  # type: ignore[arg-type]


def test_a_charge_for_another_unit_is_refused_by_a_code() -> None:
    limits = Limits(release=9, session=9, data_version=9, year=9, releases_per_day=9)
    asked = {"session": SESSION, "spending": Spending(), "now": NOON, "limits": limits}
    for_claims = charge(5, unit=Unit.CLAIM)
    assert Policy().objection_to_charge(for_claims, **asked) is RefusalCode.POLICY  # type: ignore[arg-type]
    both = Policy(units=frozenset(Unit))
    assert both.objection_to_charge(for_claims, **asked) is None  # type: ignore[arg-type]
