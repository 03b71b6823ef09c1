"""What happens in the world of a simulated stream, unless one asks for something else."""

from __future__ import annotations

from simulations.world.happenings import Death, Happening, Merge, Outage, PriceRise, Surge

HOURS_A_DAY = 24
RARE, BURST = "TAVI", "COCHLEAR_IMPLANT"
SURGE_PER_HOUR, BURST_PER_HOUR = 80.0, 60.0
DEARER_PERCENT = 12.0


def quiet(_hours: int, _n_bureaus: int) -> tuple[Happening, ...]:
    """Nothing happens: whatever is told of such a world is a false alarm."""
    return ()


def everything(hours: int, n_bureaus: int) -> tuple[Happening, ...]:
    """A surge in several hospitals, a burst in one, dearer bills, a death, a merge and a bureau that drops out.

    Moments are those of the first two days; what a shorter world has no time for does not happen in it.
    """
    several = tuple(range(min(3, n_bureaus)))
    found: tuple[tuple[float, Happening], ...] = (
        (11, Surge(begins=11, ends=17, group=RARE, per_hour=SURGE_PER_HOUR, bureaus=several, hospitals=2)),
        (14, Outage(begins=14, ends=17, bureau=n_bureaus - 1)),
        (30, PriceRise(begins=30, ends=33, percent=DEARER_PERCENT)),
        (33, Surge(begins=33, ends=37, group=BURST, per_hour=BURST_PER_HOUR, bureaus=(1,), hospitals=1)),
        (34, Death(begins=34, group="URI_CHILD")),
        (38, Merge(begins=38, ends=42, group="ANGINA", into="COPD")),
    )
    return tuple(one for begins, one in found if begins < hours)


SCENES = {"everything": everything, "quiet": quiet}
