"""The generated world: bureaus with claims whose true groups are known."""

from simulations.world.groups import Group, Name, code_names, group_names, load_groups
from simulations.world.regions import Region
from simulations.world.world import BureauClaims, World

__all__ = ["BureauClaims", "Group", "Name", "Region", "World", "code_names", "group_names", "load_groups"]
