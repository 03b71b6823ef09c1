"""Who gets where through a real nginx and a real Caddy, however the path is spelled."""

from __future__ import annotations

import ssl

import pytest

from tests.server.proxy.doors import Knocker, Proxy, Upstream, new_world, proxy_of, request, status_of, upstream_of

Proxied = tuple[Proxy, Upstream]
FLEET, CONTROL, RUNTIME = "/v1/fleet/pull-messages", "/v1/control/start-run", "/v1/runtime/acquire-task"

TRICKS = [
    "//v1/control/start-run",
    "/v1//control/start-run",
    "/v1/fleet/../control/start-run",
    "/v1/fleet/./../control/start-run",
    "/v1/fleet/..%2fcontrol/start-run",
    "/v1/fleet/%2e%2e/control/start-run",
    "/v1/fleet/%2E%2E%2Fcontrol%2Fstart-run",
    "/v1/fleet/%252e%252e/control/start-run",
    "/v1/fleet/..;/control/start-run",
    "/v1/fleet/..\\control\\start-run",
    "/v1/fleet/%5c..%5ccontrol",
    "/v1%2Fcontrol%2Fstart-run",
    "/v1/%63ontrol/start-run",
    "/V1/CONTROL/START-RUN",
    "/v1/Control/start-run",
    "/v1/control/start-run/",
    "/v1/control/start-run.",
    "/v1/control./start-run",
    "/v1/control;a=b/start-run",
    "/v1/control/start-run;a=b",
    "/v1/control/start-run?a=/v1/fleet/pull-messages",
    "/v1/fleet/pull-messages?/../../control/start-run",
    "/v1/fleet/pull-messages#/v1/control/start-run",
    "/v1/fleet/pull-messages/../../control/start-run",
    "/v1/fleet/pull-messages%0a/v1/control/start-run",
    "/v1/fleet/pull-messages%0d%0aX: y",
    "/v1/fleet/pull-messages%00",
    "/v1/fleet/",
    "/v1/fleet",
    "/./v1/control/start-run",
    "/../v1/control/start-run",
    "v1/control/start-run",
    "*",
    "https://coordinator.example/v1/control/start-run",
    "https://localhost/v1/control/start-run",
    "http://localhost:1/v1/runtime/acquire-task",
    "https://coordinator.example/v1/fleet/../control/start-run",
    "/v1/fleet/../runtime/acquire-task",
    "/v1/fleet/%2e%2e/runtime/acquire-task",
    "/v1/fleet/\uff0e\uff0e/control/start-run",
    "/v1/fleet/%c0%ae%c0%ae/control/start-run",
]


