"""Checking evidence on any machine, without the station: what its chain proves, and whether the rest says the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from client.deployment.evidence import (
    CHAIN,
    ENTRIES,
    KEY,
    POLICY,
    STATEMENT,
    STATION,
    VERDICT,
    EvidenceError,
    read_evidence,
)
from client.deployment.spoken import spoken, statement_of
from client.deployment.windowed import check_windows
from client.ledger.chain import Chain, Head, read_chain
from client.ledger.errors import BrokenLedgerError
from client.policy import parse_policy
from common.errors import InputError
from common.messages import is_bureau_name

NEEDED = (VERDICT, POLICY, STATION, KEY, ENTRIES, STATEMENT)
BY_HEAD = "which the head that you gave vouches for."
NO_KEY = "That is the file's own word: compare it with what the bureau told before, or give --public-key."
UNSIGNED = "Its policy, configuration and roster are as they were packed; nothing here vouches for them."
NO_HEAD = "Without --head, entries that are missing at the end are not noticed."


class _Told(BaseModel):
    """What the station said of a whole ledger when it packed it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    whole: Literal[True]
    entries: int
    releases: int
    head: str
    unfinished_bytes: int
    continues: str
    doubt: str
    time: Annotated[int, Field(ge=0, lt=2**53)]
    bureau: str
    version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.+!-]{1,64}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the officer knows from elsewhere.

    Attributes:
        public_key: Of the station, hexadecimal; None to take the file's word for it.
        head: One that others have seen; None if nobody has.
    """

    public_key: str | None = None
    head: Head | None = None


def verify_audit(path: Path, expected: Expected) -> dict[str, object]:
    """Check a file of evidence.

    Guarantees:
        * ``whole`` is true only if every entry of the chain is numbered, linked and signed by one key, the expected
          one if there is one; if the chain continues the expected head; and if entries in words, statement, key and
          the station's own verdict are what follows from the chain.
        * Where the evidence has windows of streams, the number and digest of their claims are those that were marked.
        * The policy, the configuration and the roster are signed by nobody here: they are as they were packed.

    Returns:
        The verdict; if it is not whole, ``file``, ``entry``, ``byte`` and ``reason`` say where it breaks.

    Raises:
        InputError: If the file cannot be opened.
    """
    try:
        files = read_evidence(path)
        chain = _chain(files, expected)
        told = _check_the_rest(files, chain)
        windows = check_windows(files, chain)
    except EvidenceError as error:
        place = {"file": error.file, "entry": error.entry, "byte": error.byte}
        return {"whole": False, **place, "reason": error.reason}
    return {
        "whole": True,
        **_found(chain),
        "windows": windows,
        "public_key": chain.public_key,
        "key_compared": expected.public_key is not None,
        "continues": None if expected.head is None else str(expected.head),
        "exported": {"bureau": told.bureau, "time": told.time, "version": told.version},
    }


def where(verdict: Mapping[str, object]) -> str:
    """Where evidence breaks."""
    entry, byte = verdict["entry"], verdict["byte"]
    place = "" if entry is None else f", from entry {entry} on"
    return f"{verdict['file'] or 'the tar file'}{place}" + ("" if byte is None else f" (byte {byte})")


def in_words(verdict: Mapping[str, Any]) -> str:
    """Of evidence that is whole: what was checked, and what was not."""
    told, known = verdict["exported"], verdict["continues"] is not None
    whose = ", the one you gave." if verdict["key_compared"] else f", {BY_HEAD}" if known else f". {NO_KEY}"
    lines = [
        f"The evidence is whole: {verdict['entries']} entries, {verdict['releases']} of them releases.",
        f"Signed by the key {verdict['public_key']}{whose}",
        f"It continues head {verdict['continues']}." if known else NO_HEAD,
        f"Head: {verdict['head']}",
        f"Exported by {told['bureau']!r} with version {told['version']}, as it says itself. {UNSIGNED}",
    ]
    if verdict["windows"] is not None:
        lines.insert(1, f"What it marked of {verdict['windows']} windows of streams is borne out by the claim book.")
    return "\n".join(lines)


def _chain(files: Mapping[str, bytes], expected: Expected) -> Chain:
    if CHAIN not in files:
        raise EvidenceError(CHAIN, "it is missing")
    try:
        chain = read_chain(files[CHAIN])
        if expected.public_key not in {None, chain.public_key}:
            reason = f"it is signed by another key, {chain.public_key}, than the one you gave"
            raise EvidenceError(CHAIN, reason, entry=0, byte=0)
        if expected.head is not None:
            chain.check_against(expected.head)
    except BrokenLedgerError as error:
        raise EvidenceError(CHAIN, error.reason, entry=error.entry, byte=error.offset) from None
    return chain


def _check_the_rest(files: Mapping[str, bytes], chain: Chain) -> _Told:
    for name in NEEDED:
        if name not in files:
            raise EvidenceError(name, "it is missing, though the chain is whole")
    if files[KEY] != f"{chain.public_key}\n".encode():
        raise EvidenceError(KEY, "it is another key than the chain's")
    _check_entries(files[ENTRIES], chain)
    told = _told(files[VERDICT])
    for name, found in _found(chain).items():
        if getattr(told, name) != found:
            msg = f"it says something else of {name!r} than the chain"
            raise EvidenceError(VERDICT, msg)
    if files[STATEMENT] != _statement(files[POLICY], chain, told.time):
        raise EvidenceError(STATEMENT, "it is not the statement of this chain under this policy")
    return told


def _check_entries(held: bytes, chain: Chain) -> None:
    lines = held.splitlines(keepends=True)
    for number, (line, expected) in enumerate(zip_longest(lines, spoken(chain))):
        if line != expected:
            reason = "it ends, and the chain goes on" if line is None else "it says something else than the chain"
            raise EvidenceError(ENTRIES, reason, entry=number)


def _found(chain: Chain) -> dict[str, object]:
    return {
        "entries": len(chain.digests),
        "releases": len(chain.book.charges),
        "head": str(chain.head),
        "unfinished_bytes": chain.torn_bytes,
    }


def _statement(policy: bytes, chain: Chain, time: int) -> bytes:
    try:
        return statement_of(chain, parse_policy(policy, POLICY), time)
    except InputError:
        raise EvidenceError(POLICY, "it is no policy") from None


def _told(held: bytes) -> _Told:
    try:
        told = _Told.model_validate_json(held)
    except ValidationError:
        raise EvidenceError(VERDICT, "it is no verdict on a whole ledger") from None
    if not is_bureau_name(told.bureau):
        raise EvidenceError(VERDICT, "it names no bureau")
    return told
