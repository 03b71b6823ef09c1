"""The stock courier: only a listed bundle without code can be put in, and any other dies before its code is loaded."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from flwr.common.constant import ErrorCode

from client.command import main
from client.link import installing
from client.link.bundles import as_lines, digest_of
from client.link.configuration import load_link
from client.link.place import LinkPlace
from client.link.programs import SUPERNODE, programs_of
from client.service import serve_station
from simulations.flower.internals import bundle_of
from tests.client.link.deployed import Deployed, deployed, until, write_asking_app
from tests.client.link.test_beginning import begin
from tests.client.link.test_processes import gone, hostile_app, programs

UNABLE = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
"""Root that may not write where the owner may not, which is what every other user is."""

needs_setpriv = pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root without setpriv")


def bundle(directory: Path, code: str = "") -> tuple[Path, str]:
    """A bundle's file, called as ``flwr build`` calls it."""
    app = write_asking_app(directory / "app", directory / "told.json", code=code)
    return named(directory, bundle_of(app))


def named(directory: Path, held: bytes) -> tuple[Path, str]:
    digest = digest_of(held)
    path = directory / f"fedclaims.asking.1-0-0.{digest[:8]}.fab"
    path.write_bytes(held)
    return path, digest


def install(place: LinkPlace, path: Path) -> int:
    return main(["link", "install", str(path), "--dir", str(place.root)])


@pytest.fixture
def place(tmp_path: Path) -> LinkPlace:
    assert begin(tmp_path / "link", "--stock") == 0
    return LinkPlace(tmp_path / "link")


def test_a_listed_bundle_without_code_is_put_in_where_nobody_may_write(place: LinkPlace, tmp_path: Path) -> None:
    path, digest = bundle(tmp_path)
    place.bundles.write_bytes(as_lines([digest]))
    assert install(place, path) == 0
    assert install(place, path) == 0, "a second time changes nothing"
    files = [one for one in place.apps.rglob("*") if one.is_file()]
    assert [one.name for one in files] == ["pyproject.toml"]
    assert all(not stat.S_IMODE(one.stat().st_mode) & 0o222 for one in [place.apps, *place.apps.rglob("*")])


def test_a_bundle_that_is_not_listed_is_not_put_in(
    place: LinkPlace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, _ = bundle(tmp_path)
    place.bundles.write_bytes(as_lines(["00" * 32]))
    assert install(place, path) == 3
    assert "is not on the list" in capsys.readouterr().err
    assert list(place.apps.iterdir()) == []


def test_a_bundle_with_code_is_not_put_in_even_if_listed(
    place: LinkPlace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, digest = bundle(tmp_path, "print(1)\n")
    place.bundles.write_bytes(as_lines([digest]))
    assert install(place, path) == 3
    assert "more than a project file" in capsys.readouterr().err


def test_what_is_no_bundle_is_not_put_in(place: LinkPlace, tmp_path: Path) -> None:
    (tmp_path / "x.fab").write_bytes(b"no zip")
    assert install(place, tmp_path / "x.fab") == 3
    assert install(place, tmp_path / "none.fab") == 3


@pytest.fixture
def link() -> Iterator[Deployed]:
    with deployed() as found:
        yield found


@needs_setpriv
@pytest.mark.slow
@pytest.mark.flower
def test_the_stock_courier_serves_its_app_and_a_hostile_one_dies_before_its_code_is_loaded(link: Deployed) -> None:
    app, digest = link.app("plain")
    hostile, _, canary = hostile_app(link, "hostile")
    link.admit(link.begin("--stock"), [digest])
    assert install(link.place, named(link.base, bundle_of(app))[0]) == 0
    link.start(*(UNABLE if os.geteuid() == 0 else []))
    until(lambda: len(link.standing()) == 1, told=link.log.read_text)
    with serve_station(lambda request: request + b"!", link.socket):
        assert link.ask(app) == [{"bytes": ["ask!"]}]
        (refused,) = link.ask(hostile)
    assert refused["code"] == ErrorCode.CLIENT_APP_RAISED_EXCEPTION
    assert "PermissionError" in refused["reason"]
    assert not canary.exists()
    found = programs(link)
    below = [one for program in found for one in program.children(recursive=True)]
    assert link.end() == 0
    until(lambda: gone([*found, *below]), 10.0)


@pytest.mark.slow
@pytest.mark.flower
def test_where_the_apps_may_be_written_to_a_hostile_bundles_code_would_run(link: Deployed) -> None:
    hostile, _, canary = hostile_app(link, "hostile")
    link.admit(link.begin("--stock"), ["00" * 32])
    configuration = load_link(link.place.configuration)
    (program,) = programs_of(link.place, configuration, link.rehearsal.address)
    link.rehearsal.children.start(SUPERNODE, *program.command, home=link.place.home)
    with serve_station(lambda request: request, link.socket):
        link.ask(hostile)
    assert canary.exists(), "else the other tests would show nothing"


def test_what_is_put_in_is_what_was_checked_whatever_becomes_of_the_file(
    place: LinkPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, digest = bundle(tmp_path)
    place.bundles.write_bytes(as_lines([digest]))
    (tmp_path / "other").mkdir()
    hostile, _ = bundle(tmp_path / "other", code="raise SystemExit\n")
    listing = installing.listed

    def swapped(bundles: Path) -> frozenset[str]:
        path.write_bytes(hostile.read_bytes())
        return listing(bundles)

    monkeypatch.setattr(installing, "listed", swapped)
    assert install(place, path) == 0
    assert [one.name for one in place.apps.rglob("*") if one.is_file()] == ["pyproject.toml"]
