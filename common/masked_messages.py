"""What coordinator and bureau say to each other when sums are masked: every message signed, by its form.

A signature covers the message's own bytes with the signature left empty (``common.sealing``); only what others must be
shown again, a join and a confirmation, is signed by itself. Lists of keys, digests and signatures travel as bytes, one
after another in the order of the names they belong to.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from common.messages import BureauName, Cohort, Counter, Envelope, Fingerprint
from common.plan import Phase

Digest = Annotated[bytes, Field(min_length=32, max_length=32)]
Key = Annotated[bytes, Field(min_length=32, max_length=32)]
Signature = Annotated[bytes, Field(max_length=64)]
"""Empty while it is being signed."""

Head = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,11}):[0-9a-f]{64}$")]
Moment = Annotated[int, Field(ge=0, lt=2**53)]
MOST_MEMBERS = 10_000


class MaskedOffer(Envelope):
    """Coordinator to bureau: a plan, and on which terms its sums are masked.

    Attributes:
        plan: In canonical form.
        roster: Digest of the roster that says who may take part.
        coordinator: Its name in the roster.
        colluding: Bureaus that may side with the coordinator without learning more than a sum.
        expires: Seconds since 1970; no bureau joins later.
    """

    kind: Literal["masked_offer"] = "masked_offer"
    plan: Annotated[bytes, Field(max_length=1 << 20)]
    roster: Digest
    coordinator: BureauName
    colluding: Annotated[int, Field(ge=1, le=MOST_MEMBERS)]
    expires: Moment
    signature: Signature = b""


class MaskedJoin(Envelope):
    """Bureau to coordinator: it takes part, with this session key.

    Attributes:
        exchange_key: X25519, public.
        signature: Over the offer's digest, the name and the key, for all members to see.
    """

    kind: Literal["masked_join"] = "masked_join"
    fingerprint: Fingerprint
    bureau: BureauName
    exchange_key: Key
    signature: Signature = b""


class Members(Envelope):
    """Coordinator to bureau: everybody who joined.

    Attributes:
        names: Sorted.
        exchange_keys: 32 bytes each.
        signatures: Of the joins, 64 bytes each.
    """

    kind: Literal["members"] = "members"
    fingerprint: Fingerprint
    names: Cohort
    exchange_keys: Annotated[bytes, Field(max_length=32 * MOST_MEMBERS)]
    signatures: Annotated[bytes, Field(max_length=64 * MOST_MEMBERS)]
    signature: Signature = b""


class Ready(Envelope):
    """Bureau to coordinator: it knows the members, and what the session is called.

    Attributes:
        members: Digest of the session.
    """

    kind: Literal["ready"] = "ready"
    fingerprint: Fingerprint
    bureau: BureauName
    members: Digest
    signature: Signature = b""


class Invite(Envelope):
    """Coordinator to bureau: mask your answer to this question.

    Attributes:
        number: Round, from 1.
        attempt: From 1.
        cohort: Who is asked, sorted.
        n_centroids: How many.
        centroids: Grid units, little-endian 64-bit words.
        radii: Grid units, one word a centroid.
        cost: What the answer costs, units of 1e-9 rho.
        opened: The sum that was opened in the round before, from which this question follows; empty in the first round
            and after a lost one.
        answered: How many bureaus are in that sum; 0 if it is empty.
    """

    kind: Literal["invite"] = "invite"
    fingerprint: Fingerprint
    number: Counter
    attempt: Counter
    phase: Annotated[Phase, Field(strict=False)]
    cohort: Cohort
    n_centroids: Annotated[int, Field(ge=1, le=16_384)]
    centroids: bytes
    radii: bytes
    cost: Annotated[int, Field(ge=1, le=10**15)]
    opened: bytes
    answered: Annotated[int, Field(ge=0, le=MOST_MEMBERS)]
    signature: Signature = b""


class Masked(Envelope):
    """Bureau to coordinator: its noised answer under masks.

    Attributes:
        context: Digest of the attempt.
        words: Little-endian 64-bit words.
        own_commitment: To the key of its own mask.
        pair_commitments: To the keys of its pairs, 32 bytes each, in the order of the peers' names.
        head: Of its ledger.
    """

    kind: Literal["masked"] = "masked"
    fingerprint: Fingerprint
    number: Counter
    attempt: Counter
    bureau: BureauName
    context: Digest
    words: bytes
    own_commitment: Digest
    pair_commitments: Annotated[bytes, Field(max_length=32 * MOST_MEMBERS)]
    head: Head
    signature: Signature = b""


class Survivors(Envelope):
    """Coordinator to bureau: whose words are to be opened.

    Attributes:
        context: Digest of the attempt.
        names: Sorted.
        digests: SHA-256 of the masked words of each, 32 bytes each.
    """

    kind: Literal["survivors"] = "survivors"
    fingerprint: Fingerprint
    context: Digest
    names: Cohort
    digests: Annotated[bytes, Field(max_length=32 * MOST_MEMBERS)]
    signature: Signature = b""


class Confirm(Envelope):
    """Bureau to coordinator: these survivors and no others, in this context.

    Attributes:
        signature: Over the survivors' statement, for all of them to see.
    """

    kind: Literal["confirm"] = "confirm"
    fingerprint: Fingerprint
    bureau: BureauName
    context: Digest
    signature: Signature = b""


class RevealRequest(Envelope):
    """Coordinator to bureau: everybody has confirmed.

    Attributes:
        context: Digest of the attempt.
        confirmations: Signatures of the survivors, 64 bytes each, in the order of their names.
    """

    kind: Literal["reveal_request"] = "reveal_request"
    fingerprint: Fingerprint
    context: Digest
    confirmations: Annotated[bytes, Field(max_length=64 * MOST_MEMBERS)]
    signature: Signature = b""


class Reveal(Envelope):
    """Bureau to coordinator: the keys that open its part of the sum.

    Attributes:
        context: Digest of the attempt.
        own_key: Of its own mask.
        pair_keys: Of the masks shared with those who were lost, 32 bytes each, in the order of their names.
    """

    kind: Literal["reveal"] = "reveal"
    fingerprint: Fingerprint
    bureau: BureauName
    context: Digest
    own_key: Key
    pair_keys: Annotated[bytes, Field(max_length=32 * MOST_MEMBERS)]
    signature: Signature = b""


class MaskedResult(Envelope):
    """Coordinator to bureau: the model, and the last opened sum that it follows from.

    Attributes:
        model: As JSON.
        opened: Sum of the measuring round.
        answered: How many bureaus are in it.
    """

    kind: Literal["masked_result"] = "masked_result"
    fingerprint: Fingerprint
    model: Annotated[bytes, Field(max_length=1 << 28)]
    opened: bytes
    answered: Annotated[int, Field(ge=0, le=MOST_MEMBERS)]
    signature: Signature = b""


MaskedMessage = (
    MaskedOffer
    | MaskedJoin
    | Members
    | Ready
    | Invite
    | Masked
    | Survivors
    | Confirm
    | RevealRequest
    | Reveal
    | MaskedResult
)


def cut(held: bytes, size: int) -> tuple[bytes, ...]:
    """Bytes in pieces of equal size; the last may be shorter."""
    return tuple(held[start : start + size] for start in range(0, len(held), size))
