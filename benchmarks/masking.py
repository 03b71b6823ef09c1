"""What masks cost: processor time of a bureau and of the coordinator in a round, beside Flower's SecAgg in one run.

Run ``python -m benchmarks.masking`` from the project's root. Counted are messages, signatures, checks, masks and the
opened sum; not noise, rows, the ledger's writes and the check of the question, which need no other bureau.

Flower's side runs its own client stages (set-up, sharing keys, masking) and, for the coordinator, puts keys together
from shares and takes masks off. It shares anew in every round; ours opens a session once. Flower's sharing of all with
all has our threshold; with neighbours it is SecAgg+. Its coordinator's time is that of a few clients, times all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from flwr.common import ndarrays_to_parameters
from flwr.common.secure_aggregation.crypto.shamir import combine_shares, create_shares
from flwr.common.secure_aggregation.crypto.symmetric_encryption import encrypt, generate_shared_key
from flwr.common.secure_aggregation.secaggplus_utils import pseudo_rand_gen, share_keys_plaintext_concat
from flwr.supercore.primitives.asymmetric import (
    bytes_to_public_key,
    generate_key_pairs,
    public_key_to_bytes,
)

from benchmarks.pairing import Seconds, interleaved, options, ratio, show_heading, show_machine, show_row
from common.consortium.identity import Identity
from common.masked_messages import Confirm, Invite, Masked, Reveal, RevealRequest, Survivors, cut
from common.masking.context import Context
from common.masking.keys import SessionSecrets, session_digest
from common.masking.participant import Membership, Participant
from common.masking.threshold import threshold
from common.plan import Phase
from common.sealing import check_seal, sealed
from common.wire import decode, encode
from server.masked.tallying import Tally

flower: Any = import_module("flwr.client.mod.secure_aggregation.secaggplus_mod")  # a function there has its name

N_WORDS = 4160
COORDINATOR = Identity.of_seed(bytes(32))
COMMON: dict[str, Any] = {"session": bytes(16), "fingerprint": 64 * "0"}


class Anything:
    """Keeps nothing: what is kept durably is another benchmark's."""

    def get(self, _: str) -> bytes | None:
        """Nothing."""
        return None

    def put(self, _: str, __: bytes) -> None:
        """Forgotten."""


