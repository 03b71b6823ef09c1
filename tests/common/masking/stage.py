"""Four bureaus, of which three must survive: where most tests of a participant begin."""

from __future__ import annotations

from typing import NamedTuple

from common.masking.context import Context
from common.masking.participant import Contribution, Participant
from tests.common.masking.bureaus import (
    Words,
    bureaus,
    confirmations,
    context_of,
    contributions,
    digests_of,
    words_of,
)

ALL = ["b000", "b001", "b002", "b003"]
ME = "b000"
FIRST, OTHER = ALL[:3], ALL[1:]


class Stage(NamedTuple):
    """Four bureaus, of which three must survive, after masking in one context."""

    machines: dict[str, Participant]
    words: dict[str, Words]
    context: Context
    given: dict[str, Contribution]

    @property
    def me(self) -> Participant:
        return self.machines[ME]

    def confirmed(self, survivors: list[str]) -> dict[str, bytes]:
        return confirmations(self.machines, self.context, self.given, survivors)

    def confirm(self, survivors: list[str]) -> bytes:
        return self.me.confirm(self.context.digest, survivors, digests_of(self.given, survivors))

    def again(self, **changes: object) -> Stage:
        """Another attempt."""
        context = context_of(self.machines, **({"attempt": 2} | changes))
        return self._replace(context=context, given=contributions(self.machines, context, self.words))

    def restarted(self) -> Stage:
        machines = {name: Participant(each.membership, each.kept) for name, each in self.machines.items()}
        return self._replace(machines=machines)


def staged() -> Stage:
    machines = bureaus(4, 3)
    words, context = words_of(machines), context_of(machines)
    return Stage(machines, words, context, contributions(machines, context, words))
