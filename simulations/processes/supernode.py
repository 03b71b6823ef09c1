"""A SuperNode in a hurry: ``python -m simulations.processes.supernode PAUSE_S [options of flower-supernode]``."""

from __future__ import annotations

import sys

from simulations.flower.internals import supernode_program
from simulations.processes.haste import hasten_supernode


def main() -> None:
    """Run Flower's SuperNode, which reads its options from the command line, with capped pauses."""
    loop, program = supernode_program()
    hasten_supernode(loop, float(sys.argv.pop(1)))
    program()


if __name__ == "__main__":
    main()
