"""How soon a surge of a rare operation is told, in the generated world, with real stations, masks and noise.

A day and a half; the surge begins in the second morning, in two hospitals of each of three bureaus. Whatever is told of
operations before it is a false alarm.
"""

from __future__ import annotations

from benchmarks.pairing import options, show_heading, show_machine, show_row
from common.stream.alarms import AlarmKind
from simulations.stream.options import parser, stream_of
from simulations.stream.scenes import RARE
from simulations.stream.ticking import StreamRun
from simulations.world.arriving import ArrivingWorld
from simulations.world.groups import load_groups
from simulations.world.happenings import Surge

BEGINS, HOURS = 33, 37
RATES = (80.0, 40.0)


def main(arguments: list[str] | None = None) -> None:
    """Print one table."""
    chosen_parser = options(__doc__)
    chosen_parser.add_argument("--seeds", type=int, default=3, help="worlds; 3")
    chosen_parser.add_argument("--epsilon", default="2", help="of a claim, over the whole stream; 2")
    chosen = chosen_parser.parse_args(arguments)
    show_machine("fedclaims", "numpy")
    show_heading(["claims an hour", "seed", "told after, minutes", "false alarms before", "windows before"])
    for rate in RATES[:1] if chosen.quick else RATES:
        for seed in range(1 if chosen.quick else chosen.seeds):
            told, false, windows = followed(rate, seed, chosen.epsilon)
            show_row([rate, seed, "never" if told is None else told, false, windows])


def followed(rate: float, seed: int, epsilon: str) -> tuple[int | None, int, int]:
    """Minutes from the surge's beginning to the first alarm of its operations; false alarms before, and windows."""
    run = stream_of(parser().parse_args(["--epsilon", epsilon, "--seed", str(seed), "--scene", "quiet"]))
    surge = Surge(begins=BEGINS, ends=HOURS, group=RARE, per_hour=rate, bureaus=(0, 1, 2), hospitals=2)
    world = ArrivingWorld(
        seed=seed,
        hours=HOURS,
        claims_per_hour=run.world.claims_per_hour,
        n_bureaus=run.world.n_bureaus,
        happenings=(surge,),
    )
    begins, false, windows, category = world.opens + BEGINS * 3600, 0, 0, category_of(RARE)
    for tick, _ in StreamRun(world=world, terms=run.terms).ticks():
        told = [one.operations for one in tick.alarms if one.kind is AlarmKind.SURGE_OF_OPERATIONS]
        if tick.closes <= begins:
            false, windows = false + len(told), windows + bool(tick.answered)
        elif category in told:
            return (tick.closes - begins) // 60, false, windows
    return None, false, windows


def category_of(name: str) -> int:
    """The category of a group's main operation."""
    group = next(one for one in load_groups() if one.id == name)
    return int(str(next(iter(group.operations)))[:2])


if __name__ == "__main__":
    main()
