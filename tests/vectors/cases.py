"""Cases as JSON: bytes in hexadecimal under ``bytes``; of long ones the ends, the length and the SHA-256.

A case has a name, a kind, what is given, and either what is expected or the word with which it is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "csa1.json"
LONGEST = 4096
Case = dict[str, Any]


def read() -> list[Case]:
    return list(json.loads(FILE.read_text("ascii")))


def plain(value: Any) -> Any:
    """What a JSON value stands for."""
    if isinstance(value, dict):
        return bytes.fromhex(value["bytes"]) if set(value) == {"bytes"} else {k: plain(v) for k, v in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def shown(value: Any, longest: int = LONGEST) -> Any:
    """A value as JSON."""
    if isinstance(value, bytes):
        return {"bytes": value.hex()} if len(value) <= longest else _ends(value)
    if isinstance(value, Mapping):
        return {name: shown(each, longest) for name, each in value.items()}
    return [shown(each, longest) for each in value] if isinstance(value, list | tuple) else value


def given(value: Any) -> Any:
    """The same of what goes in, which is never cut."""
    return shown(value, longest=1 << 30)


def negative(case: Case) -> bool:
    """Whether something in it must be refused."""
    expected = case.get("expected")
    last = expected[-1] if isinstance(expected, list) and expected else None
    return "refused" in case or (isinstance(last, dict) and set(last) == {"refused"})


def _ends(value: bytes) -> dict[str, Any]:
    ends = {"first": value[:16].hex(), "last": value[-16:].hex()}
    return {**ends, "length": len(value), "sha256": hashlib.sha256(value).hexdigest()}
