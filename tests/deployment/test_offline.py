"""From an index to a bureau without one: what the folder holds, and an installation with the network off."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from getpass import getuser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MADE = (
    "client",
    "common",
    "server",
    "simulations",
    "docs",
    "scripts",
    "README.md",
    "constraints.txt",
    "pyproject.toml",
)
NOWHERE = "http://127.0.0.1:9"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def make(source: Path, out: Path) -> Path:
    """A wheelhouse of sources that know no commit."""
    environment = os.environ | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "GIT_CEILING_DIRECTORIES": str(source.parent),
    }
    subprocess.run([str(source / "scripts" / "wheelhouse"), str(out)], env=environment, check=True)  # noqa: S603
    return out


def _others(top: Path, names: list[str]) -> set[str]:
    return {name for name in names if (top == ROOT and name not in MADE) or name == "__pycache__"}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("first") / "sources"
    return shutil.copytree(ROOT, found, ignore=lambda top, names: _others(Path(top), names))


@pytest.fixture(scope="module")
def house(sources: Path) -> Path:
    return make(sources, sources.parent / "out" / "wheelhouse")


@pytest.fixture(scope="module")
def installed(house: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    venv = tmp_path_factory.mktemp("bureau") / "venv"
    without_network([str(house / "install"), str(venv)], venv.parent)
    return venv


def without_network(command: Sequence[str], directory: Path) -> str:
    """What a command says without network: in a namespace of its own if that is allowed, else behind dead proxies."""
    alone = ["unshare", "--map-root-user", "--net"]
    cut = shutil.which("unshare") and not subprocess.run([*alone, "true"], capture_output=True, check=False).returncode  # noqa: S603
    environment = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(directory),
        **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "PIP_INDEX_URL"), NOWHERE),
    }
    done = subprocess.run(  # noqa: S603
        [*(alone if cut else ()), *command], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def requirements(house: Path) -> dict[str, str]:
    """Versions by normalised names."""
    lines = (house / "requirements.txt").read_text("utf-8").splitlines()
    found = [re.fullmatch(r"([\w.]+)(?:\[\w+\])?==([\w.]+) --hash=sha256:[0-9a-f]{64}", line) for line in lines]
    assert all(found)
    return {normalised(one[1]): one[2] for one in found if one}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).casefold()


def test_the_sums_name_every_file_of_the_folder(house: Path) -> None:
    summed = {line.split(maxsplit=1)[1] for line in (house / "SHA256SUMS").read_text("utf-8").splitlines()}
    files = {str(path.relative_to(house)) for path in house.rglob("*") if path.is_file()}
    assert files == summed | {"SHA256SUMS"}
    assert len([name for name in files if name.endswith(".whl")]) == len(requirements(house))


def test_every_version_is_the_one_that_was_tested(house: Path) -> None:
    pinned = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if "==" in line
    )
    pins = {normalised(name): version for name, version in pinned.items()}
    wanted = {name: pins[name] for name in requirements(house) if name != "fedclaims"}
    assert {name: version for name, version in requirements(house).items() if name != "fedclaims"} == wanted


def test_the_bill_of_materials_names_what_is_installed_and_nothing_of_this_machine(house: Path) -> None:
    text = (house / "sbom.cdx.json").read_text("utf-8")
    bill = json.loads(text)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    listed = {normalised(one["name"]): one["version"] for one in bill["components"]}
    root = bill["metadata"]["component"]
    assert listed | {root["name"]: root["version"]} == requirements(house)
    assert all(one["purl"].startswith("pkg:pypi/") for one in bill["components"])
    others = "\n".join((house / name).read_text("utf-8") for name in ("requirements.txt", "made-for", "SHA256SUMS"))
    for told in (str(house.parent), str(ROOT), f"{Path.home()}/", "file:", f"/{getuser()}/"):
        assert told not in text + others
    assert re.search(rf"\b{re.escape(socket.gethostname())}\b", text + others) is None


def test_a_second_folder_made_elsewhere_is_the_same_byte_for_byte(sources: Path, house: Path, tmp_path: Path) -> None:
    later = shutil.copytree(
        sources, tmp_path / "elsewhere" / "copy", copy_function=shutil.copy
    )  # other times of change
    again = make(later, tmp_path / "again")
    assert (again / "SHA256SUMS").read_text("utf-8") == (house / "SHA256SUMS").read_text("utf-8")


def test_an_installation_without_network_clusters_claims(installed: Path, tmp_path: Path) -> None:
    commands = installed / "bin"
    assert "usage: fedclaims-bureau" in without_network([str(commands / "fedclaims-bureau"), "--help"], tmp_path)
    small = ["--claims-total", "5000", "--bureaus", "3", "--clusters", "4", "--protection", "none", "--no-reference"]
    told = without_network([str(commands / "fedclaims-simulate"), *small, "--json"], tmp_path)
    assert json.loads(told)["n_claims"] == 5000
    assert (tmp_path / "fedclaims-out" / "report.html").exists()


def test_a_folder_that_was_changed_on_the_way_installs_nothing(house: Path, tmp_path: Path) -> None:
    changed = shutil.copytree(house, tmp_path / "changed", copy_function=os.link)
    (wheel,) = (changed / "wheels").glob("fedclaims-*.whl")
    held = bytearray(wheel.read_bytes())
    held[len(held) // 2] ^= 1
    wheel.unlink()
    wheel.write_bytes(held)
    install = [str(changed / "install"), str(tmp_path / "venv")]
    done = subprocess.run(install, capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        5,
        f"{changed / 'install'}: this folder is not what was signed; have it sent again",
    )
    assert not (tmp_path / "venv").exists()


def test_a_wheel_that_the_requirements_do_not_name_is_not_installed(house: Path, tmp_path: Path) -> None:
    changed = shutil.copytree(house, tmp_path / "changed", copy_function=os.link)
    (wheel,) = (changed / "wheels").glob("fedclaims-*.whl")
    held = bytearray(wheel.read_bytes())
    held[len(held) // 2] ^= 1
    wheel.unlink()
    wheel.write_bytes(held)
    (changed / "SHA256SUMS").unlink()
    sums = "cd {0} && find wheels install made-for requirements.txt -type f | xargs sha256sum > SHA256SUMS"
    subprocess.run(["bash", "-c", sums.format(changed)], check=True)  # noqa: S603, S607
    install = [str(changed / "install"), str(tmp_path / "venv")]
    environment = os.environ | {"PYTHON": sys.executable}
    done = subprocess.run(install, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode != 0
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr
    assert not (tmp_path / "venv").exists()
