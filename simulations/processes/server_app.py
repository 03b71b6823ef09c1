"""The rehearsal's ServerApp: the simulation's, looking sooner for parts of replies that are on their way."""

from __future__ import annotations

from server.deployment.haste import hasten_parts
from simulations.flower import server_app
from simulations.flower.internals import grid_module

hasten_parts(grid_module())

app = server_app.app  # an assignment: Flower looks for one
