"""Bureaus that are gone for a while or for good: the run goes on with the others, or says why it cannot."""

from __future__ import annotations

import signal
import threading

import pytest

from server.registry.run import State
from tests.deployment.faults.deployments import NAMES, Deployment, Once
from tests.deployment.faults.outcomes import charged, insist_on_all, said_twice

pytestmark = [pytest.mark.flower, pytest.mark.slow, pytest.mark.timeout(900)]

OTHERS = ("east", "south", "west")
HEALS_S = 6.0


def test_a_bureau_that_is_cut_off_in_mid_run_is_lost_and_takes_part_again_once_its_line_is_mended(
    deployed: Deployment,
) -> None:
    line = deployed.lines["north"]
    cut = deployed.taps["north"].before = Once("invite", line.cut, number=2)
    run = deployed.run()
    assert cut.done
    assert (run.state, run.cohort, run.lost) == (State.DONE, OTHERS, ("north",)), run
    assert charged(deployed.homes["north"], run) == [1, 2]
    line.mend()
    deployed.await_online("north")
    again = deployed.run()
    assert (again.state, again.cohort) == (State.DONE, NAMES), again
    insist_on_all(deployed)


def test_a_bureau_that_is_cut_off_for_a_moment_is_not_lost_and_gives_the_same_bytes(deployed: Deployment) -> None:
    line = deployed.lines["west"]

    def flicker() -> None:
        line.cut()
        threading.Timer(HEALS_S, line.mend).start()

    cut = deployed.taps["west"].before = Once("invite", flicker, number=2)
    run = deployed.run()
    assert cut.done
    assert (run.state, run.cohort, run.lost) == (State.DONE, NAMES, ()), run
    assert "invite" in said_twice(deployed, "west")
    insist_on_all(deployed)


def test_a_bureau_that_is_absent_for_a_whole_run_is_not_waited_for_and_is_charged_nothing(deployed: Deployment) -> None:
    assert deployed.links["north"].end(signal.SIGTERM) == 0
    run = deployed.run()
    assert (run.state, run.cohort) == (State.DONE, OTHERS), run
    assert charged(deployed.homes["north"], run) == []
    insist_on_all(deployed)


def test_with_too_few_bureaus_a_run_ends_with_the_reason_and_nobody_is_charged(deployed: Deployment) -> None:
    for name in ("north", "west"):
        deployed.links[name].end(signal.SIGTERM)
    run = deployed.run()
    assert run.state is State.FAILED
    assert run.reason.startswith("2 bureaus take part, a sum needs 3: connect more and start again")
    assert all(charged(home, run) == [] for home in deployed.homes.values())
    insist_on_all(deployed)
