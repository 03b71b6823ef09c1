"""A program bound to the one that started it: ``python -m client.link.bound PARENT COMMAND...`` becomes the command.

Whoever is killed cannot end its children. So the kernel does: it kills a bound program when its parent ends, however
that ends. The binding outlives the change into another program.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1
"""Of <linux/prctl.h>."""


def bound(command: Sequence[str]) -> list[str]:
    """A command that ends with this process; start it from a thread that lasts as long."""
    return [sys.executable, "-P", "-m", "client.link.bound", str(os.getpid()), *command]


def main() -> None:
    """Bind this process to its parent, then become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        sys.exit("client.link.bound: this kernel does not bind processes to their parents")
    if os.getppid() != parent:
        sys.exit("client.link.bound: the parent is gone")
    os.execv(command[0], command)  # noqa: S606  the command of our own parent, without a shell


if __name__ == "__main__":
    main()