@dataclass
class Ours:
    """A session of ``n`` bureaus, and one round of it, step by step."""

    n: int

    def __post_init__(self) -> None:
        """Everybody joins, and all but the measured bureau answer."""
        self.names = [f"b{place:03}" for place in range(self.n)]
        self.identities = {name: Identity.of_seed(os.urandom(32)) for name in self.names}
        self.secrets = {name: SessionSecrets(os.urandom(32), os.urandom(32)) for name in self.names}
        self.keys = {name: self.identities[name].public for name in self.names}
        self.exchange = {name: self.secrets[name].public for name in self.names}
        self.session = session_digest(bytes(32), self.exchange)
        self.words = np.arange(N_WORDS, dtype=np.int64)
        self.context = Context(
            session=self.session, round=1, attempt=1, cohort=tuple(self.names), model=bytes(32), parameters=bytes(32)
        )
        self.invite = encode(sealed(self._invite(), COORDINATOR))
        machines = {name: self.opened(name) for name in self.names}
        self.masked = {name: self.contribute(machines[name]) for name in self.names}
        tally = self.tally()
        for held in self.masked.values():
            tally.take_masked(decode(held))  # type: ignore[arg-type]
        tally.fix_survivors()
        survivors = Survivors(
            **COMMON, context=self.context.digest, names=tally.survivors, digests=b"".join(tally.digests)
        )
        self.survivors = encode(sealed(survivors, COORDINATOR))
        self.confirmed = {name: self.confirm(machines[name]) for name in self.names}
        shown = b"".join(decode(self.confirmed[name]).signature for name in self.names)  # type: ignore[union-attr]
        request = RevealRequest(**COMMON, context=self.context.digest, confirmations=shown)
        self.request = encode(sealed(request, COORDINATOR))
        self.revealed = {name: self.reveal(machines[name]) for name in self.names}
        self.machine = machines[self.names[0]]

    def opened(self, name: str | None = None) -> Participant:
        """A bureau agrees on secrets with all others."""
        name = name or self.names[0]
        member = Membership(
            name=name,
            identity=self.identities[name],
            session=self.session,
            secrets=self.secrets[name],
            exchange_keys=self.exchange,
            public_keys=self.keys,
            threshold=threshold(self.n, 2, 1),
        )
        return Participant(member, Anything())

    def bureau(self) -> None:
        """One round at one bureau."""
        self.contribute(self.machine)
        self.confirm(self.machine)
        self.reveal(self.machine)

    def coordinator(self) -> None:
        """One round at the coordinator."""
        tally = self.tally()
        for held in self.masked.values():
            tally.take_masked(decode(held))  # type: ignore[arg-type]
        assert not tally.suspects()
        tally.fix_survivors()
        for held in self.confirmed.values():
            tally.take_confirm(decode(held))  # type: ignore[arg-type]
        for held in self.revealed.values():
            tally.take_reveal(decode(held))  # type: ignore[arg-type]
        assert np.array_equal(tally.total(), self.words * self.n)

    def tally(self) -> Tally:
        """A fresh one."""
        return Tally(context=self.context, n_words=N_WORDS, keys=self.keys)

    def contribute(self, machine: Participant) -> bytes:
        """Masked words, from invitation to answer."""
        self._read(self.invite)
        given, name = machine.contribute(self.context, self.words), machine.membership.name
        reply = Masked(
            **COMMON,
            number=1,
            attempt=1,
            bureau=name,
            context=given.context,
            words=given.words,
            own_commitment=given.own_commitment,
            pair_commitments=given.pair_commitments,
            head="0:" + 64 * "0",
        )
        return encode(sealed(reply, self.identities[name]))

    def confirm(self, machine: Participant) -> bytes:
        """A confirmation, from survivors to answer."""
        message, name = self._read(self.survivors), machine.membership.name
        signature = machine.confirm(message.context, message.names, cut(message.digests, 32))
        return encode(Confirm(**COMMON, bureau=name, context=message.context, signature=signature))

    def reveal(self, machine: Participant) -> bytes:
        """Keys, from request to answer: checks everybody's confirmation."""
        message, name = self._read(self.request), machine.membership.name
        shown = machine.reveal(message.context, dict(zip(self.names, cut(message.confirmations, 64), strict=True)))
        pairs = b"".join(shown.pair_keys[peer] for peer in sorted(shown.pair_keys))
        reply = Reveal(**COMMON, bureau=name, context=shown.context, own_key=shown.own_key, pair_keys=pairs)
        return encode(sealed(reply, self.identities[name]))

    def _read(self, held: bytes) -> Any:
        message: Any = decode(held)
        check_seal(message, COORDINATOR.public)
        return message

    def _invite(self) -> Invite:
        return Invite(
            **COMMON,
            number=1,
            attempt=1,
            phase=Phase.LLOYD,
            cohort=tuple(self.names),
            n_centroids=64,
            centroids=bytes(8 * 64 * 63),
            radii=bytes(8 * 64),
            cost=10**6,
            opened=bytes(8 * N_WORDS),
            answered=self.n,
        )


