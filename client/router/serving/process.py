"""The router's process: opens, listens, takes up what has changed when it is told to, and stops when it is told to."""

from __future__ import annotations

import logging
import os
import resource
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from client.claims.pseudonym import Pseudonymiser
from client.deployment.logs import say, start_logging
from client.router.claims import routed_claims
from client.router.configuration import ServicePart
from client.router.grouping import GroupCommit
from client.router.lone.claim import lone_claim
from client.router.lone.ready import get_ready, tidy_up
from client.router.models.following import follow
from client.router.place import RouterPlace
from client.router.registers import UNHEARD
from client.router.router import Router, now
from client.router.serving.listening import Door, Tls, listening
from client.router.serving.service import Answer, Decides, Question, RouterService
from common.errors import FedclaimsError

FOLLOWS_EVERY_S = 60
"""Between two looks at what has arrived; models of a stream come every 15 minutes."""


def run_router(root: Path, ready: Callable[[int], None] = lambda _: None) -> None:
    """Serve the router of a directory until SIGTERM or SIGINT.

    Guarantees:
        * Where the policy says so, it follows the stream of the model in force: what arrives and passes every check is
          taken up the same way; what does not waits for a person, and that is logged once.
        * SIGHUP takes up model, policy, cards, calibration and registers as they are then: between two commits, so that
          no request is dropped; if they cannot be used the router goes on with what it had.
        * When it is told to stop, what was taken is decided, kept and answered first.

    Args:
        root: The directory.
        ready: Is told the port once it listens, 0 for a socket.

    Raises:
        InputError: If something needs mending.
        EngineError: If another process has it, or socket or store cannot be opened.
    """
    with Router.open(root) as router:
        _leave_no_core()
        os.umask(0o077)
        start_logging(router.desk.configuration.log)
        stop, again = _signals()
        get_ready(router.bench)
        tidy_up()
        with serving(router) as port:
            say("started", pid=os.getpid(), model_version=router.bench.artefacts.model.version)
            for rule, register in router.idle_rules():
                say("a rule does not run", rule=rule, missing=register)
            if router.registers.opted_out is None:
                say(UNHEARD, level=logging.WARNING, missing="opted_out")
            ready(port)
            _until(stop, again, router)
            say("stopping")
    say("stopped")


@contextmanager
def serving(router: Router) -> Iterator[int]:
    """Answer over gRPC while this lasts; gives the port, 0 for a socket."""
    part = router.desk.configuration.service
    with decides(router, part.waiting) as group, listening(RouterService(group), door(router.desk.place, part)) as port:
        yield port


def decides(router: Router, most_waiting: int) -> Decides:
    """Group commit before a router."""
    pseudonymiser = Pseudonymiser(router.desk.key)

    def decide(questions: Sequence[Question]) -> Sequence[Answer]:
        return [alone(questions[0])] if len(questions) == 1 else together(questions)

    def alone(one: Question) -> Answer:
        persons = pseudonymiser.person_ids([one.claim.psn_key.encode()])
        refused = bool(router.registers.refused(persons)[0])
        answer = router.decide_one(lone_claim(one.claim, persons.item(), refused=refused))
        return Answer(
            decision_id=answer.decision_id,
            lane=answer.lane,
            confidence=answer.confidence,
            record=answer.record if one.with_record else b"",
        )

    def together(questions: Sequence[Question]) -> Sequence[Answer]:
        persons = pseudonymiser.person_ids(one.claim.psn_key.encode() for one in questions)
        claims = routed_claims([one.claim for one in questions], persons.tolist())
        claims = replace(claims, refused_automation=router.registers.refused(persons))
        answers = router.decide(claims)
        columns = (answers.decision_ids, answers.lanes, answers.confidences.tolist(), answers.records)
        return [
            Answer(
                decision_id=name,
                lane=lane,
                confidence=None if np.isnan(confidence) else confidence,
                record=record if one.with_record else b"",
            )
            for one, name, lane, confidence, record in zip(questions, *columns, strict=True)
        ]

    return GroupCommit(decide, most_waiting=most_waiting)


def door(place: RouterPlace, part: ServicePart) -> Door:
    """Where to listen, as configured.

    Raises:
        InputError: If a certificate cannot be read.
    """
    tls = None
    if part.tls is not None:
        tls = Tls.read(*(place.within(path) for path in (part.tls.certificate, part.tls.key, part.tls.client_ca)))
    return Door(
        socket=place.within(part.socket),
        group=part.group,
        address=part.address,
        tls=tls,
        connections=part.connections,
    )


def _until(stop: threading.Event, again: threading.Event, router: Router) -> None:
    """Swap when told, until told to stop. A signal's handler only sets an event: it may come amid a commit."""
    following = Following(router)
    while True:
        told = again.wait(FOLLOWS_EVERY_S)
        again.clear()
        if stop.is_set():
            return
        try:
            if told or following.news():
                router.swap()
                say("swapped", model_version=router.bench.artefacts.model.version)
        except Exception as error:  # noqa: BLE001  whatever it is, claims go on being decided
            text = str(error) if isinstance(error, FedclaimsError) else "look at models, policy and registers"
            in_force = router.bench.artefacts.model.version
            kept = {"error": type(error).__name__, "text": text, "model_version": in_force}
            say("what is there now cannot be used, the router goes on with what it had", level=logging.ERROR, **kept)


class Following:
    """Follows the stream of the model in force, if the policy says so."""

    def __init__(self, router: Router) -> None:
        """Nothing was looked at yet."""
        self._router, self._said = router, ("", "")

    def news(self) -> bool:
        """Whether another version is in force now. What waits for a person is logged, each reason once."""
        try:
            found = follow(self._router.desk, now())
        except FedclaimsError as error:
            self._say_once("the stream cannot be followed", str(error))
            return False
        if found.waiting is not None:
            self._say_once(f"model version {found.waiting[0]} waits for a person", found.waiting[1])
        return found.accepted is not None

    def _say_once(self, what: str, why: str) -> None:
        if (what, why) != self._said:
            self._said = what, why
            say(what, level=logging.WARNING, text=why)


def _signals() -> tuple[threading.Event, threading.Event]:
    """Events for "stop" and for "something happened"."""
    stop, again = threading.Event(), threading.Event()

    def end(*_: object) -> None:
        stop.set()
        again.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    signal.signal(signal.SIGHUP, lambda *_: again.set())
    return stop, again


def _leave_no_core() -> None:
    """A crash must not write claims to a disk; where this may not be changed, whoever forbids it sees to it."""
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
