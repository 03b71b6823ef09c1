"""Posting alerts to a webhook: beside the service, a few times, and again at the next tick; it holds nothing up."""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from common.errors import EngineError, FedclaimsError, InputError
from server.consortium.files import read_private
from server.deployment.configuration import StreamPart
from server.deployment.logs import say
from server.deployment.office import Office
from server.registry.alerts import Alert

TIMEOUT_S = 5.0
TRIES, FIRST_PAUSE_S = 3, 1.0
MOST_AT_ONCE = 100
"""Alerts of one go; the others wait for the next."""

for _talkative in ("httpx", "httpcore"):  # they tell of every request, with its address
    logging.getLogger(_talkative).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where alerts are posted.

    Guarantees:
        * It is reached over TLS, under a certificate that was checked, without detours: no redirection is followed
          and no proxy asked, so a token goes nowhere else.
        * An error names neither address nor token.

    Attributes:
        url: Its address.
        token: What it asks for, or None.
        trust: The certificates that its own must come from.
    """

    url: str
    token: str | None
    trust: ssl.SSLContext

    def post(self, alert: Alert) -> None:
        """Post an alert; once it has arrived, the same ``id`` may come a second time.

        Raises:
            EngineError: If it did not arrive.
        """
        self._ask("POST", alert)

    def look(self) -> None:
        """Whether it can be reached; nothing is posted.

        Raises:
            EngineError: If not.
        """
        self._ask("HEAD", None)

    def _ask(self, method: str, alert: Alert | None) -> None:
        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        body = None if alert is None else dict(alert.held)
        try:
            with httpx.Client(verify=self.trust, timeout=TIMEOUT_S, trust_env=False) as client:
                status = client.request(method, self.url, headers=headers, json=body).status_code
        except httpx.HTTPError as error:
            msg = f"the webhook is not reached ({type(error).__name__}): look at alerts_webhook under [stream]"
            raise EngineError(msg) from None
        if not (httpx.codes.is_success(status) or (alert is None and status == httpx.codes.METHOD_NOT_ALLOWED)):
            msg = f"the webhook answers {status}: look at alerts_webhook and alerts_token_file under [stream]"
            raise EngineError(msg)


def webhook_of(office: Office, part: StreamPart) -> Webhook | None:
    """The webhook of a configuration; None if it names none.

    Raises:
        InputError: If a file that it needs cannot be used, or the token is open to others.
    """
    if part.alerts_webhook is None:
        return None
    path = part.alerts_token_file
    token = None if path is None else _token(read_private(office.place.within(path)))
    return Webhook(part.alerts_webhook, token, _trust(office, part))


class Posting:
    """Posts what waits, in a thread of its own.

    Guarantees:
        * ``begin`` returns at once, whatever the webhook does, and raises nothing; one go at a time is under way.
        * Alerts arrive in their order; one that does not arrive is tried a few times, and it and all after it wait for
          the next go.
    """

    def __init__(self, office: Office, sleep: Callable[[float], object] = time.sleep) -> None:
        """Prepare."""
        self._office, self._sleep = office, sleep
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Begin a go, unless one is under way."""
        part = self._office.configuration.stream
        if part is None or part.alerts_webhook is None or (self._thread is not None and self._thread.is_alive()):
            return
        self._thread = threading.Thread(target=self.go, name="alerts", daemon=True)
        self._thread.start()

    def end(self, patience: float) -> None:
        """Wait a little for a go that is under way; what has not arrived then is posted by the next service."""
        if self._thread is not None:
            self._thread.join(patience)

    def go(self) -> None:
        """Post what waits, one after another, until one does not arrive; raises nothing."""
        try:
            part = self._office.configuration.stream
            webhook = None if part is None else webhook_of(self._office, part)
            if webhook is not None:
                for alert in self._office.registry.alerts.unposted(MOST_AT_ONCE):
                    self._post(webhook, alert)
        except FedclaimsError as error:
            say("alerts not posted", level=logging.WARNING, text=str(error))

    def _post(self, webhook: Webhook, alert: Alert) -> None:
        for n_tries in range(1, TRIES + 1):
            try:
                webhook.post(alert)
                break
            except EngineError:
                if n_tries == TRIES:
                    raise
                self._sleep(FIRST_PAUSE_S * n_tries)
        self._office.registry.alerts.note_posted(alert, self._office.clock())


def _token(held: bytes) -> str:
    found = held.partition(b"\n")[0].strip()
    if not found or not found.isascii() or not found.decode("ascii").isprintable():
        raise InputError("alerts_token_file holds no token: its first line is printable ASCII")
    return found.decode("ascii")


def _trust(office: Office, part: StreamPart) -> ssl.SSLContext:
    if part.alerts_roots_file is None:
        return ssl.create_default_context()
    path = office.place.within(part.alerts_roots_file)
    try:
        return ssl.create_default_context(cafile=str(path))
    except (OSError, ssl.SSLError):
        msg = f"{path} holds no certificates in PEM: name another alerts_roots_file under [stream]"
        raise InputError(msg) from None
