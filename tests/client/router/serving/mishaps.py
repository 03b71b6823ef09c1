"""What may befall a router amid an hour: kills at random moments, also while it comes up, swaps or draws drafts."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial

from tests.client.router.serving.hour import BUREAU, Hour
from tests.client.router.serving.reckoning import draw


def at_moments(hour: Hour, happenings: Sequence[Callable[[], None]], rng: random.Random) -> None:
    """Let things happen one after another at random moments of an hour, up to its last tenth."""
    n_claims = len(hour.claims)
    for moment, happening in zip(
        sorted(rng.sample(range(n_claims * 9 // 10), len(happenings))), happenings, strict=True
    ):
        hour.wait_for(moment)
        time.sleep(rng.random() * 0.05)
        happening()


def happenings(hour: Hour, second: list[str], rng: random.Random) -> list[Callable[[], None]]:
    """Kills: alone, while the process is coming up, while a new model is taken up, and while drafts are drawn."""
    root = hour.home.root

    def kill_twice() -> None:
        hour.kill()
        time.sleep(rng.random() * 4)
        hour.kill()

    def kill_amid_a_swap() -> None:
        hour.swap(second)
        time.sleep(rng.random() * 0.1)
        hour.kill()

    def draw_and_kill() -> None:
        drawing = subprocess.Popen([*BUREAU, "drafts", "list", "--dir", str(root)], stdout=subprocess.DEVNULL)  # noqa: S603
        time.sleep(rng.random() * 3)
        drawing.send_signal(signal.SIGKILL)
        drawing.wait()
        hour.kill()

    return [hour.kill, kill_twice, partial(draw, root), kill_amid_a_swap, draw_and_kill, hour.kill]
