"""A link's SuperNode: Flower's own, which shows a client certificate and, beside our courier, pauses less.

``python -m client.link.supernode --certificate PEM --key PEM --node FILE [--longest-pause S] -- OPTIONS_OF_FLOWERS``
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from client.link.haste import hasten_supernode
from client.link.internals import fleet_module, goodbye_of, loop_module, supernode_program
from client.link.presenting import present_certificate
from client.link.returning import return_at_once


def main(arguments: Sequence[str] | None = None) -> None:
    """Run Flower's SuperNode, which reads its options from the command line."""
    parser = argparse.ArgumentParser(prog="client.link.supernode", description=__doc__)
    parser.add_argument("--certificate", type=Path, required=True, metavar="PEM")
    parser.add_argument("--key", type=Path, required=True, metavar="PEM")
    parser.add_argument("--node", type=Path, required=True, metavar="FILE", help="keeps the node's number")
    parser.add_argument("--longest-pause", type=float, metavar="SECONDS", help="between two looks at the SuperLink")
    parser.add_argument("options", nargs="*", help="of flower-supernode, after --")
    given = parser.parse_args(arguments)
    present_certificate(fleet_module(), given.certificate, given.key)
    return_at_once(fleet_module(), goodbye_of, given.node)
    if given.longest_pause is not None:
        hasten_supernode(loop_module(), given.longest_pause)
    sys.argv = ["flower-supernode", *given.options]
    supernode_program()()


if __name__ == "__main__":
    main()
