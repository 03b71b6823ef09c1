"""Claims as JSON, damaged by somebody who knows claims: types, sizes, depths, keys twice, numbers, dates, letters.

What is private in them says so: nothing that anybody is told may hold ``CANARY`` or ``NUMBER``.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import cache
from typing import Any

from common.claim import ALIASES, Claim, Diagnosis, FeeItem, Operation
from tests.client.router.routed import fields
from tests.common.mutations import TEXTS, as_json, odd

CANARY, NUMBER = "CANARY", "4711"
PRIVATE = f"{CANARY}{NUMBER}"

DATES = (
    "2024-02-30", "2024-02-29T24:00:00", "0000-01-01", "9999-12-31T23:59:59.999999-23:59", "0001-01-01T00:00:00+23:59",
    "2024-03-01T08:00:00Z", "2024-03-01T08:00:00+14:00", "2024-03-01T08:00:00-12:30:15", "2024-03-01 08:00",
    "20240301", "2024-W09-5", "1709280000", "2024-06-30T23:59:60", "２０２４-03-01",
    "2024-03-01T08:00:00[Asia/Shanghai]",
)  # fmt: skip
TOKENS = (
    "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1e-999", "-0", "-0.0", "01", "+1", "1_000", "0x10", "1.",
    ".5", "1e", "9" * 400, "9" * 5000, "0." + "0" * 400 + "1", "4711.471", "47110000000000.47", '"4711,47"', '"1e3"',
    '"NaN"', '"٤٧١١"', "1709280000", "1e18", "-62135596801", "253402300800", "4711e30", "true", "null", "[]", "{}",
)  # fmt: skip
LETTERS = (
    '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\u202eCANARY4711"', '"\ufeffCANARY4711"', '"CANARY4711\\n"',
    '"' + "界" * 200 + '"', '"' + "CANARY4711" * 500 + '"', '"\\x41"', "'CANARY4711'", '"CANARY4711',
)  # fmt: skip
_NAMES = tuple(dict.fromkeys([*Claim.model_fields, *ALIASES, "psn_name", "certno", PRIVATE, "", "姓名"]))
_INNER = {"diseinfo": Diagnosis, "oprninfo": Operation, "iteminfo": FeeItem}
_HERE = "here stands a token"
_TIMES = ("adm_time", "dscg_time", "setl_time")

Fields = dict[str, Any]


@cache
def seeds() -> tuple[bytes, ...]:
    """Claims that are fine, and full of what must not be shown."""
    return tuple(json.dumps(_private(number)).encode() for number in range(6))


def _private(number: int) -> Fields:
    names = ("claim_key", "psn_key", "fixmedins_code", "insu_admdvs", "dscr_text", "reflin_medins_no")
    held = fields(number) | {name: f"{PRIVATE}-{number}-{place}" for place, name in enumerate(names)}
    held |= {
        "medfee_sumamt": "4711.47",
        "fund_pay_sumamt": "4000.47",
        "psn_part_amt": "711.00",
        "hosp_part_amt": "0.00",
    }
    held["iteminfo"] = [{"med_chrgitm_type": "01", "amt": "4711.00"}, {"med_chrgitm_type": "09", "amt": "0.47"}]
    held["diseinfo"] = [{"diag_code": f"{PRIVATE}.{number}", "maindiag_flag": True}, {"diag_code": "I10"}]
    return held | {"drg_code": PRIVATE, "outcome": PRIVATE}


def change(held: bytes, rng: random.Random) -> bytes:
    """One more damage."""
    if rng.random() < 0.3:
        return as_json(held, rng, compact=False)
    tree = json.loads(held)
    if not isinstance(tree, dict):
        return as_json(held, rng)
    return rng.choice(_CHANGES)(tree, rng)


def _token(tree: Fields, rng: random.Random) -> bytes:
    """Some text that may not even be JSON in the place of a value, at the top or within."""
    token = rng.choice(TOKENS if rng.random() < 0.6 else LETTERS)
    return _text(_set(tree, _HERE, rng)).replace(json.dumps(_HERE), token).encode("utf-8", "surrogatepass")


def _date(tree: Fields, rng: random.Random) -> bytes:
    return _bytes(tree | {name: rng.choice(DATES) for name in _TIMES if rng.random() < 0.6})


def _many(tree: Fields, rng: random.Random) -> bytes:
    """Lists at their limit and beyond."""
    name = rng.choice(list(_INNER))
    line = (tree.get(name) or [{}])[:1] if isinstance(tree.get(name), list) else [{}]
    return _bytes(tree | {name: line * rng.choice((0, 2, 64, 65, 900))})


def _deep(tree: Fields, rng: random.Random) -> bytes:
    depth = rng.choice((5, 120, 250, 5_000))
    opened, closed = rng.choice((("[", "]"), ('{"a":', "}"), (f'{{"{PRIVATE}":', "}")))
    deep = opened * depth + "1" + closed * rng.choice((0, depth, depth))
    return _text(_set(tree, _HERE, rng)).replace(json.dumps(_HERE), deep).encode()


def _twice(tree: Fields, rng: random.Random) -> bytes:
    """A key twice, or under both of its names."""
    name = rng.choice(_NAMES)
    value = json.dumps(rng.choice((PRIVATE, tree.get(name), 4711, None)))
    place = rng.choice(("{", "}"))
    one = f"{json.dumps(name)}: {value}"
    text = _text(tree)
    return (f"{{{one}, {text[1:]}" if place == "{" else f"{text[:-1]}, {one}}}").encode()


def _odd(tree: Fields, rng: random.Random) -> bytes:
    value = rng.choice((odd(rng), PRIVATE, 4711, [PRIVATE], {PRIVATE: PRIVATE}))
    return _bytes(_set(tree, value.hex() if isinstance(value, bytes) else value, rng))


def _letters(tree: Fields, rng: random.Random) -> bytes:
    """Another encoding, a mark before, something behind."""
    text = _text(tree)
    kinds: tuple[Callable[[], bytes], ...] = (
        lambda: text.encode("utf-16"),
        lambda: b"\xef\xbb\xbf" + text.encode(),
        lambda: text.encode() + rng.choice((b"\x00", b"{}", text.encode(), b" " * (1 << 16))),
        lambda: text.replace(CANARY, "\udc80" + CANARY).encode("utf-8", "surrogateescape"),
        f"[{text}]".encode,
        lambda: json.dumps(text).encode(),
    )
    return rng.choice(kinds)()


def _fitting(tree: Fields, rng: random.Random) -> bytes:
    """Values that fit one by one, and perhaps not with each other."""
    name = rng.choice(("medfee_sumamt", "fund_pay_sumamt", "psn_part_amt", "act_ipt_days", "age", "nwb_age", "gend"))
    value = rng.choice((0, 1, 4711, -4711, "4711.48", "0.001", 366, 3660, 131, "1", rng.choice(TEXTS)))
    return _bytes(tree | {name: value, "claim_key": f"{PRIVATE}-{rng.random()}"})


def _set(tree: Fields, value: Any, rng: random.Random) -> Fields:
    """A value in the place of another, at the top or in a line of a list."""
    name = rng.choice(_NAMES)
    lines = tree.get(name)
    if name in _INNER and isinstance(lines, list) and lines and rng.random() < 0.7:
        inner = rng.choice([*_INNER[name].model_fields, PRIVATE])
        return tree | {name: [{inner: value} | (lines[0] if rng.random() < 0.2 else {}), *lines[1:]]}
    return tree | {name: value}


def _bytes(tree: Fields) -> bytes:
    return _text(tree).encode("utf-8", "surrogatepass")


def _text(tree: Fields) -> str:
    return json.dumps(tree, ensure_ascii=False)


_CHANGES = (_token, _token, _date, _many, _deep, _twice, _odd, _odd, _letters, _fitting, _fitting)
