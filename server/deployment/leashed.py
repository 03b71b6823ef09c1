"""A command that ends with whoever started it: ``python -m server.deployment.leashed PARENT COMMAND...``."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""Of Linux; elsewhere whoever ends the service ends the SuperLink, too."""


def main() -> None:
    """Ask the kernel for a signal when the parent ends, and become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() == parent:  # else it has ended before we asked
        os.execv(command[0], command)  # noqa: S606  a command of our own environment, without a shell


if __name__ == "__main__":
    main()
