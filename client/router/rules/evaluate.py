"""The composer of rules: a batch of claims in, findings per claim out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from client.router.claims import RoutedClaims
from client.router.registers import Registers
from client.router.rules.event import Events, events_of
from client.router.rules.finding import Finding, RuleText, finding
from client.router.rules.history import History, Rows, joined
from client.router.rules.rule import Assigned, Hits, Register, Rule, Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What was found against ``n`` claims, claim by claim; the words are made when they are asked for.

    Attributes:
        starts: int64 ``(n + 1,)``; the findings of claim ``i`` are those from ``starts[i]`` to ``starts[i + 1]``.
        rules: int64 ``(m,)``; which of ``texts``, ascending within a claim.
        amounts: int64 ``(m,)``, fen.
        evidence: ``(m,)``.
        texts: Of the rules that ran.
        hard: bool ``(n,)``; whether a rule that holds claims hit.
    """

    starts: npt.NDArray[np.int64]
    rules: npt.NDArray[np.int64]
    amounts: npt.NDArray[np.int64]
    evidence: tuple[str, ...]
    texts: tuple[RuleText, ...]
    hard: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.hard)

    @property
    def any(self) -> npt.NDArray[np.bool_]:
        """Whether anything was found, bool ``(n,)``."""
        return np.diff(self.starts) > 0

    def of(self, row: int) -> tuple[Finding, ...]:
        """The findings against one claim, in the order of the policy's rules."""
        return tuple(
            finding(self.texts[self.rules[place]], int(self.amounts[place]), self.evidence[place])
            for place in self._places(row)
        )

    def rule_ids(self, row: int) -> tuple[str, ...]:
        """The ids of the rules that hit one claim."""
        return tuple(self.texts[self.rules[place]].rule_id for place in self._places(row))

    def select(self, rows: Rows) -> Findings:
        """The findings against some claims, in the order given."""
        places = [place for row in rows.tolist() for place in self._places(row)]
        return Findings(
            starts=_starts(np.diff(self.starts)[rows]),
            rules=self.rules[places],
            amounts=self.amounts[places],
            evidence=tuple(self.evidence[place] for place in places),
            texts=self.texts,
            hard=self.hard[rows],
        )

    def _places(self, row: int) -> range:
        return range(int(self.starts[row]), int(self.starts[row + 1]))


def evaluate(
    rules: Sequence[Rule],
    claims: RoutedClaims,
    history: History,
    registers: Registers,
    *,
    events: Events | None = None,
    assigned: Assigned | None = None,
) -> Findings:
    """Run all rules over a batch.

    Guarantees:
        * What is found against a claim depends on that claim, the other claims of that person and claims with the same
          key (in the batch or remembered), its cluster and the registers: not on the order of the batch.
        * Of two claims in one batch that repeat or contradict each other, both get the finding; of two in different
          batches, the later one.
        * A rule whose register is missing finds nothing; ``not_run`` says which these are.
        * The history is not changed.

    Args:
        rules: Of the policy, in its order.
        claims: The batch.
        history: What is remembered of earlier claims; the batch is not in it yet.
        registers: What else the bureau knows.
        events: Of the batch, if they were made already.
        assigned: Clusters of the claims, for rules that compare with what is usual there.
    """
    own = events_of(claims, 0) if events is None else events
    others = history.others(own)
    if len(claims) > 1:
        others = joined(others, history.others_within(own))
    seen = Seen(claims=claims, events=own, others=others, registers=registers, assigned=assigned)
    idle = {rule.kind for rule, _ in _without_register(rules, registers)}
    running = [rule for rule in rules if rule.kind not in idle]
    return _laid_out(running, [rule.find(seen) for rule in running], len(claims))


def not_run(rules: Iterable[Rule], registers: Registers) -> tuple[tuple[str, Register], ...]:
    """Rule ids and the registers they miss: said once, when a router opens."""
    return tuple((rule.text.rule_id, needed) for rule, needed in _without_register(rules, registers))


def _without_register(rules: Iterable[Rule], registers: Registers) -> list[tuple[Rule, Register]]:
    return [(rule, rule.needs) for rule in rules if rule.needs is not None and getattr(registers, rule.needs) is None]


def _laid_out(rules: Sequence[Rule], hits: Sequence[Hits], n_claims: int) -> Findings:
    """All hits, claim by claim, in the order of the rules."""
    rows = np.concatenate([np.empty(0, np.intp), *(hit.rows for hit in hits)])
    ran = np.repeat(np.arange(len(hits)), [len(hit.rows) for hit in hits])
    order = np.argsort(rows, kind="stable")
    evidence = [fact for hit in hits for fact in hit.evidence]
    hard = np.zeros(n_claims, np.bool_)
    for rule, hit in zip(rules, hits, strict=True):
        hard[hit.rows] |= rule.hard
    return Findings(
        starts=_starts(np.bincount(rows, minlength=n_claims)),
        rules=ran[order],
        amounts=np.concatenate([np.empty(0, np.int64), *(hit.amounts for hit in hits)])[order],
        evidence=tuple(evidence[place] for place in order.tolist()),
        texts=tuple(rule.text for rule in rules),
        hard=hard,
    )


def _starts(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
