"""nginx before a real SuperLink: what gets through is what the SuperLink's own log says."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from pathlib import Path

import pytest

from tests.server.proxy.doors import HOST, PATIENCE_S, Knocker, Proxy, World, free_port, insist_on, new_world, proxy_of

pytestmark = pytest.mark.flower
START_S = 90.0
LINE = re.compile(r'"?([A-Z]+) (/\S*) HTTP/1\.[01]"? ([0-9]{3})')


@dataclass
class SuperLink:
    """A SuperLink's process, which logs every request that reaches it."""

    log: Path
    port: int


@contextmanager
def superlink_of(world: World) -> Iterator[SuperLink]:
    port, log = free_port(), world.root / "superlink.log"
    outer = {key: held for key, held in os.environ.items() if not key.startswith("FLWR_")}
    off = {"FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1", "FLWR_HOME": str(world.root / "home")}
    files = world.superlink
    tls = ["--ssl-certfile", files.certificate, "--ssl-keyfile", files.key, "--ssl-ca-certfile", world.authority.root]
    options = ["--enable-supernode-auth", "--isolation", "process", "--host", HOST, "--port", str(port)]
    command = [str(Path(sysconfig.get_path("scripts")) / "flower-superlink"), *map(str, tls), *options]
    with log.open("ab") as held:
        process = subprocess.Popen(command, stdout=held, stderr=held, env=outer | off, cwd=world.root)  # noqa: S603
    try:
        _await(world, port, process, log)
        yield SuperLink(log, port)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _await(world: World, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        connection = HTTPSConnection(
            HOST, port, timeout=1.0, context=ssl.create_default_context(cafile=str(world.authority.root))
        )
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except (OSError, HTTPException):
            time.sleep(0.1)
        finally:
            connection.close()
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def behind() -> Iterator[tuple[Proxy, SuperLink]]:
    insist_on("nginx")
    with new_world(control=True) as world, superlink_of(world) as superlink:
        world.let_in()
        with proxy_of("nginx", world, superlink.port) as proxy:
            yield proxy, superlink


def newly_reached(behind: tuple[Proxy, SuperLink], who: str, routes: list[tuple[str, str]]) -> set[tuple[str, str]]:
    proxy, superlink = behind
    before = superlink.log.stat().st_size
    knocker = proxy.world.knocker(who)
    for method, path in routes:
        knocker.ask(method, path, b"", "Content-Type: application/protobuf")
    time.sleep(0.5)  # for its log
    held = superlink.log.read_bytes()[before:].decode()
    return {(found[1], found[2]) for found in LINE.finditer(held)}


def test_a_superlink_behind_nginx_is_reached_as_its_own_log_says(
    behind: tuple[Proxy, SuperLink], routes: list[tuple[str, str]]
) -> None:
    for who in ("nobody", "stranger", "expired", "revoked"):
        assert newly_reached(behind, who, routes) == set()
    fleet = {one for one in routes if one[1].startswith("/v1/fleet/")}
    assert newly_reached(behind, "bureau", routes) == fleet
    control = {one for one in routes if one[1].startswith("/v1/control/")}
    assert newly_reached(behind, "operator", routes) == control  # nobody logs a look at its health


def test_the_superlink_answers_the_operator_and_turns_an_unknown_node_away(behind: tuple[Proxy, SuperLink]) -> None:
    proxy, _ = behind
    ours = ["Content-Type: application/protobuf", "Accept: application/protobuf"]
    assert proxy.world.knocker("operator").ask("GET", "/health") == 200
    assert proxy.world.knocker("operator").ask("POST", "/v1/control/list-runs", b"", *ours) == 200
    assert proxy.world.knocker("bureau").ask("POST", "/v1/fleet/pull-messages", b"", *ours) in {401, 403, 422}
    assert Knocker(proxy.world, None).ask("GET", "/health") == 403