@dataclass
class Flowers:
    """One round of Flower's SecAgg among ``n``, each sharing with ``shares`` (itself included)."""

    n: int
    shares: int

    def __post_init__(self) -> None:
        """Keys of the others, and what they would send to the first client."""
        self.least = 2 * self.shares // 3 + 1
        pairs = [(generate_key_pairs(), generate_key_pairs()) for _ in range(self.shares - 1)]
        self.publics = {
            place: (public_key_to_bytes(one[1]), public_key_to_bytes(two[1]))
            for place, (one, two) in enumerate(pairs, 2)
        }
        self.secrets = {place: two[0] for place, (_, two) in enumerate(pairs, 2)}
        self.sample = create_shares(os.urandom(32), self.least, self.shares)[: self.least]
        self.parameters = ndarrays_to_parameters([np.zeros(N_WORDS)])

    def client(self) -> None:
        """One client's stages: set-up, sharing of keys, masking. What arrives is made beforehand and not counted."""
        state: Any = flower.SecAggPlusState()
        state.nid = 1
        ours: Any = flower._setup(state, self._parameters())
        keys = {str(place): list(key) for place, key in self.publics.items()}
        flower._share_keys(state, {**keys, "1": [ours["pk1"], ours["pk2"]]})
        self._collect(state)

    def _collect(self, state: Any) -> None:
        began = time.process_time()
        own = bytes_to_public_key(state.pk2)
        sent = [
            encrypt(generate_shared_key(secret, own), share_keys_plaintext_concat(place, 1, bytes(52), bytes(260)))
            for place, secret in self.secrets.items()
        ]
        self.not_ours += time.process_time() - began
        configs: Any = {"ctxts": sent, "srcs": list(self.publics)}
        flower._collect_masked_vectors(state, configs, 1, self.parameters)

    not_ours: float = 0.0

    def clock(self) -> float:
        """Processor time but for what the others' part took."""
        return time.process_time() - self.not_ours

    def server(self) -> None:
        """Of one client: its key from shares, its mask off."""
        key = combine_shares(self.sample)
        pseudo_rand_gen(key, 1 << 32, [(N_WORDS,)])

    def _parameters(self) -> dict[str, Any]:
        return {
            "sample_num": self.n,
            "share_num": self.shares,
            "threshold": self.least,
            "clipping_range": 8.0,
            "target_range": 1 << 22,
            "mod_range": 1 << 32,
            "max_weight": 1000.0,
        }


def main() -> None:
    """Print two tables."""
    chosen = options(__doc__).parse_args()
    show_machine("cryptography", "flwr", "pycryptodome", "numpy")
    runs = 3 if chosen.quick else 9
    sizes = [10, 30] if chosen.quick else [10, 100, 300]
    show_heading(["bureaus", "session once, ms", "bureau a round, ms", "coordinator a round, ms", "kB up", "kB down"])
    sessions = {n: Ours(n) for n in sizes}
    for n, ours in sessions.items():
        took = interleaved(_parts(ours), runs, time.process_time)
        up, down = (sum(map(len, held)) / 1e3 for held in _traffic(ours))
        show_row([n, *(_median(took, part) * 1e3 for part in ("session", "bureau", "coordinator")), up, down])
    print()
    show_heading(["bureaus", "shares", "client, ms", "over our bureau", "server, s", "over our coordinator"])
    for n, shares in [(10, 10), (30, 9)] if chosen.quick else [(10, 10), (100, 21), (100, 100)]:
        _beside(sessions[n], Flowers(n, shares), 3 if shares > 50 else runs)


def _parts(ours: Ours) -> dict[str, Callable[[], object]]:
    return {"session": ours.opened, "bureau": ours.bureau, "coordinator": ours.coordinator}


def _traffic(ours: Ours) -> tuple[Sequence[bytes], Sequence[bytes]]:
    first = ours.names[0]
    up = [ours.masked[first], ours.confirmed[first], ours.revealed[first]]
    return up, [ours.invite, ours.survivors, ours.request]


def _beside(ours: Ours, theirs: Flowers, runs: int) -> None:
    contenders = {
        "bureau": ours.bureau,
        "client": theirs.client,
        "coordinator": ours.coordinator,
        "server": theirs.server,
    }
    took = interleaved(contenders, runs, theirs.clock)
    client, server = ratio(took, "client", "bureau"), ratio(took, "server", "coordinator") * ours.n
    seconds = _median(took, "server") * ours.n
    show_row([ours.n, theirs.shares, _median(took, "client") * 1e3, client, seconds, server])


def _median(took: Seconds, name: str) -> float:
    return float(np.median(took[name]))


if __name__ == "__main__":
    main()
