"""Getting ready: the first claim should not wait for what can be compiled, loaded and tidied before."""

from __future__ import annotations

import gc

import numpy as np

from client.router.bench import Bench
from client.router.lone.claim import lone_claim
from client.router.lone.deciding import batch_of_one
from client.router.registers import Registers
from client.router.rules.history import History
from common.claim import Claim

_EXAMPLE = Claim.model_validate_json(
    b"""{"claim_key": "example", "psn_key": "nobody", "med_type": "21", "adm_time": "2025-03-01T09:00:00",
    "dscg_time": "2025-03-08T10:00:00", "age": 61, "gend": "1", "diseinfo": [{"diag_code": "J15"}],
    "oprninfo": [{"oprn_oprt_code": "93.94"}], "medfee_sumamt": "100.00",
    "iteminfo": [{"med_chrgitm_type": "01", "amt": "100.00"}]}"""
)


def get_ready(bench: Bench) -> None:
    """Decide about an example, alone and in a batch of two, of which nothing is kept.

    Guarantees:
        * No decision depends on whether this was done.

    Args:
        bench: Nobody else decides with it yet.
    """
    lone, history, registers = lone_claim(_EXAMPLE, 1, refused=False), History(), Registers()
    for _ in range(2):  # the second time it meets itself
        history.remember(bench.lone.decide(lone, history, registers, 0).events)
    both = batch_of_one(lone).select(np.array([0, 0]))
    bench.decide(both, history, registers, 0).records()


def tidy_up() -> None:
    """What is there now stays: later collections of garbage need not look at it again."""
    gc.collect()
    gc.freeze()
