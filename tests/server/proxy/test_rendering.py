"""Configurations as text: the examples, and what cannot get into one."""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from common.errors import FedclaimsError, InputError
from server.certificates.authority import Authority
from server.proxy.command import RENDER, add_proxy
from server.proxy.example import COPIED, EXAMPLE
from server.proxy.rendering import render_caddy, render_nginx
from server.proxy.sites import Sites
from tests.server.certificates.test_authority import request_of
from tests.server.proxy.doors import program

DEPLOY = Path(__file__).parents[3] / "deploy"
CONFIGURATION = """\
name = "coordinator"
host = "coordinator.example"
[proxy]
port = 8443
[superlink]
port = 9192
"""


@pytest.mark.parametrize(("kind", "file", "site"), [("nginx", "nginx.conf", EXAMPLE), ("caddy", "Caddyfile", COPIED)])
def test_the_examples_are_what_the_command_writes(kind: str, file: str, site: Sites) -> None:
    assert (DEPLOY / kind / file).read_text() == RENDER[kind](site)


@pytest.mark.parametrize(
    "change",
    [
        {"listen": "0.0.0.0:443; include /etc/passwd"},
        {"listen": "443"},
        {"superlink": "127.0.0.1:9092\n}"},
        {"superlink_name": "a b"},
        {"user": "root;"},
        {"key": Path("/x y")},
        {"key": Path("relative")},
        {"root": Path("/a;b")},
        {"directory": Path('/a"b')},
        {"directory": Path("/a$pid")},
        {"clients": (Path("/a{b}"),)},
        {"certificate": Path("/a\n")},
        {"operators": ("10.0.0.1 1; 0.0.0.0/0",)},
        {"operators": ("somewhere.example",)},
    ],
)
def test_nothing_that_means_something_in_a_configuration_gets_into_one(change: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        dataclasses.replace(EXAMPLE, **change)


def test_a_path_of_chinese_letters_may_be_used() -> None:
    changed = dataclasses.replace(EXAMPLE, directory=Path("/var/lib/代理"))
    assert "/var/lib/代理/access.log" in render_nginx(changed)


def test_every_certificate_that_counts_and_no_other_is_listed_for_caddy() -> None:
    held = render_caddy(EXAMPLE)
    listed = [line.split()[1] for line in held.splitlines() if line.split()[:1] == ["trusted_leaf_cert_file"]]
    assert listed == [str(EXAMPLE.root), *map(str, EXAMPLE.clients)]


def run(*given: str) -> int:
    parser = argparse.ArgumentParser()
    add_proxy(parser.add_subparsers(required=True))
    arguments = parser.parse_args(["proxy", *given])
    try:
        arguments.run(arguments)
    except FedclaimsError as error:
        return error.exit_code
    return 0


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "coordinator.toml").write_text(CONFIGURATION)
    authority = Authority.create(tmp_path / "authority", "test authority")
    for name in ("north", "gone"):
        authority.client(request_of(), name)
    authority.revoke("gone")
    return tmp_path


def test_the_command_writes_what_the_coordinators_configuration_says(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own, out = home / "own", home / "nginx.conf"
    own.mkdir()
    assert (
        run("nginx", "--dir", str(home), "--out", str(out), "--own-dir", str(own), "--operator-host", "10.1.0.0/16")
        == 0
    )
    assert "nginx -t -c" in capsys.readouterr().out
    held = out.read_text()
    for said in ("listen 0.0.0.0:8443 ssl;", "server 127.0.0.1:9192 ", "10.1.0.0/16 1;", f"pid {own}/nginx.pid;"):
        assert said in held
    assert "127.0.0.1/32 1;" not in held
    assert (home / "authority" / "server-proxy.pem").exists()


def test_the_command_lists_for_caddy_who_was_admitted_and_not_revoked(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("caddy", "--dir", str(home), "--json") == 0
    held = json.loads(capsys.readouterr().out)["configuration"]
    north, gone, _ = Authority.open(home / "authority").issued()
    assert north.serial in held
    assert gone.serial not in held


def test_a_directory_that_is_no_coordinators_is_an_error_that_says_so(tmp_path: Path) -> None:
    assert run("nginx", "--dir", str(tmp_path)) == 3


def test_nginx_itself_finds_the_written_configuration_good(home: Path, nginx: str) -> None:
    own, out = home / "own", home / "nginx.conf"
    own.mkdir()
    assert run("nginx", "--dir", str(home), "--out", str(out), "--own-dir", str(own)) == 0
    ran = subprocess.run(  # noqa: S603  the proxy's own check
        [program(nginx), "-t", "-c", str(out), "-e", str(home / "log")], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "warn" not in ran.stderr
