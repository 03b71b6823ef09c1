"""Which columns of a source are read under a mapping, and which of them hold codes."""

from __future__ import annotations

from client.claims.mapping import REFERRALS, ClaimMapping
from client.claims.sources.source import ClaimSource
from common.columns import ATTRIBUTES
from common.errors import SourceError


def present_columns(source: ClaimSource, mapping: ClaimMapping) -> tuple[str, ...]:
    """The columns of the mapping that the source has.

    Raises:
        SourceError: If a needed one is missing; the text names all that are.
    """
    held = set(source.schema_names)
    needed = mapping.columns if mapping.missing_columns == "refuse" else mapping.required_columns
    if missing := [name for name in needed if name not in held]:
        msg = f"the file has no column {', '.join(map(repr, missing))}, which mapping {mapping.name} needs; mend either"
        raise SourceError(msg)
    return tuple(name for name in mapping.columns if name in held)


def code_columns(mapping: ClaimMapping) -> tuple[str, ...]:
    """The columns whose values repeat, so that a source may hand them over dictionary-encoded."""
    wanted = (set(ATTRIBUTES) | set(REFERRALS)) & set(mapping.fields)
    lists = [one for one in (mapping.diagnoses, mapping.operations) if one is not None]
    listed = [name for one in lists for name in one.columns if name != one.list]
    flag = [mapping.refund.column] if mapping.refund else []
    return tuple(dict.fromkeys([*listed, *(mapping.fields[name] for name in sorted(wanted)), *flag]))
