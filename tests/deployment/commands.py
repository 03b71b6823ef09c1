"""The three commands as people type them, and everything their parsers know."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import pytest

import client.command
import server.command
import simulations.command
from simulations.options import parser as simulate_parser

MAINS = {
    "fedclaims-bureau": client.command.main,
    "fedclaims-coordinator": server.command.main,
    "fedclaims-simulate": simulations.command.main,
}
PARSERS: Mapping[str, argparse.ArgumentParser] = {
    "fedclaims-bureau": client.command._parser(),
    "fedclaims-coordinator": server.command._parser(),
    "fedclaims-simulate": simulate_parser(),
}


class Said(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def typed(capsys: pytest.CaptureFixture[str], command: str, *words: object) -> Said:
    """What a command says to words."""
    capsys.readouterr()
    try:
        code = MAINS[command]([str(word) for word in words])
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else -1
    sys.stderr.flush()
    return Said(code, *capsys.readouterr())


def leaves(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parsers of everything that can be run."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not any(action.required for action in below):
        yield parser
    for action in below:
        for one in action.choices.values():
            yield from leaves(one)


def options_of(parser: argparse.ArgumentParser) -> Sequence[str]:
    """The options a parser knows."""
    return [option for action in parser._actions for option in action.option_strings]
