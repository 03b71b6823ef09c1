"""What is asked of attempts: opened sums, a bureau's steps in and out of turn, and whole sessions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from common.plan import Plan
from common.privacy import Privacy
from tests.common.open_run import plan_of
from tests.vectors.made_answers import Made, seed
from tests.vectors.product_csa1 import bureau_of
from tests.vectors.product_kinds import KINDS

NAMES = ("east", "north", "south", "west")
WORDS = {"east": [1, -2, 2**40], "north": [10, -20, 3], "south": [100, -200, -(2**41)], "west": [0, 0, 0]}
PRIVACY = {"unit": "claim", "weighting": "each_claim", "expected_units": 20_000}


def secrets_of(name: str) -> dict[str, bytes]:
    return {part: seed(f"{name} {part}") for part in ("identity", "exchange", "own")}


class Room:
    """Bureaus of one session, of which four take part and three are enough."""

    def __init__(self) -> None:
        keys = {name: KINDS["exchange_key"](secrets_of(name)["exchange"]) for name in NAMES}
        session = KINDS["session"](seed("offer"), keys)
        publics = {name: KINDS["identity"](secrets_of(name)["identity"]) for name in NAMES}
        members = {name: {"exchange": keys[name], "identity": publics[name]} for name in NAMES}
        self.common = {"session": session, "members": members, "threshold": 3}
        self.bureaus = {name: bureau_of(self.membership(name)) for name in NAMES}
        self.fields = {"session": session, "round": 1, "attempt": 1, "cohort": list(NAMES)}
        self.fields |= {"model": seed("model"), "parameters": seed("parameters")}

    def membership(self, name: str) -> dict[str, Any]:
        return {"name": name, **secrets_of(name), **self.common}

    def contributed(self, name: str = "east", **changes: Any) -> dict[str, Any]:
        return {"do": "contribute", **self.fields, "words": WORDS[name], **changes}

    def sent(self, **changes: Any) -> dict[str, dict[str, Any]]:
        steps = {name: [self.contributed(name, **changes)] for name in NAMES}
        return {name: KINDS["steps"](self.membership(name), steps[name])[0] for name in NAMES}

    def confirmed(self, names: Sequence[str], **changes: Any) -> dict[str, Any]:
        sent = self.sent(**changes)
        digests = [hashlib.sha256(sent[name].get("words", b"")).digest() for name in names]
        return {"do": "confirm", "context": self.context(**changes), "survivors": list(names), "digests": digests}

    def revealed(self, names: Sequence[str], **changes: Any) -> dict[str, Any]:
        confirmed = self.confirmed(names, **changes)
        stated = KINDS["statement"](confirmed["context"], list(names), confirmed["digests"])
        signed = {name: KINDS["sign"](secrets_of(name)["identity"], "confirm", [stated]) for name in names}
        return {"do": "reveal", "context": confirmed["context"], "confirmations": signed}

    def context(self, **changes: Any) -> bytes:
        return bytes(KINDS["context"](**self.fields | changes))

    def attempt(self, names: Sequence[str]) -> dict[str, Any]:
        """What opens a sum."""
        steps = {name: [self.contributed(name), self.confirmed(names), self.revealed(names)] for name in names}
        shown = {name: KINDS["steps"](self.membership(name), steps[name])[2] for name in names}
        given = {name: each for name, each in self.sent().items() if name in names}
        whole = {"context": self.context(), "cohort": list(NAMES), "survivors": list(names), "n_words": 3}
        return {**whole, "given": given, "revealed": shown}


def attempts() -> Iterator[Made]:
    room = Room()
    yield from _sums(room)
    yield from _steps(room)
    for names, lost in ((NAMES[:3], "north"), (NAMES, "west")):
        yield f"transcript: {len(names)} bureaus, 2 rounds, an answer lost", "transcript", "", _session(names, lost)


def _sums(room: Room) -> Iterator[Made]:
    yield "opened sum", "opened", "", room.attempt(NAMES)
    whole = room.attempt(NAMES[:3])
    yield "opened sum: one lost", "opened", "", whole
    shown = whole["revealed"]
    east, sent = shown["east"], whole["given"]["east"]
    changes: dict[str, dict[str, Any]] = {
        "another own key": {"revealed": {**shown, "east": {**east, "own_key": seed("false")}}},
        "another pair key": {"revealed": {**shown, "east": {**east, "pair_keys": {"west": seed("false")}}}},
        "no pair key": {"revealed": {**shown, "east": {**east, "pair_keys": {}}}},
        "a survivor's pair key": {
            "revealed": {**shown, "east": {**east, "pair_keys": {**east["pair_keys"], "north": seed("north")}}}
        },
        "keys of another context": {"revealed": {**shown, "east": {**east, "context": seed("false")}}},
        "words of another context": {"given": {**whole["given"], "east": {**sent, "context": seed("false")}}},
        "a word short": {"given": {**whole["given"], "east": {**sent, "words": sent["words"][8:]}}},
        "a byte long": {"given": {**whole["given"], "east": {**sent, "words": sent["words"] + b"\x00"}}},
        "a pair commitment short": {
            "given": {**whole["given"], "east": {**sent, "pair_commitments": sent["pair_commitments"][32:]}}
        },
        "a short commitment": {"given": {**whole["given"], "east": {**sent, "own_commitment": bytes(31)}}},
    }
    for name, each in changes.items():
        yield f"opened sum: {name}", "opened", "cheat", whole | each
    rest = {name: each for name, each in shown.items() if name != "north"}
    yield "opened sum: a survivor has not revealed", "opened", "missing", whole | {"revealed": rest}


def _steps(room: Room) -> Iterator[Made]:
    first, three, again = room.contributed(), NAMES[:3], dict[str, Any](attempt=2, cohort=list(NAMES[:3]))
    confirm, reveal = room.confirmed(three), room.revealed(three)
    second = room.contributed(**again)
    forged = {**reveal["confirmations"], "north": KINDS["sign"](seed("false"), "confirm", [seed("stated")])}
    turned = {"survivors": list(reversed(three)), "digests": list(reversed(confirm["digests"]))}
    alien = room.contributed(cohort=["alien", *NAMES])
    whole: dict[str, list[dict[str, Any]]] = {
        "one whole attempt": [first, confirm, reveal],
        "the same question again": [first, first, confirm, confirm, reveal, reveal],
        "a second attempt forgets the survivors of the first": [
            *(first, confirm, second, room.confirmed(three, **again), room.revealed(three, **again)),
        ],
        "no: a second set of survivors": [first, confirm, room.confirmed(NAMES)],
        "no: a second opening of the round": [first, confirm, reveal, second],
        "no: an attempt before the last": [second, first],
        "no: keys before survivors": [first, reveal],
        "no: keys after another attempt": [first, confirm, second, reveal],
        "no: a survivor has not signed": [first, confirm, {**reveal, "confirmations": dict([*forged.items()][:2])}],
        "no: a survivor's signature is another's": [first, confirm, {**reveal, "confirmations": forged}],
        "no: signatures of another set": [first, room.confirmed(NAMES), reveal],
        "no: its own words changed": [first, {**confirm, "digests": [seed("false"), *confirm["digests"][1:]]}],
        "no: too few survivors": [first, room.confirmed(NAMES[:2])],
        "no: survivors out of order": [first, {**confirm, **turned}],
        "no: survivors without it": [first, room.confirmed(NAMES[1:])],
        "no: a survivor who was not asked": [
            second,
            {**room.confirmed(NAMES, **again), "context": room.context(**again)},
        ],
        "no: a digest too few": [first, {**confirm, "digests": confirm["digests"][:2]}],
        "no: a cohort too small": [room.contributed(cohort=["east", "north"])],
        "no: a cohort without it": [room.contributed(cohort=list(NAMES[1:]))],
        "no: a stranger in the cohort": [alien],
        "no: another session": [room.contributed(session=seed("false"))],
        "no: another context": [first, {**confirm, "context": seed("false")}],
        "no: nothing was asked": [confirm],
    }
    for name, each in whole.items():
        yield f"steps: {name}", "steps", "", {"membership": room.membership("east"), "steps": each}


def tiny_plan() -> Plan:
    """Two features, two clusters; secure sums."""
    return plan_of(2, protection="secure", min_cohort=3, n_clusters=2, privacy=Privacy.model_validate(PRIVACY))


def _session(names: Sequence[str], lost: str) -> dict[str, Any]:
    terms = {"session": bytes(range(16)), "plan": tiny_plan().canonical(), "roster": seed("roster"), "colluding": 1}
    terms |= {"coordinator": "coordinator", "coordinator_seed": seed("coordinator"), "expires": 1_800_000_000}
    rounds = [_asked(1, 1, "lloyd", names, lost)]
    if len(names) == 3:
        rounds.append(_asked(1, 2, "lloyd", names))
    rounds.append(_asked(2, 1, "measure", names))
    bureaus = {name: secrets_of(name) for name in names}
    return {**terms, "threshold": 3, "bureaus": bureaus, "rounds": rounds, "model": b"{}"}


def _asked(number: int, attempt: int, phase: str, names: Sequence[str], *lost: str) -> dict[str, Any]:
    centroids = [[number, -number], [1 << 19, -(1 << 19)]]
    n_words = 8 if phase == "lloyd" else 10
    words = {name: [_word(name, number, place) for place in range(n_words)] for name in names}
    heads = {name: f"{number}:{seed(f'{name} head {number}').hex()}" for name in names}
    asked = {"number": number, "attempt": attempt, "phase": phase, "cost": 1_000_000 * number, "radii": [1, 1 << 20]}
    return {**asked, "centroids": centroids, "n_words": n_words, "words": words, "heads": heads, "lost": list(lost)}


def _word(name: str, number: int, place: int) -> int:
    """Some word below 2^47 in magnitude."""
    return int.from_bytes(seed(f"{name} {number} {place}")[:6], "big", signed=True)
