"""The generated world: bureaus with claims whose true groups are known."""

from simulations.world.arriving import ArrivingBureau, ArrivingWorld
from simulations.world.groups import Group, Name, code_names, group_names, load_groups
from simulations.world.happenings import Death, Happening, Merge, Outage, PriceRise, Surge
from simulations.world.regions import Region
from simulations.world.world import BureauClaims, World

__all__ = [
    "ArrivingBureau",
    "ArrivingWorld",
    "BureauClaims",
    "Death",
    "Group",
    "Happening",
    "Merge",
    "Name",
    "Outage",
    "PriceRise",
    "Region",
    "Surge",
    "World",
    "code_names",
    "group_names",
    "load_groups",
]
