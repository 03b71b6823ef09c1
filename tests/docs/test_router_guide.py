"""The router's guide does what it says: its commands, copied and pasted in an empty directory."""

import json
import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

from client.router.deciding.lanes import Lane

GUIDE = Path(__file__).parents[2] / "docs" / "router-guide.md"


def block(mark: str) -> str:
    """The first shell block behind a mark."""
    _, _, rest = GUIDE.read_text(encoding="utf-8").partition(f"<!-- guide: {mark} -->")
    return rest.split("```bash\n", 1)[1].split("```", 1)[0]


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An empty directory after the guide's commands, and what they said."""
    directory = tmp_path_factory.mktemp("tried")
    root = GUIDE.parents[1]
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(  # noqa: S603  the guide's own commands
        ["/bin/bash", "-euo", "pipefail", "-c", block("router")],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return directory, ended.stdout


def test_the_commands_run_in_an_empty_directory_and_decide_about_every_claim(tried: tuple[Path, str]) -> None:
    directory, said = tried
    assert (directory / "decisions.parquet").exists()
    assert "in force" in said


def test_every_claim_goes_to_people_before_anybody_has_reviewed_one(tried: tuple[Path, str]) -> None:
    directory, _ = tried
    command = ["fedclaims-bureau", "router", "report", "--dir", "router", "--json"]
    scripts = sysconfig.get_path("scripts")
    ended = subprocess.run(  # noqa: S603  our own command
        [f"{scripts}/{command[0]}", *command[1:]], cwd=directory, capture_output=True, text=True, check=True
    )
    decided = {one["lane"]: one["decided"] for one in json.loads(ended.stdout)["lanes"]}
    assert decided["FAST"] == 0
    assert decided["HUMAN"] > 1000


def test_the_guide_names_every_lane() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert all(f"| {lane.value} |" in text for lane in Lane)
