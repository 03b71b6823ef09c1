"""A claim as JSON from outside: read under limits, or refused in words that hold nothing of it."""

from __future__ import annotations

from typing import Self

from pydantic import ValidationError, model_validator

from client.claims.parsing.keys import normal_key
from common.claim import ALIASES, Claim, Diagnosis, FeeItem, Operation
from common.errors import InputError

MOST_CLAIM_BYTES = 1 << 16
MOST_KEY_CHARACTERS = 128

_KNOWN = frozenset({*ALIASES, *(name for one in (Claim, Diagnosis, Operation, FeeItem) for name in one.model_fields)})
_MOST_FAULTS = 3
_KEYS = ("claim_key", "psn_key")


class NationalClaim(Claim):
    """A claim whose fields have their national names: nothing to rename, so JSON is read without a detour.

    Guarantees:
        * Whatever is read as one is read as a ``Claim``, too, with the same values. A test holds both against each
          other over whatever may come in.
    """

    @model_validator(mode="after")
    def _accept_english_aliases(self) -> Self:
        """In the place of the check that renames; everything else is checked as ever."""
        return self


class UnreadableClaimError(InputError):
    """This is no claim; the text names fields of the schema and kinds of faults, and nothing that was sent."""


def read_claim(held: bytes) -> Claim:
    """The claim in some bytes.

    Guarantees:
        * Whatever the bytes are: a claim, or ``UnreadableClaimError``.
        * Nothing beyond ``MOST_CLAIM_BYTES`` is parsed.
        * What is no ``NationalClaim`` is judged as a ``Claim``, in its words.
        * Keys of claim and person are in the one spelling that they have when they come in files.

    Raises:
        UnreadableClaimError: If they are none.
    """
    if len(held) > MOST_CLAIM_BYTES:
        msg = f"a claim has at most {MOST_CLAIM_BYTES} bytes"
        raise UnreadableClaimError(msg)
    try:
        return _with_normal_keys(_read(held))
    except ValidationError as error:
        msg = f"this is no claim: {_faults(error)}"
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        # a check of the claim may itself fail on values that nobody thought of; whoever sent them is told no more
        msg = "this is no claim: its values cannot be compared with each other"
    raise UnreadableClaimError(msg)


def _read(held: bytes) -> Claim:
    try:
        return NationalClaim.model_validate_json(held)
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        return Claim.model_validate_json(held)


def _with_normal_keys(claim: Claim) -> Claim:
    keys = {name: normal_key(getattr(claim, name)) for name in _KEYS}
    if all(getattr(claim, name) == key for name, key in keys.items()):
        return claim
    for name, key in keys.items():
        if not 0 < len(key) <= MOST_KEY_CHARACTERS:
            msg = f"this is no claim: {name}: ill-formed key"
            raise UnreadableClaimError(msg)
    return claim.model_copy(update=keys)


def _faults(error: ValidationError) -> str:
    """Fields and kinds of faults. A name that is not of the schema was made up by whoever sent it, and is not said."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    said = dict.fromkeys(f"{_field(one['loc'])}: {_kind(one['type'], one['msg'])}" for one in found)
    return "; ".join(list(said)[:_MOST_FAULTS])


def _field(place: tuple[int | str, ...]) -> str:
    names = [name for name in place if isinstance(name, str)]
    return ".".join(name if name in _KNOWN else "a field of another name" for name in names) or "claim"


def _kind(kind: str, text: str) -> str:
    """Our own reasons begin with a word and a colon; everything else is the library's name of the fault."""
    reason = text.removeprefix("Value error, ").partition(":")[0]
    return reason if kind == "value_error" else kind
