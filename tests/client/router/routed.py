"""Claims for the router's tests: as ``Claim``, as JSON, as columns, and as files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from client.router.claims import RoutedClaims, routed_claims
from common.claim import Claim


def fields(number: int = 0, **changes: Any) -> dict[str, Any]:
    """A claim's fields, fine but for the changes."""
    held: dict[str, Any] = {
        "claim_key": f"S{number}",
        "psn_key": f"P{number % 97}",
        "fixmedins_code": f"H{number % 5}",
        "med_type": "21",
        "adm_time": "2024-03-01T08:00:00",
        "dscg_time": "2024-03-05T10:00:00",
        "setl_time": "2024-03-05T11:00:00",
        "age": 20 + number % 60,
        "gend": "1",
        "diseinfo": [{"diag_code": ["I10", "J18", "K35", "E11"][number % 4], "maindiag_flag": True}],
        "oprninfo": [{"oprn_oprt_code": "47.01"}] if number % 4 == 2 else [],
        "iteminfo": [{"med_chrgitm_type": "01", "amt": "600"}, {"med_chrgitm_type": "09", "amt": f"{400 + number}"}],
        "medfee_sumamt": f"{1000 + number}",
        "fund_pay_sumamt": "700",
        "psn_part_amt": f"{300 + number}",
    }
    return held | changes


def claim(number: int = 0, **changes: Any) -> Claim:
    return Claim.model_validate(fields(number, **changes))


def claim_json(number: int = 0, **changes: Any) -> bytes:
    return json.dumps(fields(number, **changes)).encode()


def batch(numbers: Sequence[int], **changes: Any) -> RoutedClaims:
    claims = [claim(number, **changes) for number in numbers]
    return routed_claims(claims, [number % 97 + 1 for number in numbers])
