"""A roster for people and for programs: who is in it, until when, who has signed, whether it counts."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from common.consortium.roster import Roster, RosterError, Terms
from common.consortium.signed import Pin, SignedRoster, check


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of a signed roster at one moment.

    Attributes:
        signed: The roster.
        signers: The keys whose signatures are valid; empty if one of them is not.
        missing: Signatures still needed; None if one is not valid.
        objection: Why it does not count, in plain words; empty if it does.
        pinned: Whether its governance was compared with a pinned one.
    """

    signed: SignedRoster
    signers: frozenset[bytes]
    missing: int | None
    objection: str
    pinned: bool


def standing(signed: SignedRoster, pin: Pin | None, now: int) -> Standing:
    """How a roster stands.

    Args:
        signed: The roster.
        pin: What is remembered; None to take the roster's own governance for granted.
        now: Unix seconds.
    """
    signers, missing, objection = frozenset[bytes](), None, ""
    try:
        signers, missing = signed.signers(), signed.missing()
        check(signed, pin or Pin(governance=signed.roster.governance), now)
    except RosterError as error:
        objection = str(error)
    return Standing(signed=signed, signers=signers, missing=missing, objection=objection, pinned=pin is not None)


def in_words(found: Standing) -> str:
    """Some plain lines, ending with what to do next."""
    roster = found.signed.roster
    return "\n".join(
        [
            f"Roster version {roster.version}, from {_date(roster.valid_from)} until {_date(roster.valid_until)} UTC",
            f"Digest      {roster.digest.hex()}",
            _terms_line(roster.terms),
            *_governance_lines(found),
            f"Members     {len(roster.members)}",
            *(
                f"  {member.role.value:<11} {member.name} ({member.organisation})\n{'':14}{member.public_key.hex()}"
                for member in roster.members
            ),
            _verdict(found),
        ]
    )


def as_json(found: Standing) -> str:
    """The same for programs."""
    roster = found.signed.roster
    held = {
        "version": roster.version,
        "digest": roster.digest.hex(),
        "governance_digest": roster.governance.digest.hex(),
        "governance_pinned": found.pinned,
        "signed_by": sorted(key.hex() for key in found.signers),
        "signatures_missing": found.missing,
        "counts": not found.objection,
        "objection": found.objection,
        **roster.model_dump(mode="json", include={"valid_from", "valid_until", "members", "terms", "governance"}),
    }
    return json.dumps(held, ensure_ascii=False)


def next_step(roster: Roster, missing: int) -> str:
    """What a coordinator does with a version that lacks so many signatures."""
    if missing:
        return (
            f"Next: {missing} signature(s) more. Give roster.json to the governance people in turn; each looks at it "
            "with `fedclaims-coordinator roster show --roster FILE`, signs it with `fedclaims-coordinator roster sign "
            "--roster FILE --key KEY`, and hands it on; put the signed file back in its place."
        )
    return (
        "Next: send roster.json to every member. A bureau accepts it with `fedclaims-bureau join --accept roster.json "
        f"--governance {roster.governance.digest.hex()}`; tell it this digest by another way, by telephone say."
    )


def _terms_line(terms: Terms) -> str:
    return (
        f"Terms       at least {terms.min_cohort} bureaus a session, noise of {terms.honest_floor} counted on, "
        f"{terms.colluding} may collude, {terms.max_rounds} rounds at most"
    )


def _governance_lines(found: Standing) -> list[str]:
    governance, former = found.signed.roster.governance, found.signed.roster.former
    lines = [f"Governance  {governance.threshold} of {len(governance.keys)} keys must sign; {governance.digest.hex()}"]
    lines += [_signature_line(key, found.signers) for key in governance.keys]
    if former is not None:
        lines.append(f"Handed over by {former.threshold} of {len(former.keys)} keys; {former.digest.hex()}")
        lines += [_signature_line(key, found.signers) for key in former.keys]
    return lines


def _signature_line(key: bytes, signers: frozenset[bytes]) -> str:
    return f"  {'signed' if key in signers else 'not signed':<11} {key.hex()}"


def _verdict(found: Standing) -> str:
    if found.missing:
        return f"It does not count: {found.objection}\n{next_step(found.signed.roster, found.missing)}"
    if found.objection:
        return f"It does not count: {found.objection}."
    doubt = "" if found.pinned else " if its governance is the one you were told: compare the digest"
    return f"It counts{doubt}.\n{next_step(found.signed.roster, 0)}"


def _date(second: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(second))
