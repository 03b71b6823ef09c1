"""The claim: what the validators refuse that no source of ours would send, but a caller of the router might."""

from typing import Any

import pytest
from pydantic import ValidationError

from common.claim import Claim

GIVEN: dict[str, Any] = {
    "claim_key": "c",
    "psn_key": "p",
    "diseinfo": [{"diag_code": "I10", "maindiag_flag": True}],
    "medfee_sumamt": "0",
}


def test_local_times_with_and_without_a_time_zone_are_compared_as_they_stand() -> None:
    stay = {"adm_time": "2025-01-03T10:00:00", "dscg_time": "2025-01-05T10:00:00+08:00"}
    assert Claim.model_validate(GIVEN | stay).dscg_time is not None
    with pytest.raises(ValidationError, match="dates_disordered"):
        Claim.model_validate(GIVEN | {"adm_time": stay["dscg_time"], "dscg_time": stay["adm_time"]})
