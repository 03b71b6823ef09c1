"""The router's policy: read strictly, spelled one way, its example complete."""

import tomllib

import pytest

from client.router.deciding.policy import MOST_BYTES, RouterPolicy, example_router_policy, parse_router_policy
from common.errors import InputError


def test_the_example_holds_every_key_and_every_default() -> None:
    text = example_router_policy()
    assert set(tomllib.loads(text)) == set(RouterPolicy.model_fields)
    policy = parse_router_policy(text.encode())
    assert policy.model_copy(update={"rules": {}}) == RouterPolicy()


def test_an_empty_policy_is_the_default_and_asks_for_confidence() -> None:
    assert parse_router_policy(b"") == RouterPolicy()
    assert RouterPolicy().min_confidence == 0.85


def test_the_fingerprint_follows_every_value() -> None:
    given = RouterPolicy()
    for change in (
        {"min_confidence": 0.9},
        {"clusters_of": "a" * 12, "clusters": {3: "hold"}},
        {"objection": {"zh": "甲", "en": "a"}},
    ):
        assert RouterPolicy(**change).fingerprint != given.fingerprint  # type: ignore[arg-type]
    assert RouterPolicy().fingerprint == given.fingerprint


def test_a_policy_survives_its_spelling() -> None:
    lines = [
        "min_confidence = 1",
        'clusters_of = "abcdefabcdef"',
        "[clusters]",
        '7 = "review"',
        "[objection]",
        'zh = "窗口"',
    ]
    policy = parse_router_policy("\n".join(lines).encode())
    assert policy.clusters == {7: "review"}
    assert RouterPolicy.from_json(policy.to_json()) == policy


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (b"min_confidense = 0.9", "min_confidense"),
        (b"min_confidence = 1.5", "min_confidence"),
        (b"min_confidence = nan", "min_confidence"),
        (b'languages = ["fr"]', "languages"),
        (b"languages = []", "languages"),
        (b'[clusters]\n7 = "reject"', "clusters"),
        (b'[clusters]\nseven = "hold"', "clusters"),
        (b"[rules.no_such_rule]\nx = 1", "no_such_rule"),
        (b"spot_check_share = 0.9", "spot_check_share"),
        (b"= 1", "TOML"),
        (b"\xff", "UTF-8"),
        (b"#" * (MOST_BYTES + 1), "larger"),
    ],
)
def test_a_wrong_policy_is_refused_and_the_text_names_the_fault(text: bytes, names: str) -> None:
    with pytest.raises(InputError, match=names):
        parse_router_policy(text)


def test_no_word_for_a_cluster_rejects_claims() -> None:
    words = RouterPolicy.model_json_schema()["properties"]["clusters"]["additionalProperties"]["enum"]
    assert set(words) == {"by_cards", "fast", "review", "human", "hold"}
