"""A checker for the part of JSON Schema that this project's own schemas use, so that tests need no further package."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

TYPES: dict[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "null": lambda value: value is None,
}
KNOWN = {
    *("$schema", "$id", "title", "description", "type", "const", "enum", "minimum", "maximum", "pattern"),
    *("required", "properties", "additionalProperties", "items"),
}


def faults(schema: Mapping[str, Any], value: object, path: str = "result") -> Iterator[str]:
    """What is wrong with a value under a schema, as sentences.

    Raises:
        ValueError: If the schema uses a word this checker does not know.
    """
    if unknown := set(schema) - KNOWN:
        msg = f"the schema of {path} uses {unknown}, which is not checked"
        raise ValueError(msg)
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(TYPES[kind](value) for kind in kinds):
        yield f"{path} is no {' or '.join(kinds)}"
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        yield f"{path} is not one of the values allowed"
    if isinstance(value, (int, float)) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{path} is out of bounds"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{path} does not match its pattern"
    yield from _faults_of_parts(schema, value, path)


def _faults_of_parts(schema: Mapping[str, Any], value: object, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _faults_inside(schema, value, path)
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield from faults(schema.get("items", {}), item, f"{path}[{place}]")


def _faults_inside(schema: Mapping[str, Any], value: Mapping[str, object], path: str) -> Iterator[str]:
    known, rest = schema.get("properties", {}), schema.get("additionalProperties", {})
    yield from (f"{path} has no {name}" for name in schema.get("required", []) if name not in value)
    for name, item in value.items():
        if name in known:
            yield from faults(known[name], item, f"{path}.{name}")
        elif rest is False:
            yield f"{path}.{name} is unknown"
        else:
            yield from faults(rest, item, f"{path}.{name}")
