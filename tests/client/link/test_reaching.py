"""What a door's answer means: let in, not known, nothing for a bureau, or nobody behind it."""

from __future__ import annotations

from email.message import Message
from types import SimpleNamespace
from typing import Any

import pytest

from client.deployment.doctor.findings import Level
from client.link.reaching import _let_in


def answered(status: int, kind: str) -> Any:
    headers = Message()
    headers["content-type"] = kind
    return SimpleNamespace(status=status, headers=headers)


@pytest.mark.parametrize(
    ("status", "kind", "level", "word"),
    [
        (401, "application/json", Level.FINE, "TLS 1.3"),
        (400, "application/protobuf", Level.FINE, "TLS 1.3"),
        (400, "text/html", Level.FAULT, "revoked"),
        (403, "text/html", Level.FAULT, "revoked"),
        (404, "text/html", Level.FAULT, "bureau's certificate"),
        (502, "text/html", Level.WARNING, "whether its service runs"),
        (503, "application/json", Level.WARNING, "whether its service runs"),
    ],
)
def test_a_door_is_fine_only_where_the_superlink_itself_has_answered(
    status: int, kind: str, level: Level, word: str
) -> None:
    found = _let_in(answered(status, kind), "fed.example:443")
    assert found.level is level
    assert word in f"{found.said} {found.fix}"
