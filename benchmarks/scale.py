"""The whole command at growing numbers of claims: peak memory of its process, and seconds a stage.

Memory must not grow with the number of claims beyond the few bytes a claim that a simulation keeps to tell its story.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.pairing import options, show_heading, show_machine, show_row

CLAIMS = (1_000_000, 10_000_000)
BUREAUS, CLUSTERS = 31, 32
STAGES = ("ingest", "rounds", "report")
MIB = 1024


def main(arguments: list[str] | None = None) -> None:
    """Run the command once per size, print one table."""
    chosen = options(__doc__).parse_args(arguments)
    show_machine("fedclaims", "numpy", "numba")
    show_heading(["claims", "peak MiB", "/ first", "wall s", "CPU s", *(f"{stage} s" for stage in STAGES), "rounds"])
    first = 0.0
    for n_claims in (50_000, 200_000) if chosen.quick else CLAIMS:
        with tempfile.TemporaryDirectory() as folder:
            wall, usage = run_command(n_claims, Path(folder))
            result = json.loads((Path(folder) / "result.json").read_text("utf-8"))
        peak = usage.ru_maxrss / MIB
        first = first or peak
        seconds = [result["seconds"].get(stage, 0.0) for stage in STAGES]
        show_row([n_claims, peak, peak / first, wall, usage.ru_utime + usage.ru_stime, *seconds, result["rounds"]])


def run_command(n_claims: int, out: Path) -> tuple[float, resource.struct_rusage]:
    """Wall seconds and resources of one run of the command in a process of its own."""
    code = "import sys; from simulations.command import main; sys.exit(main(sys.argv[1:]))"
    sizes = ["--bureaus", BUREAUS, "--claims-total", n_claims, "--clusters", CLUSTERS]
    began = time.perf_counter()
    started = subprocess.Popen(  # noqa: S603  our own command
        [sys.executable, "-c", code, *map(str, sizes), "--no-reference", "--out", str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(started.pid, 0)
    started.returncode = os.waitstatus_to_exitcode(status)
    if started.returncode:
        raise subprocess.CalledProcessError(started.returncode, "fedclaims-simulate")
    return time.perf_counter() - began, usage


if __name__ == "__main__":
    main()
