"""A proposed mapping as TOML that a person can read, check and change."""

from __future__ import annotations

import json
from collections.abc import Iterator

from client.profiling.proposal import CodesProposal, Proposal
from common.claim import ALIASES

_ENGLISH = {national: alias for alias, national in ALIASES.items()}


def mapping_toml(proposal: Proposal, name: str) -> str:
    """The text of a mapping file. Entries that are a guess say so; entries that are missing are left empty."""
    return "\n".join(_lines(proposal, name)) + "\n"


def _lines(proposal: Proposal, name: str) -> Iterator[str]:
    notes = proposal.notes
    yield f"# A proposal made from {name}. Check every line, above all those marked with '?'."
    yield 'name = "proposed"'
    yield _entry("claim_key", list(proposal.claim_key), notes.get("claim_key"))
    if proposal.person_key:
        yield _entry("person_key", list(proposal.person_key))
    else:
        yield _entry("person_key", "each_claim", "no person found: each claim counts as its own person")
    if "age" in proposal.fields:
        yield _entry("age_unit", proposal.age_unit, notes.get("age_unit"))
    if proposal.ignored:
        yield "# These name persons. They are never read; better still, leave them out of the file."
        yield _entry("ignored_identifiers", list(proposal.ignored))
    yield from _fields(proposal)
    yield from _codes("diagnoses", proposal.diagnoses, notes)
    yield from _codes("operations", proposal.operations, notes)
    if proposal.fees:
        yield from ("", "[fees.parts]")
        yield from (_entry(category, list(columns)) for category, columns in proposal.fees.items())
    if proposal.refund:
        yield from ("", "[refund]", _entry("column", proposal.refund))


def _fields(proposal: Proposal) -> Iterator[str]:
    yield from ("", "[fields]")
    for national, column in proposal.fields.items():
        yield _entry(_ENGLISH.get(national, national), column, proposal.notes.get(national))
    if "medfee_sumamt" not in proposal.fields:
        yield '# total_amount = "..."  # ? not found: name the column of the total'
    for national, values in proposal.values.items():
        yield from ("", f"[values.{_ENGLISH.get(national, national)}]")
        yield from (_entry(_quoted(raw), value) for raw, value in values.items())


def _codes(section: str, proposal: CodesProposal | None, notes: dict[str, str]) -> Iterator[str]:
    if proposal is None:
        if section == "diagnoses":
            yield from ("", "# [diagnoses]  # ? not found: every claim needs a main diagnosis")
        return
    yield from ("", f"[{section}]", _entry("system", proposal.system, notes.get(section)))
    if proposal.main is not None:
        yield _entry("main", proposal.main)
    if proposal.others:
        yield _entry("others", list(proposal.others))
    if proposal.list is not None:
        yield _entry("list", proposal.list)


def _entry(key: str, value: str | list[str], note: str | None = None) -> str:
    line = f"{key} = {_quoted(value) if isinstance(value, str) else '[' + ', '.join(map(_quoted, value)) + ']'}"
    return f"{line}  # ? {note}" if note else line


def _quoted(text: str) -> str:
    """A TOML basic string; JSON strings are a subset of them, but for the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
