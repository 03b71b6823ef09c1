"""The preview on a terminal, or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from client.preview.preview import Preview, Rounds
from common.accounting.guarantee import rounded_up

_BILLION = 10**9

HOW = {
    "noise": "This bureau adds the whole noise itself, before anything leaves; it need trust nobody.",
    "secure": (
        "This bureau adds its part of the noise, and masks that cancel only in the sum over all bureaus: nobody sees "
        "its numbers, and the sum carries the whole noise. The numbers below are those under the masks."
    ),
}
FIELDS = {
    "attempt": "how often this round was tried",
    "bureau": "this bureau's name",
    "fingerprint": "SHA-256 of the plan",
    "head": "number and SHA-256 of the ledger's last entry",
    "kind": "round_reply",
    "number": "of the round",
    "request": "SHA-256 of the request that is answered",
    "session": "number of the run, drawn by the coordinator",
    "summary": "the numbers below, with noise",
    "version": "of the protocol",
}


def as_json(found: Preview) -> str:
    """The preview for programs; the example in hexadecimal."""
    return json.dumps(asdict(found) | {"example": found.example.hex()}, indent=2, ensure_ascii=False)


def show(found: Preview, console: Console) -> None:
    """The preview for people."""
    console.print(f"Plan {found.fingerprint}, protection {found.protection}. Nothing was sent, nothing was charged.\n")
    console.print(f"{found.sentences['en']} {HOW[found.protection]}")
    console.print(f"{found.sentences['zh']}\n")
    console.print(_rounds(found))
    console.print(_fields(found.rounds[-1]))
    console.print(
        f"\nAltogether at most {found.total_bytes:,} bytes, charged {_rho(found.rho)} rho: "
        f"epsilon {rounded_up(found.epsilon)}. Feasibility index with the smallest cohort: {found.phi:.1f}."
    )
    console.print(
        "Besides these replies: one message of this bureau's name and the plan's fingerprint when it joins, one when "
        "the model has arrived, and codes without text where it refuses. No claim, no code, no text of a claim."
    )
    console.print(f"\nA first reply of a bureau without claims, {len(found.example):,} bytes, as it would be sent:")
    console.print(found.example.hex(), soft_wrap=True)
    console.print("")
    for line in found.objections or ("This bureau's policy would let it take part.",):
        console.print(f"Policy: {line}" if found.objections else line)


def _rounds(found: Preview) -> Table:
    table = Table(title="What leaves, round by round, at most", title_justify="left")
    for name in ("rounds", "for", "clusters", "numbers", "noise on each (in claims)", "one unit moves", "rho", "bytes"):
        table.add_column(name, justify="left" if name in {"rounds", "for", "numbers"} else "right")
    for one in found.rounds:
        for place, part in enumerate(one.parts):
            head = (_numbers(one), str(one.phase), str(one.n_centroids)) if place == 0 else ("", "", "")
            size = f"{one.message_bytes:,}" if place == 0 else ""
            what = f"{part.words:,} {part.name}"
            table.add_row(*head, what, f"± {part.noise_std:,.1f}", f"≤ {part.sensitivity:.3g}", _rho(part.rho), size)
    return table


def _fields(one: Rounds) -> Table:
    table = Table(title="\nEvery field of a reply (the last round's)", title_justify="left")
    for name in ("field", "bytes", "what it is"):
        table.add_column(name, justify="right" if name == "bytes" else "left")
    for name, size in one.fields.items():
        table.add_row(name, f"{size:,}", FIELDS[name])
    return table


def _numbers(one: Rounds) -> str:
    return str(one.first) if one.times == 1 else f"{one.first}-{one.first + one.times - 1}"


def _rho(units: int) -> str:
    return f"{units / _BILLION:.6f}"
