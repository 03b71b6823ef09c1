"""What left each bureau under masks: the messages of a round and of a session, field by field, with their bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from common.masked_messages import Confirm, Masked, MaskedJoin, Ready, Reveal
from common.messages import Envelope, Received
from common.plan import Protection
from common.wire import AnyMessage, encode
from server.session import RoundReport
from simulations.report.formats import integer, size
from simulations.story import Story

ROUND: tuple[type[Masked | Confirm | Reveal], ...] = (Masked, Confirm, Reveal)
"""What a bureau sends in every round, in this order."""

ONCE: tuple[type[MaskedJoin | Ready | Received], ...] = (MaskedJoin, Ready, Received)
"""What it sends once in a session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """A message of one bureau.

    Attributes:
        name: Of its texts.
        fields: Its own; ``shared_fields`` are in every message.
        times: How often it was sent.
        each: Bytes of one.
        together: Bytes of all of them.
    """

    name: str
    fields: tuple[str, ...]
    times: str
    each: str
    together: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedTraffic:
    """What one bureau sent.

    Attributes:
        rounds: Messages of a round.
        once: Messages of a session.
        shared_fields: Of every message.
    """

    rounds: tuple[MessageRow, ...]
    once: tuple[MessageRow, ...]
    shared_fields: tuple[str, ...]


def masked_traffic(story: Story) -> MaskedTraffic | None:
    """The messages; None unless sums were masked."""
    if story.model.plan.protection is not Protection.SECURE:
        return None
    sizes = message_sizes(story)
    return MaskedTraffic(
        rounds=tuple(_row(kind, _bytes_of(kind, story.rounds, sizes)) for kind in ROUND),
        once=tuple(_row(kind, [sizes[kind]]) for kind in ONCE),
        shared_fields=shared_fields(),
    )


def shared_fields() -> tuple[str, ...]:
    """Fields that every one of these messages has."""
    return tuple(sorted(set.intersection(*(set(kind.model_fields) for kind in (*ROUND, *ONCE)))))


def message_sizes(story: Story) -> dict[type[Envelope], int]:
    """Bytes of every message but the masked words: the same for all bureaus whose names are as long as the longest.

    Keys of masks shared with bureaus that were lost, 32 bytes each, are not counted.
    """
    bureau = max(story.model.provenance.cohort, key=lambda name: len(name.encode()), default="-")
    head = {"session": bytes(16), "fingerprint": story.model.plan_fingerprint, "bureau": bureau}
    digest, seal = bytes(32), bytes(64)
    messages: tuple[AnyMessage, ...] = (
        MaskedJoin.model_validate(head | {"exchange_key": digest, "signature": seal}),
        Ready.model_validate(head | {"members": digest, "signature": seal}),
        Confirm.model_validate(head | {"context": digest, "signature": seal}),
        Reveal.model_validate(head | {"context": digest, "own_key": digest, "pair_keys": b"", "signature": seal}),
        Received.model_validate(head),
    )
    return {type(message): len(encode(message)) for message in messages}


def _bytes_of(kind: type[Envelope], rounds: Sequence[RoundReport], sizes: dict[type[Envelope], int]) -> list[int]:
    """Of this message, round by round; masked words are what the others leave of a round's bytes."""
    rest = sizes[Confirm] + sizes[Reveal]
    found: Callable[[RoundReport], int] = lambda report: sizes.get(kind, report.bytes_up - rest)  # noqa: E731
    return [found(report) for report in rounds]


def _row(kind: type[Envelope], sizes: Sequence[int]) -> MessageRow:
    own = (field for field in kind.model_fields if field not in shared_fields())
    ends = [size(max(one, 0)) for one in (min(sizes, default=0), max(sizes, default=0))]
    return MessageRow(
        name=str(kind.model_fields["kind"].default),
        fields=tuple(own),
        times=integer(len(sizes)),
        each=ends[0] if ends[0] == ends[1] else f"{ends[0]} – {ends[1]}",
        together=size(max(sum(sizes), 0)),
    )
