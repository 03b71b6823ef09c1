"""What closes a door: a revocation, an end, another host, another upstream, too much at once."""

from __future__ import annotations

import dataclasses
import json
import ssl
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from common.errors import InputError
from server.certificates import issuing
from server.certificates.authority import Authority
from server.deployment.configuration import Configuration, ProxyPart
from server.deployment.doctor.findings import Level
from server.deployment.doctor.reaching import proxy as doctor
from server.deployment.place import Place
from server.proxy.copying import copied
from server.proxy.sites import Limits
from tests.server.proxy.doors import (
    HOST,
    PATIENCE_S,
    Knocker,
    World,
    new_world,
    proxy_of,
    request,
    status_of,
    upstream_of,
)

FLEET, CONTROL = "/v1/fleet/pull-messages", "/v1/control/list-runs"


def test_a_revoked_bureau_is_out_at_once_when_the_proxy_is_reloaded_and_its_neighbour_is_not(kind: str) -> None:
    with new_world() as world, upstream_of(world.superlink) as upstream:
        north, south = (Knocker(world, world.bureau(name)) for name in ("north", "south"))
        with proxy_of(kind, world, upstream.port) as proxy, north.connected() as kept:
            assert (north.ask("POST", FLEET), south.ask("POST", FLEET)) == (200, 200)
            kept.sendall(request("POST", FLEET))
            assert status_of(kept) == 200
            world.authority.revoke("north")
            proxy.reload()
            until = time.monotonic() + PATIENCE_S
            while north.ask("POST", FLEET) == 200:  # nginx tells its workers; that is not waited for
                assert time.monotonic() < until
                time.sleep(0.05)
            n_seen = len(upstream.seen)
            assert _again(kept) == 0
            assert north.ask("POST", FLEET) in {0, 403}
            assert len(upstream.seen) == n_seen
            assert south.ask("POST", FLEET) == 200


def _again(kept: ssl.SSLSocket) -> int:
    """Another request over a connection from before."""
    try:
        kept.recv(100)
        kept.sendall(request("POST", FLEET))
        return status_of(kept)
    except (ssl.SSLError, OSError):
        return 0


def test_a_bureau_that_is_admitted_later_gets_in_after_a_reload(kind: str) -> None:
    with new_world() as world, upstream_of(world.superlink) as upstream, proxy_of(kind, world, upstream.port) as proxy:
        late = Knocker(world, world.bureau("late"))
        proxy.file.write_text(proxy.rendered())
        proxy.reload()
        assert late.ask("POST", FLEET) == 200


def test_a_session_cannot_be_resumed_past_a_revocation(kind: str) -> None:
    with new_world() as world, upstream_of(world.superlink) as upstream:
        north = Knocker(world, world.bureau("north"))
        with proxy_of(kind, world, upstream.port) as proxy:
            with north.connected() as first:
                first.sendall(request("POST", FLEET))
                assert status_of(first) == 200
                session, context = first.session, first.context
            world.authority.revoke("north")
            proxy.reload()
            time.sleep(1.0)
            n_seen = len(upstream.seen)
            again = Knocker(world, north.credential, session=session, resuming=context)
            assert again.ask("POST", FLEET) in {0, 403}
            assert len(upstream.seen) == n_seen


def test_an_operators_certificate_counts_from_the_operators_hosts_alone(kind: str) -> None:
    with new_world(operators=("10.0.0.0/8",), control=True) as world, upstream_of(world.superlink) as upstream:
        operator = Knocker(world, world.operator())
        with proxy_of(kind, world, upstream.port):
            assert [operator.ask("POST", path) for path in (CONTROL, FLEET)] == [404, 404]
            assert operator.ask("GET", "/health") == 404
    assert upstream.seen == []


@pytest.mark.parametrize("wrong", ["name", "authority"])
def test_an_upstream_with_another_certificate_gets_nothing(kind: str, wrong: str) -> None:
    with new_world() as world:
        other = Authority.create(world.root / "another", "test authority")
        files = other.server("superlink", ["localhost"]) if wrong == "authority" else world.proxy
        north = Knocker(world, world.bureau("north"))
        with upstream_of(files) as upstream, proxy_of(kind, world, upstream.port):
            assert north.ask("POST", FLEET) == 502
        assert upstream.seen == []


def test_a_body_that_does_not_come_is_not_waited_for(kind: str) -> None:
    with new_world(limits=Limits(body_s=1)) as world, upstream_of(world.superlink) as upstream:
        north = Knocker(world, world.bureau("north"))
        with proxy_of(kind, world, upstream.port), north.connected() as slow:
            began = time.monotonic()
            slow.sendall(request("POST", FLEET, bytes(1000))[:-10])
            assert status_of(slow) in {0, 408, 502, 504}
            assert time.monotonic() - began < 12.0


def test_one_bureau_has_one_share_of_requests_however_many_certificates_it_has(nginx: str) -> None:
    with new_world(limits=Limits(rate=1, burst=10)) as world, upstream_of(world.superlink) as upstream:
        knockers = [Knocker(world, world.bureau("north")) for _ in range(2)]
        south = Knocker(world, world.bureau("south"))
        with proxy_of(nginx, world, upstream.port):
            statuses = [knockers[place % 2].ask("POST", FLEET) for place in range(30)]
            assert 11 <= statuses.count(200) <= 20
            assert set(statuses) == {200, 429}
            assert len(upstream.seen) == statuses.count(200)
            assert south.ask("POST", FLEET) == 200


