"""Writes ``csa1.json``: ``python -m tests.vectors.make_csa1`` makes the same file again, from fixed seeds."""

from __future__ import annotations

import json
from typing import Any

from tests.vectors.cases import FILE, Case, given, plain, shown
from tests.vectors.made_answers import answers
from tests.vectors.made_messages import messages
from tests.vectors.made_rosters import rosters
from tests.vectors.made_steps import attempts
from tests.vectors.product_kinds import KINDS, REFUSALS


def cases() -> list[Case]:
    """Every case, with what the product says to it."""
    return [answered(*each) for made in (answers, messages, attempts, rosters) for each in made()]


def answered(name: str, kind: str, refused: str, fields: dict[str, Any]) -> Case:
    """A case whole; ``refused`` is empty where something is expected."""
    case: Case = {"name": name, "kind": kind, "given": given(fields)}
    try:
        answer = KINDS[kind](**plain(case["given"]))
    except tuple(REFUSALS.values()) as error:
        if type(error) is not REFUSALS.get(refused):
            raise
        return {**case, "refused": refused}
    if refused:
        msg = f"{name} is accepted"
        raise ValueError(msg)
    return {**case, "expected": shown(answer)}


def laid_out(found: list[Case]) -> str:
    """One case a paragraph, in ASCII."""
    return json.dumps(found, indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(laid_out(cases()), "ascii")
