"""Certificates that do not count, a bureau that was revoked, one that the roster lists no more: each is kept out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from common.consortium.linking import LinkRequest
from server.certificates.authority import LASTS, Authority
from server.certificates.issuing import Kind
from server.certificates.requests import requested_key
from server.command import main
from server.registry.run import Run, State
from tests.deployment.faults.deployments import Deployment, change_roster
from tests.deployment.faults.outcomes import charged, head, insist_on_all
from tests.server.deployment.coordinators import until

pytestmark = [pytest.mark.flower, pytest.mark.slow, pytest.mark.timeout(900)]


def certificate(found: Deployment, name: str, wrong: str) -> bytes:
    """For the key of a bureau's link, but not one with which it should be let in."""
    request = LinkRequest.from_json(found.link_place(name).request.read_bytes()).certificate_request.encode()
    authority = Authority.open(found.seat.place.authority)
    if wrong == "expired":
        return authority.client(request, name, lifetime=timedelta(minutes=-1))
    if wrong == "of a stranger":
        return Authority.create(found.root / "stranger", "coordinator").client(request, name)
    return authority._client(requested_key(request), name, Kind.OPERATOR, LASTS).public_bytes(Encoding.PEM)


def run_without(found: Deployment, name: str) -> Run:
    """A run in which this bureau is not even asked, and is charged nothing."""
    n_asked, before = len(found.taps[name].asked), head(found.homes[name])
    run = found.run()
    assert (run.state, run.cohort) == (State.DONE, tuple(one for one in sorted(found.homes) if one != name)), run
    assert len(found.taps[name].asked) == n_asked
    assert head(found.homes[name]) == before
    assert charged(found.homes[name], run) == []
    return run


@pytest.mark.parametrize("wrong", ["of a stranger", "expired", "of another role"])
def test_a_bureau_whose_certificate_does_not_count_is_kept_out_and_the_run_goes_on(
    deployed: Deployment, wrong: str
) -> None:
    place = deployed.link_place("north")
    right = place.certificate.read_bytes()
    try:
        place.certificate.write_bytes(certificate(deployed, "north", wrong))
        n_turned_away = deployed.n_turned_away("north")
        deployed.kill_supernode("north")
        until(lambda: deployed.n_turned_away("north") > n_turned_away, "it is turned away", deployed.service)
        n_let_in = deployed.n_let_in("north")
        run_without(deployed, "north")
        assert deployed.n_let_in("north") == n_let_in
    finally:
        place.certificate.write_bytes(right)
        deployed.restart_link("north")
    deployed.await_online("north")
    insist_on_all(deployed)


def test_a_bureau_that_the_roster_lists_no_more_is_not_asked_although_its_link_is_there(deployed: Deployment) -> None:
    others = [name for name in deployed.homes if name != "west"]
    change_roster(deployed, others, "revoke", "west")
    run = run_without(deployed, "west")
    assert run.roster_version == max(deployed.rosters)
    deployed.await_online("west")
    insist_on_all(deployed)
    request = str(deployed.homes["west"].root / "consortium" / "join-request.json")
    change_roster(deployed, list(deployed.homes), "add", "west", "--request", request)


def test_a_revoked_bureau_is_out_at_once_when_the_proxy_is_reloaded(deployed: Deployment) -> None:
    assert main(["link", "revoke", "west", "--dir", str(deployed.seat.root)]) == 0
    n_turned_away = deployed.n_turned_away("west")
    deployed.door.reload()
    until(lambda: deployed.n_turned_away("west") > n_turned_away, "it is turned away", deployed.service)
    n_let_in = deployed.n_let_in("west")
    run_without(deployed, "west")
    assert deployed.n_let_in("west") == n_let_in
    insist_on_all(deployed)