def got_in(proxied: Proxied, who: str, routes: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """What somebody reaches out of everything that a SuperLink serves."""
    proxy, upstream = proxied
    upstream.seen.clear()
    knocker = proxy.world.knocker(who)
    for method, path in routes:
        knocker.ask(method, path)
    return {(method, path) for method, path, _, _ in upstream.seen}


@pytest.mark.parametrize("who", ["nobody", "expired", "stranger", "revoked", "server"])
def test_without_a_bureaus_certificate_that_counts_no_path_is_reached(
    proxied: Proxied, routes: list[tuple[str, str]], who: str
) -> None:
    assert got_in(proxied, who, routes) == set()


@pytest.mark.parametrize("who", ["bureau", "sly"])
def test_a_bureau_reaches_the_fleets_paths_and_no_others(
    proxied: Proxied, routes: list[tuple[str, str]], who: str
) -> None:
    fleet = {one for one in routes if one[1].startswith("/v1/fleet/")}
    assert got_in(proxied, who, routes) == fleet
    assert len(fleet) == 12


def test_the_operator_reaches_health_and_nothing_that_starts_a_run(
    proxied: Proxied, routes: list[tuple[str, str]]
) -> None:
    assert got_in(proxied, "operator", routes) == {("GET", "/health")}


def test_where_the_sites_say_so_the_operator_reaches_control_too_and_never_runtime(
    kind: str, routes: list[tuple[str, str]]
) -> None:
    control = {one for one in routes if one[1].startswith("/v1/control/")}
    with new_world(control=True) as world, upstream_of(world.superlink) as upstream:
        world.let_in()
        with proxy_of(kind, world, upstream.port) as proxy:
            assert got_in((proxy, upstream), "operator", routes) == control | {("GET", "/health")}
            assert got_in((proxy, upstream), "bureau", sorted(control)) == set()


@pytest.mark.parametrize("path", TRICKS)
def test_no_spelling_takes_a_bureau_to_another_path(proxied: Proxied, path: str) -> None:
    proxy, upstream = proxied
    for version in ("1.1", "1.0"):
        for method in ("POST", "GET", "post", "CONNECT"):
            upstream.seen.clear()
            held = request(method, path).replace(b"HTTP/1.1", f"HTTP/{version}".encode())
            status = proxy.world.knocker("bureau").send(held)
            assert upstream.seen == []
            assert status in {0, 400, 403, 404, 405, 421, 501}


@pytest.mark.parametrize(
    "path", [one for one in TRICKS if "runtime" in one] + [RUNTIME, "/v1/control/../runtime/get-nodes"]
)
def test_no_spelling_takes_the_operator_to_runtime(proxied: Proxied, path: str) -> None:
    proxy, upstream = proxied
    upstream.seen.clear()
    proxy.world.knocker("operator").ask("POST", path)
    assert upstream.seen == []


def test_other_methods_are_closed(proxied: Proxied) -> None:
    proxy, upstream = proxied
    upstream.seen.clear()
    statuses = {
        proxy.world.knocker("bureau").ask(method, FLEET) for method in ("GET", "PUT", "DELETE", "OPTIONS", "TRACE")
    }
    assert upstream.seen == []
    assert statuses <= {403, 404, 405}


def test_one_request_cannot_be_hidden_in_another(proxied: Proxied) -> None:
    """Two lengths, a length and chunks, a space before the colon: what one server reads as a body another may not."""
    proxy, upstream = proxied
    hidden = request("POST", CONTROL)
    chunk = b"0\r\n\r\n" + hidden
    smuggled = [
        request("POST", FLEET, hidden).replace(b"\r\n\r\n", b"\r\nContent-Length: 0\r\n\r\n", 1),
        request("POST", FLEET, chunk, "Transfer-Encoding: chunked"),
        request("POST", FLEET, chunk, "Transfer-Encoding : chunked"),
        request("POST", FLEET, chunk, "Transfer-Encoding: xchunked"),
        request("POST", FLEET, hidden).replace(b"Content-Length: ", b"Content-Length: +"),
    ]
    for held in smuggled:
        upstream.seen.clear()
        proxy.world.knocker("bureau").send(held)
        assert set(upstream.paths()) <= {FLEET}


def test_the_superlink_learns_nothing_of_the_client_and_is_told_no_ways(proxied: Proxied) -> None:
    proxy, upstream = proxied
    upstream.seen.clear()
    forged = ["X-Forwarded-For: 10.9.8.7", "X-Real-IP: 10.9.8.7", "Forwarded: for=10.9.8.7", "X-Forwarded-Proto: http"]
    assert proxy.world.knocker("bureau").ask("POST", FLEET, b"abc", "flwr-signature: s", *forged) == 200
    ((method, path, headers, n_bytes),) = upstream.seen
    assert (method, path, n_bytes, headers["flwr-signature"]) == ("POST", FLEET, 3, "s")
    assert headers["host"].startswith("localhost")
    assert not [key for key in headers if "forwarded" in key or "ssl" in key or "real" in key or "cert" in key]
    told = " ".join(headers.values())
    assert not any(word in told for word in ("10.9.8.7", "127.0.0.1", "north", "BEGIN"))


def test_a_body_beyond_the_limit_is_refused_and_never_comes_whole(proxied: Proxied) -> None:
    proxy, upstream = proxied
    upstream.seen.clear()
    limit = proxy.world.limits.body_mib << 20
    knocker = proxy.world.knocker("bureau")
    with knocker.connected() as wrapped:
        head = f"POST {FLEET} HTTP/1.1\r\nHost: coordinator.example\r\nContent-Length: {limit + 1}\r\n\r\n"
        wrapped.sendall(head.encode() + (bytes(limit + 1) if proxy.kind == "caddy" else b""))
        assert status_of(wrapped) == 413
    assert knocker.ask("POST", FLEET, bytes(limit)) == 200
    assert max(seen[3] for seen in upstream.seen) == limit


def test_the_log_holds_who_and_what_and_no_body_and_no_header(proxied: Proxied) -> None:
    proxy, _ = proxied
    proxy.world.knocker("bureau").ask("POST", FLEET, b"CANARY-BODY", "flwr-signature: CANARY-HEADER")
    proxy.world.knocker("bureau").ask("POST", CONTROL, b"CANARY-BODY")
    held = "".join(one.read_text() for one in (proxy.world.root / "proxy").glob("*.log"))
    assert FLEET in held
    assert "north" in held
    assert "CANARY" not in held


def test_only_tls_of_version_1_3_is_spoken(proxied: Proxied) -> None:
    proxy, _ = proxied
    knocker = proxy.world.knocker("bureau")
    with knocker.connected() as wrapped:
        assert wrapped.version() == "TLSv1.3"

    class Older(Knocker):
        def context(self) -> ssl.SSLContext:
            context = super().context()
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            return context

    assert Older(proxy.world, knocker.credential).ask("POST", FLEET) == 0
