"""Known answers of CSA-1: the product and a second implementation that shares nothing with it agree on every one."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.vectors import make_csa1
from tests.vectors.cases import Case, negative, plain, read, shown
from tests.vectors.product_kinds import KINDS, REFUSALS
from tests.vectors.slow_kinds import KINDS as SLOW_KINDS
from tests.vectors.slow_primitives import Refused
from tests.vectors.slow_session import seals

CASES = read()
SLOW_FILES = sorted(Path(__file__).parent.glob("slow_*.py"))
LEAST_CASES, LEAST_NEGATIVE = 40, 15


def named(case: Case) -> str:
    return str(case["name"])


def answered(case: Case, kinds: dict[str, Callable[..., Any]]) -> Any:
    return shown(kinds[case["kind"]](**plain(case["given"])))


@pytest.mark.parametrize("case", CASES, ids=named)
def test_the_product_answers_as_was_written_down(case: Case) -> None:
    if "refused" not in case:
        assert answered(case, KINDS) == case["expected"]
        return
    with pytest.raises(REFUSALS[case["refused"]]) as caught:
        answered(case, KINDS)
    assert caught.type is REFUSALS[case["refused"]]


@pytest.mark.parametrize("case", CASES, ids=named)
def test_a_second_implementation_answers_as_was_written_down(case: Case) -> None:
    if "refused" not in case:
        assert answered(case, SLOW_KINDS) == case["expected"]
        return
    with pytest.raises(Refused) as caught:
        answered(case, SLOW_KINDS)
    assert str(caught.value) == case["refused"]


def test_there_are_enough_cases_of_both_sorts() -> None:
    assert len({named(case) for case in CASES}) == len(CASES) >= LEAST_CASES
    assert sum(map(negative, CASES)) >= LEAST_NEGATIVE
    assert {case["kind"] for case in CASES} == set(KINDS) == set(SLOW_KINDS)


def test_the_file_is_what_its_script_makes() -> None:
    assert make_csa1.cases() == CASES


def test_every_message_of_a_transcript_is_sealed_by_whoever_it_is_from() -> None:
    for case in CASES:
        if case["kind"] == "transcript":
            held, bureaus = plain(case["expected"])["messages"], plain(case["given"])["bureaus"]
            publics = {name: SLOW_KINDS["identity"](each["identity"]) for name, each in bureaus.items()}
            coordinator = SLOW_KINDS["identity"](plain(case["given"])["coordinator_seed"])
            assert seals(held, coordinator, publics) > len(held) // 2


def test_the_sums_of_a_transcript_are_those_of_the_survivors_words() -> None:
    for case in CASES:
        if case["kind"] == "transcript":
            given, sums = case["given"], case["expected"]["sums"]
            opened = [each for each in given["rounds"] if len(each["words"]) - len(each["lost"]) >= given["threshold"]]
            assert sums == [plainly_added(each) for each in opened]


def plainly_added(each: dict[str, Any]) -> list[int]:
    kept = [words for name, words in each["words"].items() if name not in each["lost"]]
    return [sum(column) for column in zip(*kept, strict=True)]


@pytest.mark.parametrize("path", SLOW_FILES, ids=lambda path: path.name)
def test_the_second_implementation_imports_nothing_of_the_product(path: Path) -> None:
    assert foreign(path.read_text("utf-8")) == set()


def test_an_import_of_the_product_is_noticed() -> None:
    assert foreign("import common.wire") == {"common.wire"}
    assert foreign("def f():\n    from client.ledger import chain") == {"client.ledger"}
    assert foreign("from tests.common.talk import OFFER") == {"tests.common.talk"}
    assert foreign("import cryptography, numpy, hashlib") == {"cryptography", "numpy"}


def foreign(code: str) -> set[str]:
    """What is imported besides the standard library and the second implementation itself."""
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names |= {node.module or "."} - {"tests.vectors"}
            names |= {f"tests.vectors.{one.name}" for one in node.names if node.module == "tests.vectors"}
    return {name for name in names if not _own(name)}


def _own(name: str) -> bool:
    standard = {
        "__future__",
        "ast",
        "collections",
        "functools",
        "hashlib",
        "hmac",
        "json",
        "re",
        "typing",
        "unicodedata",
    }
    return name.split(".", maxsplit=1)[0] in standard or name.startswith("tests.vectors.slow_")


@pytest.mark.parametrize("path", [Path(__file__).parent / "csa1.json"])
def test_the_file_has_one_layout(path: Path) -> None:
    assert path.read_text("ascii") == make_csa1.laid_out(json.loads(path.read_text("ascii")))
