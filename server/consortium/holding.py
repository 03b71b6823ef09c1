"""The coordinator's directory: the newest version of the roster, the one that counts, and what was seen.

``roster.json`` is the newest version, signed or not, and may be replaced by the copy that comes back from the signers.
``in-force.json`` is the last one that was used; ``pin.json`` the memory. ``identity.key`` is secret.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from common.consortium.identity import Identity
from common.consortium.roster import Governance, Roster
from common.consortium.signed import OldRosterError, Pin, RosterTimeError, SignedRoster, UnsignedRosterError, check
from common.errors import InputError
from server.consortium.files import alone, load_key, read_bounded, replace

KEY_FILE, ROSTER_FILE, IN_FORCE_FILE, PIN_FILE = "identity.key", "roster.json", "in-force.json", "pin.json"


@dataclass(frozen=True, slots=True)
class Holding:
    """What a coordinator's directory holds.

    Guarantees:
        * While a new version is being signed, the last one that counts stays in use.
        * A roster is given out only after it was checked against the pin, and after the newer pin is on the disk.
        * A change makes the version after the newest, without signatures, and never follows a stale one.

    Attributes:
        directory: Where it lies.
    """

    directory: Path

    def begin(self, roster: Roster) -> None:
        """Keep version 1, unsigned, and pin its governance."""
        with alone(self.directory):
            self._keep(PIN_FILE, Pin(governance=roster.governance).model_dump_json(indent=2).encode())
            self._keep(ROSTER_FILE, SignedRoster(roster=roster).to_json())

    def newest(self) -> SignedRoster:
        """The newest version, signed or not.

        Raises:
            InputError: If there is none.
            RosterError: If the file is none.
        """
        return SignedRoster.from_json(read_bounded(self.directory / ROSTER_FILE))

    def pin(self) -> Pin:
        """What was seen.

        Raises:
            InputError: If that is not known.
        """
        path = self.directory / PIN_FILE
        try:
            return Pin.model_validate_json(read_bounded(path))
        except ValidationError:
            msg = f"{path} is damaged: restore it; without it the coordinator does not know what it has seen"
            raise InputError(msg) from None

    def roster(self, now: int) -> Roster:
        """The roster that counts now.

        Args:
            now: Unix seconds.

        Raises:
            RosterError: If none does; the text says why the newest one does not.
            InputError: If there is none.
        """
        with alone(self.directory):
            return self._settle(now)

    def change(self, next_version: Callable[[Roster, Governance], Roster], now: int) -> Roster:
        """Replace the newest version by one that follows it; if it counts, it stays in use until the next one does.

        Args:
            next_version: Makes it, of the newest and of the governance that is pinned.
            now: Unix seconds.

        Raises:
            InputError: If the change cannot be made; nothing has changed.
            RosterError: If the newest version is forged or older than one that was seen.
        """
        with alone(self.directory):
            newest = self.newest()
            with suppress(UnsignedRosterError, RosterTimeError):
                self._settle(now)
            pin = self.pin()
            if newest.roster.version < pin.version:
                msg = f"{self.directory / ROSTER_FILE} is older than version {pin.version}: restore the newest"
                raise OldRosterError(msg)
            changed = next_version(newest.roster, pin.governance)
            self._keep(ROSTER_FILE, SignedRoster(roster=changed).to_json())
        return changed

    def identity(self, passphrase: bytes | None) -> Identity:
        """The coordinator's key.

        Raises:
            KeyFileError: As ``load_key``.
        """
        return load_key(self.directory / KEY_FILE, passphrase)

    def _settle(self, now: int) -> Roster:
        """Find what counts, and remember it."""
        newest, pin = self.newest(), self.pin()
        try:
            newer = check(newest, pin, now)
        except UnsignedRosterError:
            if not (self.directory / IN_FORCE_FILE).exists():
                raise
            newest = SignedRoster.from_json(read_bounded(self.directory / IN_FORCE_FILE))
            newer = check(newest, pin, now)
        if newer != pin:
            self._keep(IN_FORCE_FILE, newest.to_json())
            self._keep(PIN_FILE, newer.model_dump_json(indent=2).encode())
        return newest.roster

    def _keep(self, name: str, held: bytes) -> None:
        replace(self.directory / name, held)