def test_one_bureau_has_a_few_connections_at_work_and_others_get_in_beside_it(nginx: str) -> None:
    with new_world(limits=Limits(connections=2)) as world, upstream_of(world.superlink) as upstream:
        upstream.pause_s = 1.0
        north, south = (Knocker(world, world.bureau(name)) for name in ("north", "south"))
        with proxy_of(nginx, world, upstream.port), ThreadPoolExecutor(7) as pool:
            asked = [pool.submit(one.ask, "POST", FLEET) for one in [north] * 6 + [south]]
            *ours, theirs = [one.result() for one in asked]
    assert sorted(ours) == [200, 200, 429, 429, 429, 429]
    assert theirs == 200


def test_a_list_of_revocations_that_has_ended_lets_nobody_in(nginx: str) -> None:
    with new_world() as world, upstream_of(world.superlink) as upstream:
        north, _ = Knocker(world, world.bureau("north")), world.operator()
        now = datetime.now(UTC)
        when = issuing.Span(begins=now - timedelta(days=2), ends=now - timedelta(days=1))
        held = issuing.revocations(world.authority._signer, [], when)
        world.authority.revocations.write_bytes(held.public_bytes(Encoding.PEM))
        with proxy_of(nginx, world, upstream.port) as proxy:
            assert north.ask("POST", FLEET) == 403
            found = {one.check: one for one in doctor(Place(world.root), configuration_of(world.port))}
            assert found["proxy's paths"].level is Level.FAULT
            assert "reload" in found["proxy's paths"].fix
            Authority.open(world.authority.root.parent)
            assert proxy.world.authority.revocations.read_bytes() != held.public_bytes(Encoding.PEM)
            proxy.reload()
            until = time.monotonic() + PATIENCE_S
            while north.ask("POST", FLEET) != 200:
                assert time.monotonic() < until
    assert upstream.paths()


def configuration_of(port: int) -> Configuration:
    return Configuration(name="coordinator", host=HOST, proxy=ProxyPart(port=port))


def test_what_a_proxy_writes_lies_in_its_own_directory(nginx: str) -> None:
    with new_world() as world, upstream_of(world.superlink) as upstream:
        north = Knocker(world, world.bureau("north"))
        with proxy_of(nginx, world, upstream.port):
            assert north.ask("POST", FLEET, bytes(1 << 20)) == 200
            kept = {one.name for one in (world.root / "proxy").iterdir()}
            assert {"access.log", "body", "error.log", "nginx.pid", "proxy"} <= kept
            assert list((world.root / "proxy" / "body").rglob("*")) == []
            written = [word for word in _words(world.root / "nginx.conf") if word.startswith("/")]
    assert [word for word in written if word != "/" and not word.startswith((str(world.root), "/v1/", "/health"))] == []
    assert (HOST, len(written) > 10) == (HOST, True)


def _words(path: Path) -> list[str]:
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    return [word.strip(";") for line in lines for word in line.split()]


def test_a_poll_that_finds_nothing_is_told_once_a_minute_and_all_else_always(nginx: str) -> None:
    with new_world() as world, upstream_of(world.superlink) as upstream:
        north = Knocker(world, world.bureau("north"))
        with proxy_of(nginx, world, upstream.port):
            while not 6 <= time.localtime().tm_sec < 50:
                time.sleep(0.5)
            asked = [north.ask("POST", path) for path in (FLEET, FLEET, "/v1/fleet/register-node", "/other", CONTROL)]
            assert asked == [200, 200, 200, 404, 404]
            quiet = _told(world.root)
            assert [line["request"].split()[1] for line in quiet] == ["/v1/fleet/register-node", "/other", CONTROL]
            upstream.body = b"x" * 500
            assert north.ask("POST", FLEET) == 200
            assert len(_told(world.root)) == 4


def _told(root: Path) -> list[dict[str, str]]:
    time.sleep(0.3)  # a worker writes after it has answered
    return [json.loads(line) for line in (root / "proxy" / "access.log").read_text().splitlines()]


def test_a_proxy_of_another_user_starts_from_its_own_copies_alone(kind: str) -> None:
    with new_world() as world, upstream_of(world.superlink) as upstream:
        north = Knocker(world, world.bureau("north"))
        site = copied(world.sites(upstream.port))
        assert {path.parent for path in (site.certificate, site.key, site.root, site.revocations)} == {site.directory}
        assert stat.S_IMODE(site.key.stat().st_mode) == 0o600
        authority = world.authority.root.parent
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(World, "sites", lambda *_: site)
            away = authority.rename(world.root / "away")
            north_context = ssl.create_default_context(cafile=str(site.root))
            north_context.load_cert_chain(north.credential or "")
            with proxy_of(kind, world, upstream.port):
                assert Knocker(world, north.credential, resuming=north_context).ask("POST", FLEET) == 200
            away.rename(authority)


def test_a_copy_is_written_into_the_directory_itself_whatever_its_user_put_there(tmp_path: Path) -> None:
    with new_world() as world:
        site, target = world.sites(1), tmp_path / "target"
        target.write_text("kept")
        for name in (".ca.pem.new", "ca.pem", site.key.name):
            (site.directory / name).symlink_to(target)
        copied(site)
        assert target.read_text() == "kept"
        assert (site.directory / "ca.pem").read_bytes() == site.root.read_bytes()
        linked = world.root / "linked"
        linked.symlink_to(site.directory)
        with pytest.raises(InputError, match="own directory"):
            copied(dataclasses.replace(site, directory=linked))


def test_reloads_do_not_cost_a_neighbour_a_request(nginx: str) -> None:
    with new_world() as world, upstream_of(world.superlink) as upstream:
        south = Knocker(world, world.bureau("south"))
        with proxy_of(nginx, world, upstream.port) as proxy:
            statuses = []
            for _ in range(3):
                proxy.reload()
                statuses += [south.ask("POST", FLEET) for _ in range(5)]
    assert set(statuses) == {200}
    assert all(before[1] == after[1] for before, after in pairwise(upstream.seen))
