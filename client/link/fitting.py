"""Whether Flower's inside is the one that was read. Importing this fails where a name is gone."""

from __future__ import annotations

from client.link import courier
from client.link.haste import insist_hastened
from client.link.internals import fleet_module, goodbye_of, loop_module
from client.link.presenting import insist_presents
from client.link.returning import insist_signs_on

__all__ = ["courier", "insist_known"]


def insist_known() -> None:
    """Insist on every place of Flower at which something of ours is put.

    Raises:
        EngineError: If one has changed.
    """
    insist_hastened(loop_module())
    insist_presents(fleet_module())
    insist_signs_on(fleet_module())
    goodbye_of(0)
