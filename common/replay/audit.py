"""An audit: a transcript, a signed roster, and what is told about them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from common.consortium.roster import Roster
from common.consortium.signed import Pin, SignedRoster, check, pin_of
from common.replay.session import Replayed, replayed
from common.replay.transcript import messages_in

Told = dict[str, object]


def audited(read: Callable[[int], bytes], roster: bytes, governance: bytes | None) -> Told:
    """Replay a transcript under a roster, and say what was found.

    Guarantees:
        * The roster's own governance has signed it; whether that is the right one, ``governance`` decides, or whoever
          reads the digest that is told.

    Args:
        read: Gives the transcript's next bytes.
        roster: A signed roster, as JSON.
        governance: Digest of the governance, as it was told by another way; None to trust the roster's.

    Raises:
        RosterError: If the roster does not count. That it has expired since does not matter here.
        ReplayError: If the session did not go by the rules, or the transcript was changed.
    """
    signed = SignedRoster.from_json(roster)
    pin = pin_of(signed, governance) if governance is not None else Pin(governance=signed.roster.governance)
    check(signed, pin, signed.roster.valid_from)
    return told(replayed(messages_in(read), signed.roster), signed.roster)


def told(found: Replayed, roster: Roster) -> Told:
    """What is worth telling, for JSON."""
    return {
        "session": found.model.provenance.session,
        "governance": roster.governance.digest.hex(),
        "members": list(found.members),
        "rounds": [
            {
                "number": one.number,
                "phase": str(one.phase),
                "attempts": one.attempts,
                "survivors": list(one.survivors),
                "sum_sha256": hashlib.sha256(one.opened).hexdigest() if one.opened else None,
            }
            for one in found.rounds
        ],
        "exact": found.exact,
        "centroids_sha256": found.model.centroids_sha256,
        "model_sha256": hashlib.sha256(found.model.to_json()).hexdigest(),
    }


def in_words(found: Told) -> str:
    """The same for people."""
    rounds = found["rounds"]
    lines = [f"session {found['session']}, governance {found['governance']}"]
    for one in rounds if isinstance(rounds, list) else []:
        opened = f"sum {one['sum_sha256']}" if one["sum_sha256"] else "lost"
        again = f", attempt {one['attempts']}" if one["attempts"] > 1 else ""
        lines.append(f"round {one['number']:>3} {one['phase']:<8} {len(one['survivors'])} bureaus{again}: {opened}")
    how = "bit for bit" if found["exact"] else "to the last grid unit, as another machine's floating point may be"
    lines += [f"every question follows from the sums, {how}", f"centroids {found['centroids_sha256']}"]
    return "\n".join([*lines, f"model {found['model_sha256']}"])
